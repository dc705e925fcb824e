package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/internal/order"
)

// The clock of an effect: the binding gives up after 10 s, the effect after 15, its lease after 30.
const (
	LeaseTime   = 30 * time.Second
	effectTime  = 15 * time.Second
	recordTime  = 5 * time.Second
	takeEvery   = time.Second
	takeAtOnce  = 32
	atOnce      = 128 // effects taken up by sweeps: a callee that comes back is not run over by all that waited
	firstRetry  = time.Second
	slowestStep = 30 * time.Second
)

// Driver performs effects: those that this replica has just recorded, and every second those that are due and that nobody
// performs. Whoever takes over a lease asks the callee again under the same operation id; the callee knows what became of it.
type Driver struct {
	app   *App
	pay   Payments
	stock Stock

	running sync.WaitGroup // effects under way, and the loop
	stop    context.CancelFunc
	ctx     context.Context // ends when the driver stops: effects that run are cut, their leases run out
	halt    chan struct{}   // closed: the loop takes nothing more
	taken   atomic.Int32
	mu      sync.Mutex
	stopped bool
}

func newDriver(a *App, pay Payments, stock Stock) *Driver {
	d := &Driver{app: a, pay: pay, stock: stock, halt: make(chan struct{})}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// Start implements run.Service.
func (d *Driver) Start(context.Context) error {
	d.spawn(func() {
		tick := time.NewTicker(takeEvery)
		defer tick.Stop()
		for {
			select {
			case <-d.halt:
				return
			case <-tick.C:
				d.Sweep(d.ctx)
			}
		}
	})
	return nil
}

// Stop takes no new effects and waits for those that run.
func (d *Driver) Stop(ctx context.Context) error {
	d.mu.Lock()
	if !d.stopped {
		d.stopped = true
		close(d.halt)
	}
	d.mu.Unlock()
	done := make(chan struct{})
	go func() { d.running.Wait(); close(done) }()
	defer d.stop()
	select {
	case <-done:
	case <-time.After(effectTime):
	case <-ctx.Done():
	}
	return nil
}

// spawn runs fn beside; false when the driver has stopped.
func (d *Driver) spawn(fn func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.stopped {
		d.running.Go(fn)
	}
	return !d.stopped
}

// Sweep takes what is due and free, as much as there is room for, and starts it.
func (d *Driver) Sweep(ctx context.Context) {
	for {
		room := min(takeAtOnce, atOnce-int(d.taken.Load()))
		if room <= 0 {
			return
		}
		leases, err := d.app.Store.Take(ctx, d.app.now(), room)
		if err != nil {
			if ctx.Err() == nil {
				d.app.Log.Warn("due effects cannot be read", "error", err)
			}
			return
		}
		for _, l := range leases {
			d.taken.Add(1)
			d.start(l, func() { d.taken.Add(-1) })
		}
		if len(leases) < room {
			return
		}
	}
}

// start performs a lease beside, and calls done after it. A driver that has stopped gives it back at once: somebody is waiting for
// the order.
func (d *Driver) start(l Lease, done func()) {
	if !d.spawn(func() { defer done(); d.run(l) }) {
		d.postpone(l, 0)
		done()
	}
}

// run performs one effect and records its answer, or gives the lease back.
func (d *Driver) run(l Lease) {
	log := d.app.Log.With(slog.String("order_id", l.Record.ID), slog.String("effect", string(l.Kind)), slog.Int("attempt", l.Record.Attempt))
	ctx, cancel := context.WithTimeout(d.ctx, effectTime)
	defer cancel()
	answer, err := d.perform(ctx, l)
	if err != nil {
		wait, level := backoff(l.Tries), slog.LevelWarn
		if later, ok := errors.AsType[*notYet](err); ok {
			wait = cmp.Or(later.after, wait)
			if later.people { // they take their time
				level = slog.LevelDebug
			}
		}
		log.Log(ctx, level, "effect has no answer yet", "error", err, "again_in", wait.String())
		d.postpone(l, wait)
		return
	}
	answer.stamp, answer.actor = l.Stamp, "driver"
	record, done := context.WithTimeout(context.WithoutCancel(ctx), recordTime) // an answer that came late is an answer
	defer done()
	if _, err := d.app.apply(record, l.Record, answer); err != nil {
		if fault.KindOf(err) == fault.Conflict { // somebody recorded this answer, or the attempt is over
			log.Info("answer came late", "event", string(answer.event.Name), "error", err)
			return
		}
		log.Error("answer cannot be recorded", "event", string(answer.event.Name), "error", err)
		d.postpone(l, backoff(l.Tries))
		return
	}
	log.Debug("effect", "event", string(answer.event.Name)) // order_events has it
}

func (d *Driver) postpone(l Lease, wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), 5*time.Second)
	defer cancel()
	if err := d.app.Store.Postpone(ctx, l, d.app.now().Add(wait)); err != nil {
		d.app.Log.Warn("lease cannot be given back, it will run out", "order_id", l.Record.ID, "error", err)
	}
}

// backoff grows from 1 s to 30 s with the number of tries.
func backoff(tries int) time.Duration {
	return min(firstRetry<<min(tries, 5), slowestStep)
}

// notYet says that the callee does not know the outcome either.
type notYet struct {
	after  time.Duration
	people bool // decide
	cause  error
}

func (e *notYet) Error() string {
	if e.cause != nil {
		return "outcome unknown: " + e.cause.Error()
	}
	return "outcome unknown"
}

func (e *notYet) Unwrap() error { return e.cause }

// operationID names an effect for its callee: the same for every try of it, another for the next one.
func operationID(l Lease, step string) string {
	return fmt.Sprintf("%s-%s-%d", PaymentID(l.Record), step, l.Version)
}

// PaymentID names the attempt of an order towards payment and inventory.
func PaymentID(rec Record) string { return fmt.Sprintf("%s-%d", rec.ID, rec.Attempt) }

// event makes a plain answer for the effect's attempt.
func (l Lease) event(name order.EventName) command {
	return command{event: order.Event{Name: name, Attempt: l.Record.Attempt}}
}
