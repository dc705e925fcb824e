package app

import "context"

// Product is what pricing keeps of a product.
type Product struct {
	ID, TaxCategory string
	SKUs            []string
}

// Event identifies a delivery: its id for the inbox, its subject's sequence against reordering.
type Event struct {
	ID       string
	Subject  string
	Sequence int64
}

// Replica takes in what other services tell. Both methods change nothing when the event was applied before; KeepProduct
// also when a later one was.
type Replica interface {
	KeepProduct(ctx context.Context, ev Event, p Product) error
	// CountUses adds one to each code that is a coupon.
	CountUses(ctx context.Context, ev Event, codes []string) error
}
