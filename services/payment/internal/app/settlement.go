package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
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
	// Settle writes the event of a settlement; false when the payment has changed meanwhile.
	// Actor is who said so, for the audit log; empty: the gateway.
	Settle(ctx context.Context, p payment.Payment, e payment.Event, actor string) (bool, error)
	// SettleNoMore ends looking at a payment as it was read.
	SettleNoMore(ctx context.Context, p payment.Payment) error
}

// Settlements finds out whether the bank paid what was captured.
type Settlements struct {
	App   *App
	Store SettlementStore
	Books Books
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
	ids := make([]string, len(due))
	for i, u := range due {
		ids[i] = u.TransactionID
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
		t, ok := byID[u.TransactionID]
		errs = append(errs, s.settle(ctx, u, t, ok))
	}
	return errors.Join(errs...)
}

// settle writes down what the gateway's books say of a payment.
func (s *Settlements) settle(ctx context.Context, u Unsettled, t payment.Transaction, found bool) error {
	log := s.App.Log.With("payment_id", u.ID, "transaction_id", u.TransactionID)
	event := payment.SettlementOf(u.Payment, t, found)
	switch {
	case u.Live != "": // its answer changes the payment: later
		return nil
	case u.Status != payment.StatusCaptured && u.Status != payment.StatusRefunded:
		return s.Store.SettleNoMore(ctx, u.Payment)
	case event == "":
		if u.Tries == settleOverdue {
			s.App.alarm(log, "settlement-overdue", fmt.Sprintf("%s captured, found %t in state %s", u.Captured, found, t.State))
		}
		return nil
	}
	now := s.App.now()
	e := payment.Event{Version: u.Version + 1, Type: event, OperationID: "settlement", Amount: money.New(u.Captured.Minor-u.CreditCaptured.Minor, u.Captured.Currency), TransactionID: t.ID, At: now}
	if event == payment.SettlementDeclined {
		e.Code = payment.CodeSettlement
	}
	written, err := s.Store.Settle(ctx, u.Payment, e, "")
	if err != nil || !written {
		return err
	}
	log.Info("money", "event", string(event), "amount", e.Amount.String())
	if event == payment.SettlementDeclined {
		s.App.alarm(log, "settlement-declined", "the bank did not pay "+e.Amount.String()+" of order "+u.OrderID)
	}
	return nil
}
