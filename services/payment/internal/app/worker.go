package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// When what was given up as never arrived is looked for, counted from then; what is found is voided.
var strayLooks = []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

const (
	lookEvery  = time.Second
	lookAtOnce = 8
)

// Worker looks up every second what is due and has no answer, and what was given up. Every replica runs it; leases keep them apart.
func (a *App) Worker() run.Service {
	return run.Func("look-ups", func(ctx context.Context) error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := a.Sweep(ctx); err != nil && ctx.Err() == nil {
					a.Log.Warn("due operations cannot be looked up", "error", err)
				}
			}
		}
	})
}

// Sweep takes what is due and free and works on it until nothing is left.
func (a *App) Sweep(ctx context.Context) error {
	for {
		leases, err := a.Store.Due(ctx, a.now(), lookAtOnce)
		if err != nil {
			return err
		}
		var working sync.WaitGroup
		for _, l := range leases {
			working.Go(func() { a.takeUp(ctx, l) })
		}
		working.Wait()
		if len(leases) < lookAtOnce || ctx.Err() != nil {
			return nil
		}
	}
}

func (a *App) takeUp(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTime-2*writeTime)
	defer cancel()
	d := &driving{app: a, lease: l}
	if l.Outcome.Result == payment.StillUnknown {
		d.run(ctx)
		return
	}
	if err := d.strays(ctx); err != nil {
		d.later(ctx, err)
	}
}

// strays looks for money that moved after we had said that it did not, and brings it back: a sale is voided, and refunded when it has settled;
// a refund that cannot be brought back is taken over as it is.
func (d *driving) strays(ctx context.Context) error {
	found, err := d.look(ctx)
	if err != nil {
		return err
	}
	for _, t := range found {
		ours := t.Reference == d.lease.PaymentID && !t.Credit || t.Reference == d.lease.ID
		if !ours || !t.Live() || d.lease.Payment.Knows(t.ID) || t.ID == d.lease.Outcome.TransactionID || t.Credit && !d.lease.Payment.Knows(t.RefundOf) {
			continue
		}
		returned := slices.ContainsFunc(found, func(x payment.Transaction) bool { return x.Credit && x.RefundOf == t.ID && x.Live() })
		if err := d.stray(ctx, t, returned); err != nil {
			return err
		}
		return nil // due again at once: the next look reads the payment anew
	}
	return d.app.Store.Postpone(ctx, d.lease, d.nextLook())
}

func (d *driving) stray(ctx context.Context, t payment.Transaction, returned bool) error {
	event := payment.Event{Version: d.lease.Payment.Version + 1, Type: payment.StrayVoided, OperationID: d.lease.ID, Amount: t.Amount, TransactionID: t.ID}
	var err error
	if !returned {
		_, err = d.app.Gateway.Void(ctx, t.ID)
	}
	_, refused := errors.AsType[*payment.Refusal](err)
	if refused && !t.Credit { // a part that has settled meanwhile
		_, err = d.app.Gateway.Refund(ctx, t.ID, t.Amount, d.lease.ID)
		returned = err == nil
	} else if refused {
		event.Type, err = payment.StrayRefunded, nil
		event.More = d.lease.Payment.Status == payment.StatusPartly
		if d.lease.Payment.Split {
			event.Parts = []payment.PartChange{{TransactionID: t.RefundOf, Amount: t.Amount.Minor, RefundID: t.ID}}
		}
	}
	if err != nil {
		d.app.alarm(d.log(), "stray-kept", fmt.Sprintf("transaction %s over %s: %v", t.ID, t.Amount, err))
		return err
	}
	d.app.alarm(d.log(), string(event.Type), fmt.Sprintf("transaction %s over %s arrived after it was given up", t.ID, t.Amount))
	event.At = d.app.now()
	done := Done{Outcome: d.lease.Outcome, Event: &event, DueAt: event.At}
	if event.Type == payment.StrayRefunded || returned { // remembered, so that it is counted once
		done.Outcome.TransactionID, done.DueAt = t.ID, time.Time{}
	}
	return d.app.Store.Record(ctx, d.lease, done, event.At)
}

// nextLook is zero after the last one.
func (d *driving) nextLook() time.Time {
	for _, after := range strayLooks {
		if at := d.lease.AnsweredAt.Add(after); at.After(d.app.now()) {
			return at
		}
	}
	return time.Time{}
}
