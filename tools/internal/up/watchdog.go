package up

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/sidecart/sidecart/tools/internal/broker"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// watch keeps every subscription alive across restarts of the broker: daprd does not subscribe again by itself.
func (r *runner) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	address := shop.Local(r.shop.Ports.Of(shop.BrokerStatusPort))
	w := broker.Watchdog{
		Status: func(ctx context.Context) (broker.Report, error) { return broker.Status(ctx, address) },
		Bump:   r.bump,
		Live:   r.live,
		Log:    slog.New(slog.NewTextHandler(r.out, &slog.HandlerOptions{ReplaceAttr: brief})),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx) // ends with ctx only
	}()
	return func() { cancel(); <-done }
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
