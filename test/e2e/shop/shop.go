// Package shop runs a whole shop for a test, as a user would: the command line brings it up on free ports in a temporary folder, and
// everything else goes over HTTP, by signals to its processes, and by looking into its databases.
//
// One shop serves a whole test binary: starting it costs more than all tests. Tests therefore make their own carts and SKUs, and
// what a test breaks it waits for to be whole again.
package shop

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Shop is a running shop.
type Shop struct {
	Root    string // of the repository
	Data    string // its state folder
	Tool    string // the command line
	Gateway string // base URL of the public API
	// Storefront is the base URL of the shop's pages.
	Storefront string

	cmd   *exec.Cmd
	ended chan struct{}
	log   *tail
	http  *http.Client
	state state

	mu    sync.Mutex
	pools map[string]*pgxpool.Pool
}

// state is what of the shop's state file tests use.
type state struct {
	Tool struct {
		PID int `json:"pid"`
	} `json:"tool"`
	Phase     string            `json:"phase"`
	Gateway   string            `json:"gateway"`
	Shop      string            `json:"storefront"`
	Profile   string            `json:"profile"`
	Server    string            `json:"server"`
	Databases map[string]string `json:"databases"`
	Ports     ports             `json:"ports"`
	Simulator map[string]string `json:"simulators"`
	Services  []struct {
		ID      string `json:"id"`
		Sidecar string `json:"sidecar"`
		Metrics string `json:"metrics"`
	} `json:"services"`
}

// ports say which port this shop uses in place of a usual one.
type ports struct {
	Offset int         `json:"offset"`
	Own    map[int]int `json:"own"`
}

func (p ports) of(usual int) int {
	if own := p.Own[usual]; own != 0 {
		return own
	}
	return usual + p.Offset
}

// Options of Start.
type Options struct {
	Data string    // state folder; it is not deleted by Stop
	Out  io.Writer // what the tool says; nil: only the end of it, when it fails
	Args []string  // further flags of `sidecart up`
	// Profile is which components the shop is made of; empty: what the environment says.
	Profile string
	// Prepare, if set, changes how the tool is started.
	Prepare func(*exec.Cmd)
}

// Start builds the command line, brings a shop up on free ports and waits until it serves.
func Start(ctx context.Context, o Options) (*Shop, error) {
	s, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	s.cmd = exec.Command(s.Tool, append([]string{"up", "--free-ports", "--profile", cmp.Or(o.Profile, wanted()), "--dir", s.Root, "--data", s.Data}, o.Args...)...) // outlives ctx
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if o.Prepare != nil {
		o.Prepare(s.cmd)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }() // the state of its end is in ProcessState
	if err := s.serving(ctx); err != nil {
		_ = s.Stop()
		return nil, fmt.Errorf("%w\n%s", err, s.log.String())
	}
	return s, nil
}

// attach uses a shop that runs already.
func attach(ctx context.Context, data string) (*Shop, error) {
	s, err := prepare(ctx, Options{Data: data})
	if err != nil {
		return nil, err
	}
	return s, s.serving(ctx)
}

// prepare finds the repository and builds the command line.
func prepare(ctx context.Context, o Options) (*Shop, error) {
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	for ; root != "/"; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "dapr.yaml")); err == nil {
			break
		}
	}
	s := &Shop{Root: root, Data: o.Data, Tool: filepath.Join(o.Data, "sidecart"), ended: make(chan struct{}), log: &tail{out: o.Out},
		pools: map[string]*pgxpool.Pool{}, http: &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, "tools"), "-o", s.Tool, "./sidecart")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the command line: %w\n%s", err, out)
	}
	return s, nil
}

// serves reports whether the state file says so, and is not that of a tool that was killed.
func (s *Shop) serves() bool {
	return s.state.Phase == "serving" && (s.cmd == nil || s.state.Tool.PID == s.cmd.Process.Pid)
}

func (s *Shop) serving(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if data, err := os.ReadFile(filepath.Join(s.Data, "run", "shop.json")); err == nil && json.Unmarshal(data, &s.state) == nil && s.serves() {
			s.Gateway, s.Storefront = s.state.Gateway, s.state.Shop
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the tool ended while starting: %s", s.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("the shop does not serve: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Stop ends the shop in good order and returns what went wrong with that.
func (s *Shop) Stop() error {
	s.mu.Lock()
	for _, p := range s.pools {
		p.Close()
	}
	s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
		return nil
	case <-time.After(90 * time.Second):
		_ = s.cmd.Process.Kill()
		return errors.New("the shop did not stop in time:\n" + s.log.String())
	}
}

// Kill ends the tool by kill -9, as an unlucky user might, and waits until it is gone.
func (s *Shop) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// PIDOfTool is the process of the command line that keeps the shop running.
func (s *Shop) PIDOfTool() int { return s.state.Tool.PID }

// Said reports whether the tool said something lately.
func (s *Shop) Said(text string) bool { return strings.Contains(s.log.String(), text) }

// Simulator is the base URL of a simulator.
func (s *Shop) Simulator(name string) string { return s.state.Simulator[name] }

// Sidecar is the base URL of a service's sidecar.
func (s *Shop) Sidecar(service string) string {
	for _, svc := range s.state.Services {
		if svc.ID == service {
			return svc.Sidecar
		}
	}
	return ""
}

// Log is the log file of a process.
func (s *Shop) Log(name string) string { return filepath.Join(s.Data, "logs", name+".log") }

// Database reports whether a service has one.
func (s *Shop) Database(service string) bool { return s.state.Databases[service] != "" }

// Services are the app ids, in the order of dapr.yaml.
func (s *Shop) Services() (ids []string) {
	for _, svc := range s.state.Services {
		ids = append(ids, svc.ID)
	}
	return ids
}

// DB opens a service's database, or another one of the shop's server by its name ("dapr_carts").
func (s *Shop) DB(t testing.TB, service string) *pgxpool.Pool {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pools[service]; p != nil {
		return p
	}
	url, ok := s.state.Databases[service]
	if !ok {
		url = strings.Replace(s.state.Server, "/postgres?", "/"+service+"?", 1)
	}
	p, err := pgxpool.New(context.Background(), url) // shared by all tests
	if err != nil {
		t.Fatal(err)
	}
	s.pools[service] = p
	return p
}

// Run runs a sub-command of the tool on this shop and returns what it printed.
func (s *Shop) Run(ctx context.Context, command string, args ...string) (string, error) {
	return s.Sidecart(ctx, append([]string{command, "--dir", s.Root, "--data", s.Data}, args...)...)
}

// Sidecart runs the command line with these arguments alone.
func (s *Shop) Sidecart(ctx context.Context, all ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.Tool, all...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("sidecart %s: %w\n%s", strings.Join(all, " "), err, out.String())
	}
	return out.String(), err
}

// Process is a line of `sidecart status`.
type Process struct {
	Name   string `json:"name"`
	PID    int    `json:"pid"`
	Health string `json:"health"`
	Starts int    `json:"starts"`
	Memory int64  `json:"memory"`
}

// Processes asks `sidecart status`.
func (s *Shop) Processes(ctx context.Context) (map[string]Process, error) {
	cmd := exec.CommandContext(ctx, s.Tool, "status", "--json", "--dir", s.Root, "--data", s.Data)
	out, err := cmd.Output() // it exits with an error when something is not healthy, and prints all the same
	var report struct{ Processes []Process }
	if jsonErr := json.Unmarshal(out, &report); jsonErr != nil {
		return nil, errors.Join(err, jsonErr)
	}
	all := map[string]Process{}
	for _, p := range report.Processes {
		all[p.Name] = p
	}
	return all, nil
}

// PID is the process that bears a name now ("cart", "cart.daprd", "postgres", "broker" …), or 0 while it is between two lives. It asks the
// files of those who keep the processes running, not the processes.
func (s *Shop) PID(name string) int {
	if name == "postgres" {
		raw, _ := os.ReadFile(filepath.Join(s.Data, "postgres", "data", "postmaster.pid")) // none: it does not run
		line, _, _ := strings.Cut(string(raw), "\n")
		pid, _ := strconv.Atoi(line)
		return pid
	}
	var p struct {
		PID int `json:"child_pid"`
	}
	if raw, err := os.ReadFile(filepath.Join(s.Data, "run", "processes", name+".json")); err != nil || json.Unmarshal(raw, &p) != nil {
		return 0
	}
	return p.PID
}

// AwaitHealthy waits until every process is well again and the gateway is ready.
func (s *Shop) AwaitHealthy(t testing.TB, limit time.Duration) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := s.healthy(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the shop is not well after %s: %v\n%s", limit, err, s.log.String())
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (s *Shop) healthy(ctx context.Context) error {
	all, err := s.Processes(ctx)
	if err != nil {
		return err
	}
	for name, p := range all {
		if p.Health != "ok" {
			return fmt.Errorf("%s: %s", name, p.Health)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Gateway+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("gateway: %d %.500s", resp.StatusCode, body)
	}
	return nil
}

// tail keeps the last lines of what a process says.
type tail struct {
	mu    sync.Mutex
	out   io.Writer
	lines []string
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for scan := bufio.NewScanner(bytes.NewReader(p)); scan.Scan(); {
		l.lines = append(l.lines, scan.Text())
	}
	l.lines = l.lines[max(len(l.lines)-200, 0):]
	if l.out != nil {
		return l.out.Write(p)
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
