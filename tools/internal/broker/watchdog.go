package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Subscription is a pair that should have an open pull.
type Subscription struct{ App, Topic string }

func (s Subscription) String() string { return s.App + "/" + s.Topic }

// Watchdog keeps subscriptions alive. daprd does not subscribe again to a pluggable component that went away, and goes on
// calling itself healthy. So the watchdog compares what should be open with what is, and bumps the component's generation
// when
//   - the broker runs again after a restart (its boot id changed);
//   - a sidecar is connected that has not introduced itself since, or a subscription is missing, for longer than Grace.
//
// What should be open: Expected, and whatever any living sidecar had open while the watchdog looked. A learned pair
// rests while its app has no connection although the broker lived on (the app was stopped, and subscribes by itself when
// it starts), and is forgotten when maxFruitless bumps in a row did not bring it back. Between bumps the wait doubles from Grace to MaxPause: each bump
// makes every sidecar subscribe anew, which costs a second copy of what was under way.
type Watchdog struct {
	Status   func(ctx context.Context) (Report, error) // broker.Status with the address
	Bump     func() (generation int, err error)        // broker.Bump with path and component
	Expected []Subscription                            // known beforehand; none is fine
	Live     func(app string) bool                     // is the app meant to be up and healthy now? nil: yes
	Grace    time.Duration                             // default 15 s; a hot reload takes up to 8
	MaxPause time.Duration                             // default 5 min
	Every    time.Duration                             // between looks; default 1 s
	Log      *slog.Logger                              // default: discard

	boot      string
	learned   map[Subscription]*pair
	missing   map[string]time.Time // what is missing, since when
	next      time.Time            // no bump before
	pause     time.Duration
	reachable bool
}

// pair is what is known of a learned subscription.
type pair struct {
	boot  string // the broker's run in which it was last seen open
	bumps int    // since then
}

const maxFruitless = 4

// Run looks until ctx ends. It returns ctx's end as nil; errors of a look are logged and looked at again.
func (w *Watchdog) Run(ctx context.Context) error {
	if w.Status == nil || w.Bump == nil {
		return errors.New("watchdog: Status and Bump are needed")
	}
	w.prepare()
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for {
		if err := w.Look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			w.Log.Error("watchdog", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *Watchdog) prepare() {
	if w.learned != nil {
		return
	}
	setDefault(&w.Grace, 15*time.Second)
	setDefault(&w.MaxPause, 5*time.Minute)
	setDefault(&w.Every, time.Second)
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	if w.Live == nil {
		w.Live = func(string) bool { return true }
	}
	w.learned, w.missing, w.reachable = map[Subscription]*pair{}, map[string]time.Time{}, true
	w.pause = w.Grace
}

// Look compares once, as of now, and bumps if that is due. A broker that does not answer is no error: whoever runs it
// starts it again, and the boot id then tells.
func (w *Watchdog) Look(ctx context.Context, now time.Time) error {
	w.prepare()
	r, err := w.Status(ctx)
	if err != nil {
		if w.reachable {
			w.Log.Warn("broker does not answer", slog.Any("error", err))
		}
		w.reachable = false
		return nil //nolint:nilerr // waited out
	}
	w.reachable = true
	w.learn(r)
	if w.boot != "" && w.boot != r.Boot {
		w.pause = w.Grace
		if err := w.bump(now, "the broker was restarted"); err != nil {
			return err
		}
	}
	w.boot = r.Boot
	lost := w.lost(r, now)
	if len(w.missing) == 0 {
		w.pause = w.Grace
	}
	if len(lost) == 0 || now.Before(w.next) {
		return nil
	}
	w.pause = min(2*w.pause, w.MaxPause)
	return w.bump(now, "not subscribed: "+strings.Join(lost, ", "))
}

func (w *Watchdog) bump(now time.Time, why string) error {
	generation, err := w.Bump()
	if err != nil {
		return fmt.Errorf("bump generation (%s): %w", why, err)
	}
	w.Log.Warn("sidecars load the broker's component anew", slog.String("why", why), slog.Int("generation", generation))
	w.next = now.Add(w.pause)
	for _, p := range w.learned {
		p.bumps++ // back to none as soon as it is seen open
	}
	clear(w.missing) // a new grace begins
	return nil
}

// learn notes what is open, and drops what no bump brings back.
func (w *Watchdog) learn(r Report) {
	for _, p := range r.Pulls {
		w.learned[Subscription{p.App, p.Topic}] = &pair{boot: r.Boot}
	}
	maps.DeleteFunc(w.learned, func(_ Subscription, p *pair) bool { return p.bumps >= maxFruitless })
}

// expected is what should be open now: no learned pair whose app left while the broker lived.
func (w *Watchdog) expected(r Report) map[Subscription]bool {
	connected := map[string]bool{}
	for _, p := range r.Peers {
		connected[p.App] = true
	}
	expected := map[Subscription]bool{}
	for _, s := range w.Expected {
		expected[s] = w.Live(s.App)
	}
	for s, p := range w.learned {
		if connected[s.App] || p.boot != r.Boot {
			expected[s] = w.Live(s.App)
		}
	}
	return expected
}

// lost lists what has been missing for longer than Grace, and keeps the book of what is missing since when.
func (w *Watchdog) lost(r Report, now time.Time) []string {
	absent := map[string]bool{}
	for _, s := range w.absent(r) {
		absent[s] = true
		if _, ok := w.missing[s]; !ok {
			w.missing[s] = now
		}
	}
	maps.DeleteFunc(w.missing, func(s string, _ time.Time) bool { return !absent[s] })
	var lost []string
	for s, since := range w.missing {
		if now.Sub(since) >= w.Grace {
			lost = append(lost, s)
		}
	}
	slices.Sort(lost)
	return lost
}

// absent lists what is missing in a report: pairs without a pull, sidecars of an app that lack a pull another one has or
// had, and sidecars that never introduced themselves.
func (w *Watchdog) absent(r Report) []string {
	type place struct {
		peer  uint64
		topic string
	}
	open, pulled := map[Subscription]bool{}, map[place]bool{}
	for _, p := range r.Pulls {
		open[Subscription{p.App, p.Topic}] = true
		pulled[place{p.Peer, p.Topic}] = true
	}
	var absent []string
	for s, live := range w.expected(r) {
		if !live {
			continue
		}
		if !open[s] {
			absent = append(absent, s.String())
			continue
		}
		for _, p := range r.Peers {
			if p.App == s.App && !pulled[place{p.ID, s.Topic}] {
				absent = append(absent, fmt.Sprintf("%s (peer %d)", s, p.ID))
			}
		}
	}
	for _, p := range r.Peers {
		if p.App == "" {
			absent = append(absent, fmt.Sprintf("unknown sidecar (peer %d, process %d)", p.ID, p.PID))
		}
	}
	return absent
}
