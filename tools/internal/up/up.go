// Package up runs a whole shop on this machine until it is told to stop.
//
// One process owns everything: it holds the shop's lock, starts the private Postgres, the servers of the profile (the broker; or Redis,
// Kafka), placement, scheduler and the simulators, and then the real `dapr run -f` on the rendered dapr.yaml, where every app and every sidecar runs
// under `sidecart exec`. Order, and what each step needs:
//
//	lock ─ leftovers ─ ports ─ secrets ─┬─ build ───────────────┬─ migrate ─ dapr run ─ healthy ─ seed ─ serve
//	                                    ├─ postgres, databases ─┤
//	                                    └─ broker or Redis and Kafka, placement, scheduler, simulators
//
// Stopping goes the other way round; sidecars stop before their apps, so that an app answers until nobody asks.
//
// What may go wrong: whatever dies is reported with its last words and started again by its supervisor (Postgres by this
// package). If this process is killed, the kernel ends the servers that it started, the wrappers see their parent gone
// and end the rest, and what should still be there at the next start is ended first. A failure while starting stops
// everything that was started.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// Options say which shop to run. All are required but those that say otherwise.
type Options struct {
	Layout shop.Layout
	Ports  func(defaults []int) (shop.Ports, error)
	Tool   string // this tool's binary: it is `sidecart exec` and `sidecart broker` too
	// Dapr finds or makes the folder that holds daprd, placement, scheduler and dapr.
	Dapr func(context.Context) (string, error)
	// Seed fills a shop that was never seeded, once it serves. nil leaves it empty.
	Seed func(context.Context, shop.State) error
	Out  io.Writer
}

// startLimit bounds everything after the building: a shop that does not serve by then will not.
const startLimit = 3 * time.Minute

// runner is one run of a shop.
type runner struct {
	opt   Options
	out   *printer
	shop  shop.Shop
	state shop.State
	dapr  string // folder of the Dapr binaries
	lock  *os.File
	pg    *postgres
	mu    sync.Mutex
	units []*unit // in the order of their start
	// lastProfile is the one that the data was used with last, "" if there is none.
	lastProfile string
	stopDog     func() // ends the watchdogs; nil: they do not run
}

// Run starts the shop, serves until ctx ends, and stops it. It returns nil after a stop that was asked for.
func Run(ctx context.Context, opt Options) error {
	r := &runner{opt: opt, out: newPrinter(opt.Out)}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.lock.Close()
	started := r.start(ctx)
	if started == nil && ctx.Err() == nil {
		r.welcome()
		r.watchDisk(ctx)
	}
	stopped := r.stop()
	if ctx.Err() != nil {
		started = nil // asked to stop while starting: whatever was under way failed for that
	}
	return errors.Join(started, stopped)
}

// enter takes the shop's lock, reads what the shop is, and ends what a killed tool left.
func (r *runner) enter() error {
	l := r.opt.Layout
	if err := l.Prepare(); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	for _, dir := range l.Disks() {
		if err := room(shop.FreeSpace(dir), dir); err != nil {
			return err
		}
	}
	lock, err := os.OpenFile(l.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if st, running, _ := shop.ReadState(l); running {
			return fmt.Errorf("the shop runs already (pid %d, %s); `make stop` stops it", st.Tool.PID, st.Phase)
		}
		return errors.New("another start or reset of this shop is under way")
	}
	r.lock = lock
	if r.shop.Manifest, err = shop.ReadManifest(l.Manifest()); err != nil {
		return errors.Join(err, lock.Close())
	}
	r.shop.Layout = l
	if r.lastProfile, err = l.LastProfile(); err != nil {
		return errors.Join(err, lock.Close())
	}
	return nil
}

// start brings the shop up. On an error the caller stops what runs already.
func (r *runner) start(ctx context.Context) error {
	if err := endLeftovers(ctx, r.opt.Layout); err != nil {
		return fmt.Errorf("end what a killed tool left: %w", err)
	}
	if err := infra.CanRun(ctx, r.opt.Layout.Profile); err != nil {
		return err
	}
	if err := r.claim(); err != nil {
		return err
	}
	var err error
	if r.dapr, err = r.opt.Dapr(ctx); err != nil {
		return fmt.Errorf("dapr: %w", err)
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := r.prepare(limited); err != nil {
		return err
	}
	limit, cancelLimit := context.WithTimeout(limited, startLimit)
	defer cancelLimit()
	if err := r.migrate(limit); err != nil {
		return err
	}
	if err := r.settleProfile(limit); err != nil {
		return err
	}
	if err := r.runDapr(limit); err != nil {
		return err
	}
	r.stopDog = r.watch()
	if err := r.seed(ctx); err != nil {
		return err
	}
	return r.setPhase(shop.PhaseServing) // not before: who waits for it would meet half a catalogue
}

// claim settles ports and secrets, and makes the run known.
func (r *runner) claim() error {
	l := r.opt.Layout
	defaults := r.shop.Manifest.Defaults(l.Profile, len(l.Simulators()))
	ports, err := r.opt.Ports(defaults)
	if err != nil {
		return err
	}
	r.shop.Ports = ports
	wanted := make([]int, len(defaults))
	for i, d := range defaults {
		wanted[i] = ports.Of(d)
	}
	if taken := proc.Taken(wanted); len(taken) > 0 {
		var errs []error
		for _, t := range taken {
			errs = append(errs, errors.New(t.String()))
		}
		return fmt.Errorf("%w\nend it, or run this shop beside it with --port-offset 20", errors.Join(errs...))
	}
	if r.shop.Secrets, err = shop.LoadSecrets(l, r.shop.Manifest); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	return r.setPhase(shop.PhaseStarting)
}

func (r *runner) setPhase(phase string) error {
	me, err := proc.Find(os.Getpid())
	if err != nil {
		return err
	}
	if r.state.Started.IsZero() {
		r.state.Started = time.Now().UTC()
	}
	r.state.Tool, r.state.Phase, r.state.Ports = me, phase, r.shop.Ports
	return r.state.Save(r.opt.Layout)
}

// prepare does what needs no order, side by side.
func (r *runner) prepare(ctx context.Context) error {
	g, together := errgroup.WithContext(ctx) // ends with Wait
	g.Go(func() error { return r.build(together) })
	g.Go(func() error { return r.startPostgres(together) })
	for _, s := range r.servers() {
		g.Go(func() error { return r.bring(together, s) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	simulators, err := r.simulators()
	if err != nil {
		return err
	}
	for _, s := range simulators {
		if err := r.bring(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// bring prepares and starts a server and waits until it works.
func (r *runner) bring(ctx context.Context, s spec) error {
	if s.make != nil {
		var err error
		if s.argv, err = s.make(ctx); err != nil {
			return err
		}
	}
	if err := r.await(ctx, r.launch(s)); err != nil {
		return err
	}
	if s.then != nil {
		return s.then(ctx)
	}
	return nil
}

// stop ends everything that this run started, last first, and no other process.
func (r *runner) stop() error {
	r.out.say("stopping")
	_ = r.setPhase(shop.PhaseStopping) // only informs others
	if r.stopDog != nil {
		r.stopDog()
	}
	var errs []error
	// Sidecars first: they drain, then nobody calls the apps any more. The dapr CLI would kill both hard.
	for _, side := range []bool{true, false} {
		errs = append(errs, r.stopAll(r.appProcesses(side)))
	}
	for i := len(r.units) - 1; i >= 0; i-- {
		errs = append(errs, r.units[i].stop())
	}
	if r.pg != nil {
		errs = append(errs, r.pg.stop())
	}
	errs = append(errs, os.Remove(r.opt.Layout.StateFile()))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	r.out.say("stopped; the data is kept in %s", r.opt.Layout.Data)
	return nil
}

func (r *runner) stopAll(names []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return supervise.Stop(ctx, r.opt.Layout.Processes(), names...)
}

// appProcesses names the supervised processes of all apps, or of all sidecars.
func (r *runner) appProcesses(sidecars bool) []string {
	var names []string
	for _, a := range r.shop.Manifest.Apps {
		if sidecars {
			names = append(names, a.AppID+".daprd")
		} else {
			names = append(names, a.AppID)
		}
	}
	return names
}

// endLeftovers ends what a tool that was killed could not. The caller holds the shop's lock, so nobody else owns them.
func endLeftovers(ctx context.Context, l shop.Layout) error {
	states, err := supervise.List(l.Processes())
	if err != nil {
		return err
	}
	var names []string
	for _, s := range states {
		if s.Alive {
			names = append(names, s.Name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return supervise.Stop(ctx, l.Processes(), names...)
}
