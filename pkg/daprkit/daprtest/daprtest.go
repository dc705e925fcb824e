// Package daprtest runs a real sidecar, placement and scheduler beside a test.
//
// The binaries come from the folder in SIDECART_DAPR_DIR (make test sets it); without it a test fails, because a proof that was
// not run is none. Every process listens on free ports of 127.0.0.1, keeps its files in the test's folder and ends with the test.
// What may go wrong: a port is taken between finding and using it; the process then dies, and the test fails with its last lines.
package daprtest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// Tokens that every sidecar of this package shares with its app.
const (
	APIToken = "test-api-token"
	AppToken = "test-app-token"
)

// Options of a sidecar.
type Options struct {
	AppID     string            // required
	App       http.Handler      // served to the sidecar, /healthz excepted; nil: no app
	Port      string            // of an app that the test serves itself, in place of App
	Resources map[string]string // file name → YAML of components, resiliency, configuration
	Dir       string            // holds the name resolution that sidecars share; empty: the sidecar's own
	Placement string            // host:port; empty: no actors
	Scheduler string            // host:port; empty: no jobs
	LogLevel  string            // of daprd; empty: warn
}

// Sidecar is a daprd that is ready, and a client of it.
type Sidecar struct {
	*daprkit.Client
	proc *process
}

// Kill ends the sidecar at once, as kill -9 does.
func (s *Sidecar) Kill() { s.proc.kill() }

// Log returns what it has said so far.
func (s *Sidecar) Log() string { return s.proc.out.String() }

// Start runs a sidecar, and its app before it, and waits until both are ready.
func Start(t testing.TB, o Options) *Sidecar {
	t.Helper()
	dir := t.TempDir()
	if o.Dir == "" {
		o.Dir = dir
	}
	write(t, dir, "resources", o.Resources)
	write(t, dir, "", map[string]string{"config.yaml": fmt.Sprintf(configYAML, filepath.Join(o.Dir, "names.db"))})
	cfg := daprkit.Config{
		GRPCAddr: address(t), HTTPAddr: address(t), APIToken: APIToken, AppToken: AppToken, AppID: o.AppID,
	}
	args := []string{
		"--app-id", o.AppID, "--dapr-http-port", port(cfg.HTTPAddr), "--dapr-grpc-port", port(cfg.GRPCAddr),
		"--dapr-internal-grpc-port", port(address(t)), "--dapr-listen-addresses", "127.0.0.1",
		"--dapr-internal-grpc-listen-address", "127.0.0.1", "--enable-metrics=false", "--dapr-graceful-shutdown-seconds", "1",
		"--resources-path", filepath.Join(dir, "resources"), "--config", filepath.Join(dir, "config.yaml"),
		"--log-level", orElse(o.LogLevel, "warn"), "--placement-host-address", o.Placement, "--scheduler-host-address", o.Scheduler,
	}
	if o.App != nil {
		o.Port = serve(t, o.App)
	}
	if o.Port != "" {
		args = append(args, "--app-port", o.Port, "--enable-app-health-check", "--app-health-probe-interval", "1")
	}
	p := run(t, "daprd", dir, args, "DAPR_API_TOKEN="+APIToken, "APP_API_TOKEN="+AppToken, "DAPR_HOST_IP=127.0.0.1")
	c, err := daprkit.Connect(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.await("http://"+cfg.HTTPAddr+"/v1.0/healthz", func(r *http.Request) { r.Header.Set("dapr-api-token", APIToken) })
	testkit.Eventually(t, testkit.Patience, func() error { // and is it ours that answers?
		m, err := c.Raw().GetMetadata(t.Context())
		if err != nil {
			return fmt.Errorf("sidecar of %s at %s: %w\n%s", o.AppID, cfg.GRPCAddr, err, p.out)
		}
		if m.ID != o.AppID {
			return fmt.Errorf("the sidecar at %s is that of %s", cfg.GRPCAddr, m.ID)
		}
		return nil
	})
	return &Sidecar{Client: c, proc: p}
}

const configYAML = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: config
spec:
  tracing:
    samplingRate: "0"
  nameResolution:
    component: sqlite
    version: v1
    configuration:
      connectionString: %q
      cleanupInterval: "0"
      updateInterval: 30s
`

// Placement runs a placement service and returns its address.
func Placement(t testing.TB) string {
	t.Helper()
	addr, health := address(t), address(t)
	p := run(t, "placement", t.TempDir(), []string{
		"--listen-address", "127.0.0.1", "--port", port(addr), "--healthz-listen-address", "127.0.0.1", "--healthz-port", port(health),
		"--enable-metrics=false", "--initial-cluster", "dapr-placement-0=" + address(t), "--log-level", "warn",
	})
	p.await("http://"+health+"/healthz", nil)
	return addr
}

// Scheduler runs a scheduler and returns its address.
func Scheduler(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	addr, health := address(t), address(t)
	p := run(t, "scheduler", dir, []string{
		"--listen-address", "127.0.0.1", "--port", port(addr), "--healthz-listen-address", "127.0.0.1", "--healthz-port", port(health),
		"--enable-metrics=false", "--etcd-data-dir", filepath.Join(dir, "etcd"), "--etcd-client-listen-address", "127.0.0.1",
		"--etcd-client-port", port(address(t)), "--etcd-initial-cluster", "dapr-scheduler-server-0=http://" + address(t),
		"--override-broadcast-host-port", addr, "--log-level", "warn",
	})
	p.await("http://"+health+"/healthz", nil)
	return addr
}

type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
	stop sync.Once
}

// run starts a binary of SIDECART_DAPR_DIR; the test's end kills it.
func run(t testing.TB, name, dir string, args []string, env ...string) *process {
	t.Helper()
	bin := os.Getenv("SIDECART_DAPR_DIR")
	if bin == "" {
		t.Fatal("SIDECART_DAPR_DIR is not set: run this test through make test, or point it at a folder with daprd, placement and scheduler")
	}
	p := &process{t: t, name: name, out: &output{}, done: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(bin, name), args...) //nolint:gosec // the developer's own folder
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.out, p.out
	p.cmd.Env = append(os.Environ(), env...)
	started := make(chan error, 1)
	go p.own(started)
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	p.stop.Do(func() { _ = p.cmd.Process.Kill() }) // it may be gone already
	<-p.done
}

// await asks url until it answers below 300.
func (p *process) await(url string, edit func(*http.Request)) {
	p.t.Helper()
	testkit.Eventually(p.t, 30*time.Second, func() error {
		select {
		case <-p.done:
			p.t.Fatalf("%s has ended: %s\n%s", p.name, p.cmd.ProcessState, p.out)
		default:
		}
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if edit != nil {
			edit(req)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", p.name, err, p.out)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode >= 300 {
			return fmt.Errorf("%s: %s says %d\n%s", p.name, url, resp.StatusCode, p.out)
		}
		return nil
	})
}

// output collects what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func serve(t testing.TB, app http.Handler) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", app)
	l := httpx.ListenSidecar("127.0.0.1:0", mux)
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		at, cancel := context.WithCancel(context.Background())
		cancel() // whatever still runs is cut
		_ = l.Stop(at)
	})
	return port(l.Addr())
}

func write(t testing.TB, dir, sub string, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, sub, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// address is one of 127.0.0.1 at which nobody listens. It is below the ports from which whole shops are taken and those of outgoing
// connections, so that none of those has it when it is needed.
func address(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(12000+rand.IntN(12000)))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
