package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/sidecart/sidecart/tools/internal/ownshop"
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
	r.own = ownshop.New(r.Layout, r.Tool, r.Offset)
	leave = func() error { return errors.Join(r.forget(), r.own.Remove(context.WithoutCancel(ctx))) }
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
	if err := r.own.Remove(ctx); err != nil {
		return err
	}
	// What a cold start builds comes from Go's cache: the tools are there, the data is not.
	if out, err := goBuild(ctx, r.Layout.Root); err != nil {
		return fmt.Errorf("build the services: %w\n%s", err, out)
	}
	cold, st, err := r.own.Start(ctx)
	if err != nil {
		return err
	}
	r.cold = cold
	if err := letCount(ctx, st.Server); err != nil {
		return err
	}
	times := 1
	if r.asked("start") {
		times = r.Runs
	}
	for range times {
		if err := r.own.Stop(); err != nil {
			return err
		}
		warm, st, err := r.own.Start(ctx)
		if err != nil {
			return err
		}
		r.warm = append(r.warm, warm.Seconds())
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
	path := r.goods
	r.goods = ""
	return os.Remove(path)
}

// starts tells how long the own shop took to sell.
func (r *runner) starts(context.Context) error {
	r.note(Result{What: "cold start: empty data folder, built tools present; until the seeded shop sells", Figure: fmt.Sprintf("%.1f s", r.cold.Seconds())})
	warm := median(r.warm)
	r.note(Result{What: "warm start, until the shop sells", Figure: fmt.Sprintf("%.1f s", warm), Goals: []Goal{below("", warm, 20, " s")}})
	return nil
}
