package app_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// rules are limits that can hang or fail, and count how often they are read.
type rules struct {
	limits []inventory.Limit
	hang   chan struct{} // nil: they do not
	err    error
	reads  int
}

func (r *rules) Limits(context.Context) ([]inventory.Limit, error) {
	r.reads++
	if r.hang != nil {
		<-r.hang
	}
	return r.limits, r.err
}

func (r *rules) Had(context.Context, []byte, []string) (map[string]int64, error) {
	return map[string]int64{"mug": 1}, nil
}

// The limits are read once a second, and while a read hangs everybody else goes on with the last ones; what failed is read again at once.
func TestNobodyWaitsForLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rules{limits: []inventory.Limit{{SKU: "mug", Quantity: 2}}}
		l := &app.Limits{Store: r, Now: time.Now}
		hold := func(sku string, quantity int64) error {
			return l.Check(t.Context(), "ann", []inventory.Hold{{SKU: sku, Quantity: quantity}})
		}
		for range 5 {
			if err := hold("mug", 2); !errors.Is(err, inventory.ErrQuantityLimit) {
				t.Errorf("one too many: %v", err)
			}
			if err := errors.Join(hold("mug", 1), hold("cup", 9)); err != nil {
				t.Error(err)
			}
		}
		if r.reads != 1 {
			t.Errorf("read %d times within the second", r.reads)
		}
		<-time.After(2 * time.Second)
		r.hang = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { _ = hold("mug", 1) })
		synctest.Wait() // it hangs
		if err := hold("mug", 2); !errors.Is(err, inventory.ErrQuantityLimit) || r.reads != 2 {
			t.Errorf("beside a read that hangs: %v, %d reads", err, r.reads)
		}
		close(r.hang)
		all.Wait()
		<-time.After(2 * time.Second)
		r.hang, r.err = nil, errors.New("away")
		if err := hold("mug", 1); err == nil {
			t.Error("a failure is not told")
		}
		r.err = nil
		if err := hold("mug", 1); err != nil || r.reads != 4 {
			t.Errorf("after it: %v, %d reads", err, r.reads)
		}
	})
}
