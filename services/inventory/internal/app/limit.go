package app

import (
	"context"
	"sync"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// LimitStore reads what one customer may have.
type LimitStore interface {
	// Limits returns those of all SKUs that have one.
	Limits(ctx context.Context) ([]inventory.Limit, error)
	// Had returns what a customer has had of limited SKUs in their present windows.
	Had(ctx context.Context, customer []byte, skus []string) (map[string]int64, error)
}

// Limits tells a customer early that something is more than may be had; the allocation decides. It knows the limits of the last second:
// few SKUs have one, and the others must not cost a look.
type Limits struct {
	Store LimitStore
	Now   func() time.Time

	mu    sync.Mutex
	known map[string]inventory.Limit
	until time.Time
}

const limitsAge = time.Second

// Check refuses lines with inventory.ErrQuantityLimit. A customer who is not known yet has had nothing.
func (l *Limits) Check(ctx context.Context, customer string, lines []inventory.Hold) error {
	limits, asked, err := l.of(ctx, lines)
	if err != nil || len(limits) == 0 {
		return err
	}
	var had map[string]int64
	if hash := inventory.CustomerHash(customer); hash != nil {
		skus := make([]string, len(limits))
		for i, limit := range limits {
			skus[i] = limit.SKU
		}
		if had, err = l.Store.Had(ctx, hash, skus); err != nil {
			return err
		}
	}
	return inventory.Over(limits, had, asked, l.Now())
}

// Any says whether one of the SKUs has a limit.
func (l *Limits) Any(ctx context.Context, skus []string) (bool, error) {
	lines := make([]inventory.Hold, len(skus))
	for i, sku := range skus {
		lines[i].SKU = sku
	}
	limits, _, err := l.of(ctx, lines)
	return len(limits) > 0, err
}

func (l *Limits) of(ctx context.Context, lines []inventory.Hold) (limits []inventory.Limit, asked map[string]int64, err error) {
	known, err := l.recent(ctx)
	if err != nil {
		return nil, nil, err
	}
	asked = map[string]int64{}
	for _, line := range lines {
		if limit, ok := known[line.SKU]; ok {
			limits = append(limits, limit)
			asked[line.SKU] += line.Quantity
		}
	}
	return limits, asked, nil
}

// recent returns the limits of the last second. Whoever finds them older reads them anew, and the others go on with those meanwhile: nobody
// waits in line for a database that hangs.
func (l *Limits) recent(ctx context.Context) (map[string]inventory.Limit, error) {
	now := l.Now()
	l.mu.Lock()
	known, due := l.known, !now.Before(l.until)
	if due && known != nil {
		l.until = now.Add(limitsAge)
	}
	l.mu.Unlock()
	if !due {
		return known, nil
	}
	all, err := l.Store.Limits(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.until = time.Time{} // the next one tries
		return nil, err
	}
	l.known, l.until = make(map[string]inventory.Limit, len(all)), now.Add(limitsAge)
	for _, limit := range all {
		l.known[limit.SKU] = limit
	}
	return l.known, nil
}
