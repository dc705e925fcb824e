package up_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
	"github.com/sidecart/sidecart/tools/internal/testenv"
)

// tool is the command line, built once for all tests of this package.
var tool = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "up-test-tool-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sidecart")
	out, err := exec.Command("go", "build", "-o", path, "../../sidecart").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build the tool: %w\n%s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := tool(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// site is a repository of two tiny services with the real components.
type site struct {
	t      *testing.T
	layout shop.Layout
	tool   string
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOf(t, shop.Embedded)
}

// newSiteOf is newSite of a profile.
func newSiteOf(t *testing.T, profile string) *site {
	t.Helper()
	if os.Getenv(testenv.DaprDir) == "" {
		t.Fatalf("%s is not set: run the tests with `bin/sidecart testenv -- go test …`", testenv.DaprDir)
	}
	path, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "up-test-") //nolint:usetesting // t.TempDir is closed to the server's account
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, tool: path, layout: shop.Layout{Root: dir, Data: filepath.Join(dir, ".data"), Profile: profile}}
	t.Cleanup(func() {
		if out, err := s.command("reset").CombinedOutput(); err != nil {
			t.Errorf("reset: %v\n%s", err, out)
		}
		_ = os.RemoveAll(dir)
	})
	err = errors.Join(
		os.Chmod(dir, 0o755),
		os.CopyFS(dir, os.DirFS("testdata/shop")),
		os.CopyFS(filepath.Join(dir, "components"), os.DirFS("../../../components")),
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) command(name string, args ...string) *exec.Cmd {
	return exec.Command(s.tool, append([]string{name, "--dir", s.layout.Root}, args...)...)
}

// running is one `sidecart up`.
type running struct {
	*site
	cmd   *exec.Cmd
	pipe  io.Closer // what the tool prints comes through it
	out   *transcript
	state shop.State
	ended chan struct{}
}

// transcript keeps what the tool printed and tells who waits for a text.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func (t *transcript) read(r io.Reader) {
	for sc := bufio.NewScanner(r); sc.Scan(); {
		t.mu.Lock()
		t.text.WriteString(sc.Text() + "\n")
		close(t.news)
		t.news = make(chan struct{})
		t.mu.Unlock()
	}
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// until waits for a text. It returns false when the limit or the tool's end comes first.
func (t *transcript) until(text string, ended <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t.mu.Lock()
		found, news := strings.Contains(t.text.String(), text), t.news
		t.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-news:
		case <-ended:
			return strings.Contains(t.String(), text)
		case <-timer.C:
			return false
		}
	}
}

// up starts the shop and waits until it serves.
func (s *site) up() *running {
	s.t.Helper()
	r := s.start()
	if !r.out.until("The shop serves", r.ended, 3*time.Minute) {
		s.t.Fatalf("the shop does not serve:\n%s", r.out)
	}
	var err error
	if r.state, err = shop.Running(s.layout); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// start begins to start the shop.
func (s *site) start() *running {
	s.t.Helper()
	r := &running{site: s, cmd: s.command("up", "--free-ports", "--profile", s.layout.Profile), out: &transcript{news: make(chan struct{})}, ended: make(chan struct{})}
	pipe, err := r.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	r.cmd.Stderr, r.pipe = r.cmd.Stdout, pipe
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		r.out.read(pipe)
		_ = r.cmd.Wait()
	}()
	return r
}

// interrupt is Ctrl-C, and waits for the end.
func (r *running) interrupt() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(os.Interrupt)
	r.waitEnd()
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("exit code %d after Ctrl-C:\n%s", code, r.out)
	}
}

func (r *running) waitEnd() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		r.t.Fatalf("the tool does not end:\n%s", r.out)
	}
}

func (r *running) service(id string) shop.Service {
	i := slices.IndexFunc(r.state.Services, func(s shop.Service) bool { return s.ID == id })
	if i < 0 {
		r.t.Fatalf("no service %q in the state", id)
	}
	return r.state.Services[i]
}

// sidecar calls a service's sidecar and decodes the answer into out, if there is one.
func (r *running) sidecar(id, method, path string, in, out any) error {
	m, err := shop.ReadManifest(r.layout.Manifest())
	if err != nil {
		return err
	}
	secrets, err := shop.LoadSecrets(r.layout, m)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.service(id).Sidecar+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("dapr-api-token", secrets.DaprAPIToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %s", method, path, res.Status, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// eventually repeats until fn succeeds; these processes offer nothing to wait on.
func eventually(t *testing.T, limit time.Duration, fn func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := fn()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

type identity struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// pids lists every process that works for the shop: supervised ones, their supervisors, and Postgres, whose own come a moment later.
func (r *running) pids() (ids []proc.ID) {
	r.t.Helper()
	eventually(r.t, 10*time.Second, func() error {
		states, err := supervise.List(r.layout.Processes())
		if err != nil {
			return err
		}
		ids = nil
		for _, s := range states {
			for _, pid := range []int{s.ChildPID, s.WrapperPID} {
				if id, err := proc.Find(pid); err == nil && pid != r.cmd.Process.Pid {
					ids = append(ids, id)
				}
			}
		}
		ids = append(ids, proc.WorkingIn(filepath.Join(r.layout.Postgres(), "data"))...)
		if len(ids) < 12 {
			return fmt.Errorf("only %d processes work for the shop: %v", len(ids), ids)
		}
		return nil
	})
	return ids
}

func gone(ids []proc.ID) error {
	for _, id := range ids {
		if id.Alive() {
			return fmt.Errorf("%s (pid %d) still runs", proc.Name(id.PID), id.PID)
		}
	}
	return nil
}

// left lists the processes that have to do with the site: its folder is in their arguments, or they work in it.
func (s *site) left() (names []string) {
	for _, pid := range proc.All() {
		dir := filepath.Join("/proc", fmt.Sprint(pid))
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // it may have ended
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if bytes.Contains(args, []byte(s.layout.Root)) || strings.HasPrefix(cwd, s.layout.Root) {
			names = append(names, fmt.Sprintf("%s (pid %d)", strings.ReplaceAll(string(args), "\x00", " "), pid))
		}
	}
	return names
}
