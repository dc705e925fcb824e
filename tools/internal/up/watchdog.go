package up

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/broker"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// watch looks after what nobody else does, until stop is called.
func (r *runner) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var dogs sync.WaitGroup
	if slices.Contains(shop.Servers(r.opt.Layout.Profile), shop.BrokerServer) {
		dogs.Go(func() { r.watchSubscriptions(ctx) })
	}
	dogs.Go(func() { r.watchSupervisors(ctx) })
	return func() { cancel(); dogs.Wait() }
}

// watchSubscriptions keeps every subscription alive across restarts of the broker: daprd does not subscribe again by itself.
func (r *runner) watchSubscriptions(ctx context.Context) {
	address := shop.Local(r.shop.Ports.Of(shop.BrokerStatusPort))
	w := broker.Watchdog{
		Status: func(ctx context.Context) (broker.Report, error) { return broker.Status(ctx, address) },
		Bump:   r.bump,
		Live:   r.live,
		Log:    slog.New(slog.NewTextHandler(r.out, &slog.HandlerOptions{ReplaceAttr: brief})),
	}
	_ = w.Run(ctx) // ends with ctx only
}

// watchSupervisors starts `dapr run` again when a `sidecart exec` below it was killed: that one took its process with it, and dapr
// starts nothing twice.
func (r *runner) watchSupervisors(ctx context.Context) {
	dir, names := r.opt.Layout.Processes(), append(r.appProcesses(true), r.appProcesses(false)...)
	run, seen, absent := 0, map[string]bool{}, 0
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		dapr, err := supervise.Read(dir, "dapr")
		if err != nil || dapr.Phase != supervise.PhaseRunning {
			continue
		}
		if dapr.ChildPID != run { // it takes all of them with it and starts them again
			run, absent = dapr.ChildPID, 0
			clear(seen)
		}
		var gone []string
		for _, name := range names {
			if st, err := supervise.Read(dir, name); err == nil && st.Alive {
				seen[name] = true
			} else if seen[name] {
				gone = append(gone, name)
			}
		}
		if absent++; len(gone) == 0 {
			absent = 0
		}
		if absent < 2 { // dapr may be dying, and they with it
			continue
		}
		r.out.say("the supervisor of %s is gone: all services start again", strings.Join(gone, ", "))
		if _, err := supervise.Restart(ctx, dir, "dapr"); err != nil && ctx.Err() == nil {
			r.out.say("%v", err)
		}
	}
}

// brief leaves out what the terminal's lines have already.
func brief(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

// bump renders the pub/sub component with the next generation.
func (r *runner) bump() (int, error) {
	now, err := broker.ReadGeneration(r.shop.Pubsub())
	if err != nil {
		return 0, err
	}
	return now + 1, r.shop.RenderPubsub(strconv.Itoa(now + 1))
}

// live reports whether an app and its sidecar are meant to be up: neither is between two lives.
func (r *runner) live(app string) bool {
	for _, name := range []string{app, app + ".daprd"} {
		st, err := supervise.Read(r.opt.Layout.Processes(), name)
		if err != nil || !st.Alive || st.Phase != supervise.PhaseRunning {
			return false
		}
	}
	return true
}
