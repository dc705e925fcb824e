package paymenttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// BuildSimulator builds the simulator of the gateway and returns its path and a function that removes it. For TestMain.
func BuildSimulator() (binary string, remove func(), err error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", nil, errors.New("the sources cannot be found")
	}
	root := filepath.Join(filepath.Dir(file), "..", "..", "..", "..")
	dir, err := os.MkdirTemp("", "sidecart-simulator-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	binary = filepath.Join(dir, "braintree")
	build := exec.Command("go", "build", "-C", filepath.Join(root, "tools"), "-o", binary, "./simulators/braintree")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the simulator: %w\n%s", err, out)
	}
	return binary, remove, nil
}

// Simulator is a running one.
type Simulator struct{ URL string }

// StartSimulator runs the simulator for one test, without duplicate check and test amounts unless flags say otherwise.
func StartSimulator(t testing.TB, binary string, flags ...string) *Simulator {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"--listen", "127.0.0.1:0", "--data", t.TempDir(), "--duplicate-window", "0", "--test-amounts=false", "--log-level", "error"}, flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // both fail when it ended by itself
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator printed no address: %v", err)
	}
	return &Simulator{URL: strings.TrimSpace(line)}
}

// Post sends a command to one of the simulator's switches, such as /_sim/settle.
func (s *Simulator) Post(t testing.TB, path string, body any) {
	t.Helper()
	s.do(t, http.MethodPost, path, body, nil)
}

// Fault orders a fault: of this kind, for this operation, for the next n calls.
func (s *Simulator) Fault(t testing.TB, kind, operation string, n int) {
	t.Helper()
	s.Post(t, "/_sim/faults", map[string]any{"kind": kind, "operation": operation, "count": n, "delay": "2s"})
}

func (s *Simulator) do(t testing.TB, method, path string, body, into any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	if into == nil {
		return
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func (s *Simulator) get(t testing.TB, path string, into any) {
	t.Helper()
	s.do(t, http.MethodGet, path, nil, into)
}

// Notice is a notification of the simulator, signed.
type Notice struct {
	Kind      string `json:"kind"`
	Signature string `json:"bt_signature"`
	Payload   string `json:"bt_payload"`
}

// Form is the body in which a notification is sent.
func (n Notice) Form() string {
	return url.Values{"bt_signature": {n.Signature}, "bt_payload": {n.Payload}}.Encode()
}

// Notices returns all notifications that the simulator has made, oldest first.
func (s *Simulator) Notices(t testing.TB) []Notice {
	t.Helper()
	var all struct{ Items []Notice }
	s.get(t, "/_sim/webhooks", &all)
	return all.Items
}

// Dispute opens a dispute against a settled sale and returns its id.
func (s *Simulator) Dispute(t testing.TB, transaction string) string {
	t.Helper()
	var made struct{ ID string }
	s.do(t, http.MethodPost, "/_sim/disputes", map[string]string{"transaction_id": transaction}, &made)
	return made.ID
}

// Booked is a transaction of the simulator's own books.
type Booked struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Status   string `json:"status"`
	OrderID  string `json:"order_id"`
	Account  string `json:"merchant_account_id"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Captured int64  `json:"captured_minor"`
}

// Books returns them, oldest first.
func (s *Simulator) Books(t testing.TB) []Booked {
	t.Helper()
	var books struct{ Transactions []Booked }
	s.get(t, "/_sim/books", &books)
	return books.Transactions
}
