// Package settlement stands in for time: the processor's nightly batch settles what was submitted, on demand or once it is
// old enough; authorisations run out, unanswered disputes are lost, and what has settled is paid out the day after. A batch that a crash cuts short is finished by the next one; nothing settles twice, because a settled
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

// Turn moves the gateway's clock on and does what the time between would have done. What was submitted a day before the new time
// settles, or as long before as after says.
func Turn(st *store.Store, m *merchant.Merchant, by, after time.Duration) (settled int, err error) {
	ahead := m.Ahead() + by
	m.Turn(ahead)
	err = st.Update(func(*ledger.Book) ([]ledger.Record, error) {
		return []ledger.Record{{Clock: &ledger.Clock{Ahead: ahead}}}, nil
	})
	if err != nil {
		return 0, err
	}
	if after <= 0 {
		after = 24 * time.Hour
	}
	if settled, err = Before(st, m, m.Now().Add(-after)); err != nil {
		return settled, err
	}
	return settled, pass(st, m)
}

// pass does what time does, until nothing is left to do.
func pass(st *store.Store, m *merchant.Merchant) error {
	for {
		moved := 0
		err := st.Update(func(b *ledger.Book) ([]ledger.Record, error) {
			records := b.PassTime(batch, m.Terms())
			moved = len(records)
			return records, nil
		})
		if err != nil || moved == 0 {
			return err
		}
	}
}

// Run does what time does, until ctx ends or the store fails; when after is above zero, it settles what was submitted so long ago.
func Run(ctx context.Context, st *store.Store, m *merchant.Merchant, after time.Duration, log *slog.Logger) {
	every := time.Minute
	if after > 0 {
		every = min(max(after/4, shortest), longest)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-st.Failed():
			return
		case <-tick.C:
		}
		n, err := 0, pass(st, m)
		if err == nil && after > 0 {
			n, err = Before(st, m, m.Now().Add(-after))
		}
		if err != nil {
			log.Error("time stopped", "error", err)
			return
		}
		if n > 0 {
			log.Info("settled", "transactions", n)
		}
	}
}
