// Package load buys from a shop as many guests do: in several currencies, with cards that are declined, with carts that are
// left, with orders that are taken back, and with buttons that are pressed twice.
//
// What each guest does is drawn from a seed and the guest's number alone, so that a run can be repeated; what comes of it is
// the shop's doing. Everything that a guest may meet (sold out, declined) is counted; everything else is an error of the shop
// and fails the run. The clients repeat what may be repeated, with the same keys, so that a run outlives the death of any
// part of the shop; the books (package books) then say whether it also stayed right.
//
//	script ── Fill ── Prepare ──┬─ complete ──┬─ read back │ cancel
//	            │        │      ├─ declined ──┴─ once more with another card
//	    ▲       └─ left ─┘ │    └─ complete twice at once
//	    └───── wants more ─┘
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/progress"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// journeyLimit is how long a guest tries at most.
const journeyLimit = 10 * time.Minute

// Options say who buys where.
type Options struct {
	Client   *shopclient.Client
	Guests   int // journeys in all, at least
	Shoppers int // at once
	Seed     uint64
	Out      io.Writer
	Clerk    *Clerk      // nil: those who need one do without
	More     func() bool // nil: nobody comes after Guests; else guests come for as long as it says so
}

// Run sends the guests. The report is good even when the error is not nil; an unexpected answer is in the report and no
// error of Run.
func Run(ctx context.Context, opt Options) (Report, error) {
	if opt.Guests < 1 || opt.Shoppers < 1 {
		return Report{}, fmt.Errorf("load: %d guests, %d at once: want at least one", opt.Guests, opt.Shoppers)
	}
	client := *opt.Client
	shelf, err := look(ctx, &client)
	if err != nil {
		return Report{}, err
	}
	if opt.Clerk != nil {
		if err := opt.Clerk.lots(ctx, shelf.markets[0].skus, time.Now()); err != nil {
			return Report{}, fmt.Errorf("load: lots: %w", err)
		}
	}
	tally := newTally(opt.Seed)
	client.Observe = tally.observe
	bar := progress.New(opt.Out, "orders", int64(opt.Guests))
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range min(opt.Shoppers, opt.Guests) {
		wg.Go(func() {
			for n := range numbers {
				s := shelf.script(opt.Seed, n)
				tally.end(n, s, (&journey{client: &client, script: s, clerk: opt.Clerk}).run(ctx))
				bar.Add(1, tally.note())
			}
		})
	}
	for n := 0; (n < opt.Guests || opt.More != nil && opt.More()) && ctx.Err() == nil; n++ {
		select {
		case numbers <- n:
		case <-ctx.Done():
		}
	}
	close(numbers)
	wg.Wait()
	bar.End()
	return tally.report(), ctx.Err()
}

// Unexpected is what a shop should not have answered.
type Unexpected struct{ err error }

func (u Unexpected) Error() string { return u.err.Error() }

// Unwrap gives the cause.
func (u Unexpected) Unwrap() error { return u.err }

func unexpected(format string, args ...any) error { return Unexpected{fmt.Errorf(format, args...)} }

// outcome is what became of a guest.
type outcome string

const (
	bought     outcome = "bought"
	cancelled  outcome = "cancelled"
	declined   outcome = "declined"
	left       outcome = "left"
	outOfStock outcome = "out of stock"
	faulty     outcome = "unexpected"
)

var errLeft = errors.New("left the shop")
