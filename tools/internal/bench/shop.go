package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/control"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// enter finds the shop to measure, or makes one. What it returns leaves it again.
func (r *runner) enter(ctx context.Context) (leave func() error, err error) {
	st, running, err := shop.ReadState(r.Layout)
	if err != nil {
		return nil, err
	}
	if running {
		if r.asked("start") || r.asked("events") {
			return nil, errors.New("the shop runs, and start and events are measured in one of the bench's own: stop it first (make stop), or name others with --only")
		}
		return r.forget, r.use(ctx, st)
	}
	r.Layout.Data += "-bench"
	r.own = &ownShop{layout: r.Layout, tool: r.Tool, offset: r.Offset}
	leave = func() error { return errors.Join(r.forget(), r.own.remove(context.WithoutCancel(ctx))) }
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(err, leave())
	}
	return leave, nil
}

// use begins with a shop that serves.
func (r *runner) use(ctx context.Context, st shop.State) (err error) {
	r.state = st
	if r.staff, err = r.Staff(r.Layout, st); err != nil {
		return err
	}
	r.counter, err = newCounter(ctx, st.Server)
	return err
}

// open starts the own shop cold, lets its server count, and starts it warm, more than once if that is to be measured.
func (r *runner) open(ctx context.Context) error {
	fmt.Fprintf(r.Out, "a shop of its own in %s …\n", r.Layout.Data)
	if err := r.own.remove(ctx); err != nil {
		return err
	}
	// What a cold start builds comes from Go's cache: the tools are there, the data is not.
	if out, err := goBuild(ctx, r.Layout.Root); err != nil {
		return fmt.Errorf("build the services: %w\n%s", err, out)
	}
	cold, st, err := r.own.start(ctx)
	if err != nil {
		return err
	}
	r.own.cold = cold
	if err := letCount(ctx, st.Server); err != nil {
		return err
	}
	times := 1
	if r.asked("start") {
		times = r.Runs
	}
	for range times {
		if err := r.own.stop(); err != nil {
			return err
		}
		warm, st, err := r.own.start(ctx)
		if err != nil {
			return err
		}
		r.own.warm = append(r.own.warm, warm.Seconds())
		if err := r.use(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

func goBuild(ctx context.Context, root string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "./services/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	return cmd.CombinedOutput()
}

// forget removes the file of what can be bought.
func (r *runner) forget() error {
	if r.goods == "" {
		return nil
	}
	return os.Remove(r.goods)
}

// starts tells how long the own shop took to sell.
func (r *runner) starts(context.Context) error {
	r.note(Result{What: "cold start: empty data folder, built tools present; until the seeded shop sells", Figure: fmt.Sprintf("%.1f s", r.own.cold.Seconds())})
	warm := median(r.own.warm)
	r.note(Result{What: "warm start, until the shop sells", Figure: fmt.Sprintf("%.1f s", warm), Goals: []Goal{below("", warm, 20, " s")}})
	return nil
}

// ownShop is a shop that lives for the bench alone.
type ownShop struct {
	layout shop.Layout
	tool   string
	offset int
	child  *proc.Child // nil: it does not run
	said   *transcript
	cold   time.Duration
	warm   []float64 // seconds
}

// sells is what `sidecart up` says when everything is there.
const sells = "The shop serves."

// start runs the shop and returns when it sells.
func (o *ownShop) start(ctx context.Context) (time.Duration, shop.State, error) {
	o.said = newTranscript(sells)
	cmd := exec.Command(o.tool, "up", "--dir", o.layout.Root, "--data", o.layout.Data, "--port-offset", strconv.Itoa(o.offset),
		"--profile", cmp.Or(o.layout.Profile, shop.Embedded))
	cmd.Stdout, cmd.Stderr = o.said, o.said
	begun := time.Now()
	child, err := proc.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return 0, shop.State{}, err
	}
	o.child = child
	select {
	case <-o.said.heard:
	case <-child.Done():
		return 0, shop.State{}, fmt.Errorf("the shop does not start: %w\n%s", child.Err(), o.said)
	case <-ctx.Done():
		return 0, shop.State{}, ctx.Err()
	}
	took := time.Since(begun)
	if strings.Contains(o.said.String(), "NOT seeded") {
		return 0, shop.State{}, fmt.Errorf("the shop could not be filled:\n%s", o.said)
	}
	st, err := shop.Running(o.layout)
	return took, st, err
}

// stop ends the shop and keeps its data.
func (o *ownShop) stop() error {
	if o.child == nil {
		return nil
	}
	o.child.Stop(syscall.SIGTERM, 90*time.Second)
	err := o.child.Err()
	o.child = nil
	if err != nil {
		return fmt.Errorf("the shop did not stop well: %w\n%s", err, o.said)
	}
	return nil
}

// remove ends the shop and deletes its data, also those of a bench that was killed.
func (o *ownShop) remove(ctx context.Context) error {
	stopped := o.stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return errors.Join(stopped, control.Reset(ctx, o.layout, io.Discard))
}

// transcript keeps what a process says, and tells when it says a text.
type transcript struct {
	text  string
	heard chan struct{} // closed then

	mu  sync.Mutex
	all bytes.Buffer
}

func newTranscript(text string) *transcript {
	return &transcript{text: text, heard: make(chan struct{})}
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := strings.Contains(t.all.String(), t.text)
	t.all.Write(p)
	if !before && strings.Contains(t.all.String(), t.text) {
		close(t.heard)
	}
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.String()
}
