package app

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Price is a row of a price list that can be shown: for nobody in particular, one piece. Zero times are open ends.
type Price struct {
	List      string
	Amount    money.Amount
	CompareAt *money.Amount
	Countries []string // none: everywhere
	Priority  int
	From, To  time.Time
}

// Event identifies what is told: its subject's sequence guards against reordering and repetition.
type Event struct {
	Subject  string
	Sequence int64
}

// Replica takes in what pricing and inventory tell. Nothing changes when the same event or a later one was applied before.
type Replica interface {
	// KeepPrices replaces all prices of a SKU.
	KeepPrices(ctx context.Context, ev Event, sku string, prices []Price) error
	// KeepLevel sets what can be had of a SKU.
	KeepLevel(ctx context.Context, ev Event, sku string, l Level) error
}
