package inventory

import (
	"crypto/sha256"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Limit is how many pieces of a SKU one customer may have in a sale window. Zero ends are open.
type Limit struct {
	SKU         string
	Quantity    int64
	From, Until time.Time
}

// Runs says whether the window is open.
func (l Limit) Runs(now time.Time) bool {
	return !now.Before(l.From) && (l.Until.IsZero() || now.Before(l.Until))
}

// ErrQuantityLimit refuses what is more than one customer may have; its member "lines" names every SKU.
var ErrQuantityLimit = fault.New(fault.Conflict, "quantity-limit", "One customer may not have so many of it.")

// Over returns ErrQuantityLimit when quantities of SKUs are more than the limits that run leave of what the customer has had.
func Over(limits []Limit, had, asked map[string]int64, now time.Time) error {
	var lines []map[string]any
	for _, l := range limits {
		if n := asked[l.SKU]; n > 0 && l.Runs(now) && had[l.SKU]+n > l.Quantity {
			lines = append(lines, map[string]any{"sku": l.SKU, "limit": l.Quantity, "had": had[l.SKU], "requested": n})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return ErrQuantityLimit.With("lines", lines)
}

// CustomerHash is what is kept of a customer; nil for nobody.
func CustomerHash(customer string) []byte {
	if customer == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(customer))
	return sum[:]
}

// Asked sums the lines of each SKU.
func (o Order) Asked() map[string]int64 {
	asked := make(map[string]int64, len(o.Lines))
	for _, l := range o.Lines {
		asked[l.SKU] += l.Quantity
	}
	return asked
}
