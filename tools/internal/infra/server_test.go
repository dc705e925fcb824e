//go:build redis || kafka || opensearch

package infra

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/tools/internal/proc"
)

const password = "of this test"

// freePort is nobody's at this moment.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// process is a server of a test.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	said  said
}

type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// start runs a server until the test ends.
func start(t *testing.T, argv []string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(p.kill)
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// await waits until the server is ready.
func (p *process) await(t *testing.T, ready func(context.Context) error) {
	t.Helper()
	testkit.Eventually(t, time.Minute, func() error {
		select {
		case <-p.ended:
			t.Fatalf("the server ended: %s", p.said.String())
		default:
		}
		return ready(t.Context())
	})
}

// ends waits until the server gave up by itself.
func (p *process) ends(t *testing.T) string {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Fatalf("the server runs: %s", p.said.String())
	}
	return p.said.String()
}
