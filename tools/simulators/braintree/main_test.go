package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"
)

// TestMain lets the test binary be the simulator itself, so that a test can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("BRAINTREE_SIMULATOR_CHILD") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// spawn starts a simulator process on a free port and answers its address.
func spawn(t *testing.T, dir string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--listen", "127.0.0.1:0", "--data", dir, "--duplicate-window", "0"}, args...)...)
	cmd.Env = append(os.Environ(), "BRAINTREE_SIMULATOR_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // both fail when the test ended it
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator printed no address: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

func client(url string) *braintree.Braintree {
	return braintree.NewWithHttpClient(braintree.NewEnvironment(url), "sidecart", "sidecart_public", "sidecart_private", &http.Client{Timeout: 10 * time.Second})
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, resp.StatusCode, err)
	}
	return string(body)
}

type books struct {
	Transactions []struct {
		ID      string
		Status  string
		OrderID string `json:"order_id"`
	}
}

func readBooks(t *testing.T, url string) books {
	t.Helper()
	var b books
	if err := json.Unmarshal([]byte(get(t, url+"/_sim/books")), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKillLosesNothingThatWasAnswered kills the process with SIGKILL in the middle of concurrent sales, three times over.
func TestKillLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answered := map[string]string{} // transaction → order
	for round := range 3 {
		cmd, url := spawn(t, dir)
		gateway := client(url)
		enough := make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		sold := 0
		for buyer := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					order := fmt.Sprint(round, "-", buyer, "-", i)
					tx, err := gateway.Transaction().Create(context.Background(), &braintree.TransactionRequest{
						Type: "sale", Amount: braintree.NewDecimal(1000, 2), OrderId: order, PaymentMethodNonce: braintree.FakeNonceTransactable,
						Options: &braintree.TransactionOptions{SubmitForSettlement: true},
					})
					if err != nil {
						return // killed
					}
					mu.Lock()
					answered[tx.Id] = order
					if sold++; sold == 100 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		_ = cmd.Wait() // "signal: killed"
	}
	_, url := spawn(t, dir)
	on := map[string]string{}
	for _, e := range readBooks(t, url).Transactions {
		on[e.ID] = e.OrderID
	}
	for id, order := range answered {
		if on[id] != order {
			t.Errorf("sale %s of order %s was answered and is not on the books", id, order)
		}
	}
	if len(answered) < 300 || len(on) > len(answered)+3*8 {
		t.Errorf("%d answered, %d on the books", len(answered), len(on))
	}
}

func TestProcessServesPageSettlesByTimeAndEndsCleanly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, url := spawn(t, dir, "--settle-after", "100ms")
	tx, err := client(url).Transaction().Create(t.Context(), &braintree.TransactionRequest{
		Type: "sale", Amount: braintree.NewDecimal(1500, 0), OrderId: "yen", MerchantAccountId: "sidecart-jpy", PaymentMethodNonce: braintree.FakeNonceTransactable,
		Options: &braintree.TransactionOptions{SubmitForSettlement: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := get(t, url+"/"); !strings.Contains(page, tx.Id) || !strings.Contains(page, "1500 JPY") {
		t.Error("the page does not list the sale")
	}
	deadline := time.Now().Add(10 * time.Second)
	for readBooks(t, url).Transactions[0].Status != "settled" {
		if time.Now().After(deadline) {
			t.Fatal("not settled in time")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestBadOptionsAndSecondProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _ = spawn(t, dir)
	for name, args := range map[string][]string{
		"locked folder": {"--data", dir, "--listen", "127.0.0.1:0"}, "account form": {"--data", t.TempDir(), "--merchant-accounts", "usd"}, "account twice": {"--data", t.TempDir(), "--merchant-accounts", "a=USD,a=EUR"},
		"no key": {"--data", t.TempDir(), "--private-key", ""}, "stray argument": {"serve"}, "unknown flag": {"--nope"}, "port in words": {"--data", t.TempDir(), "--listen", "localhost:http-ish"},
	} {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), "BRAINTREE_SIMULATOR_CHILD=1")
		out, err := cmd.CombinedOutput()
		if err == nil || len(out) == 0 {
			t.Errorf("%s: ended with %v and said %q", name, err, out)
		}
	}
}
