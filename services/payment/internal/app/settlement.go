package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Cards send no notification when they settle: the gateway is asked, first a while after the capture, then ever more seldom.
const (
	SettleFirst   = 15 * time.Minute // after the capture; doubles with each look
	SettleLast    = 6 * time.Hour    // no two looks are further apart
	settleOverdue = 20               // looks after which a person should look; four days
	settleBatch   = 50               // a page of the gateway's search
	SettleTime    = 25 * time.Second // of a run
)

// Unsettled is a captured payment of which nobody knows yet whether the bank paid. Tries counts this look.
type Unsettled struct {
	payment.Payment
	Tries int
}

// Books are the gateway's books, read in batches.
type Books interface {
	// Transactions returns those of the ids that are there, in no order.
	Transactions(ctx context.Context, ids []string) ([]payment.Transaction, error)
}

// SettlementStore keeps when to look at what.
type SettlementStore interface {
	// Unsettled takes payments that are due, for this caller alone, and moves their next look on.
	Unsettled(ctx context.Context, now time.Time, n int) ([]Unsettled, error)
	// Settle writes the event of a settlement, of all or of a part; false when the payment has changed meanwhile.
	// Actor is who said so, for the audit log; empty: the gateway.
	Settle(ctx context.Context, p payment.Payment, e payment.Event, actor string) (bool, error)
	// SettleNoMore ends looking at a payment as it was read.
	SettleNoMore(ctx context.Context, p payment.Payment) error
	Payment(ctx context.Context, id string) (payment.Payment, error)
}

// Settlements finds out whether the bank paid what was captured.
type Settlements struct {
	App   *App
	Store SettlementStore
	Books Books
}

// NewSettlements returns settlements that are looked at also when a refund hangs on them.
func NewSettlements(a *App, store SettlementStore, books Books) *Settlements {
	s := &Settlements{App: a, Store: store, Books: books}
	a.settled = s.Look
	return s
}

// Look asks the gateway now about one payment that was captured and has not settled in our books, which learn of it only by and by.
func (s *Settlements) Look(ctx context.Context, id string) error {
	p, err := s.Store.Payment(ctx, id)
	taken := p.Status == payment.StatusCaptured || p.Status == payment.StatusPartly
	if err != nil || !taken || !p.SettledAt.IsZero() || p.Provider != payment.Gateway || len(p.Unsettled()) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return s.look(ctx, []Unsettled{{Payment: p}})
}

// Run looks at everything that is due, a batch at a time. It may run on several replicas, and be cut short: what it did not get to
// is due again.
func (s *Settlements) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, SettleTime)
	defer cancel()
	for {
		due, err := s.Store.Unsettled(ctx, s.App.now(), settleBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := s.look(ctx, due); err != nil {
			return err
		}
		if len(due) < settleBatch {
			return nil
		}
	}
}

func (s *Settlements) look(ctx context.Context, due []Unsettled) error {
	var ids []string
	for _, u := range due {
		ids = append(ids, u.Payment.Unsettled()...)
	}
	found, err := s.Books.Transactions(ctx, ids)
	if err != nil {
		return fmt.Errorf("look at %d settlements: %w", len(due), err)
	}
	byID := make(map[string]payment.Transaction, len(found))
	for _, t := range found {
		byID[t.ID] = t
	}
	var errs []error
	for _, u := range due {
		errs = append(errs, s.settle(ctx, u, byID))
	}
	return errors.Join(errs...)
}

// settle writes down what the gateway's books say of a payment, part by part.
func (s *Settlements) settle(ctx context.Context, u Unsettled, found map[string]payment.Transaction) error {
	ids := u.Payment.Unsettled()
	switch {
	case u.Live != "": // its answer changes the payment: later
		return nil
	case len(ids) == 0 && u.Status == payment.StatusPartly: // another part may follow
		return nil
	case len(ids) == 0 || u.Status != payment.StatusPartly && u.Status != payment.StatusCaptured && u.Status != payment.StatusRefunded:
		return s.Store.SettleNoMore(ctx, u.Payment)
	}
	for _, id := range ids {
		t, ok := found[id]
		e := payment.SettlementOf(u.Payment, id, t, ok)
		if e.Type == "" {
			if u.Tries == settleOverdue {
				s.App.alarm(s.App.Log.With("payment_id", u.ID, "transaction_id", id), "settlement-overdue", fmt.Sprintf("%s captured, found %t in state %s", u.Captured, ok, t.State))
			}
			continue
		}
		e.Version, e.OperationID, e.At = u.Version+1, "settlement", s.App.now()
		written, err := s.Store.Settle(ctx, u.Payment, e, "")
		if err != nil || !written {
			return err
		}
		log := s.App.Log.With("payment_id", u.ID, "transaction_id", id)
		log.Info("money", "event", string(e.Type), "amount", e.Amount.String())
		if e.Type == payment.SettlementDeclined {
			s.App.alarm(log, "settlement-declined", "the bank did not pay "+e.Amount.String()+" of order "+u.OrderID)
		}
		if u.Payment, err = u.Apply(e); err != nil {
			return err
		}
	}
	return nil
}
