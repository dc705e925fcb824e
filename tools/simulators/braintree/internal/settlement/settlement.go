// Package settlement stands in for the processor's nightly batch: it settles what was submitted, on demand or once it is
// old enough. A batch that a crash cuts short is finished by the next one; nothing settles twice, because a settled
// transaction is no longer due.
package settlement

import (
	"context"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/store"
)

const (
	batch    = 200 // transactions settled in one decision, so that sales do not wait long behind it
	shortest = 50 * time.Millisecond
	longest  = 5 * time.Second
)

// Before settles everything submitted at or before the given time and answers how many transactions moved.
func Before(st *store.Store, m *merchant.Merchant, before time.Time) (int, error) {
	total := 0
	for {
		moved := 0
		err := st.Update(func(b *ledger.Book) ([]ledger.Record, error) {
			var records []ledger.Record
			moved, records = b.SettleDue(before, batch, m.Terms())
			return records, nil
		})
		total += moved
		if err != nil || moved == 0 {
			return total, err
		}
	}
}

// Run settles what was submitted at least `after` ago, until ctx ends or the store fails.
func Run(ctx context.Context, st *store.Store, m *merchant.Merchant, after time.Duration, log *slog.Logger) {
	tick := time.NewTicker(min(max(after/4, shortest), longest))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-st.Failed():
			return
		case <-tick.C:
		}
		n, err := Before(st, m, m.Now().Add(-after))
		if err != nil {
			log.Error("settlement stopped", "error", err)
			return
		}
		if n > 0 {
			log.Info("settled", "transactions", n)
		}
	}
}
