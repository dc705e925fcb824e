// Package books audits a shop: it reads every service's database and the payment simulator's own books, and counts where they
// break the invariants I1 to I9.
//
//	inventory ─┐                      I1 levels = Σ ledger = Σ reservations, 0 ≤ allocated ≤ on hand
//	order ─────┤                      I2 sold ≤ stocked; what was sold is reserved, and nothing else
//	payment ───┼─► Snapshot ─► Judge  I3 one order a checkout, charged once; order, payment and gateway say the same amounts
//	checkout ──┤                      I4 no money without order, no order without money, nothing half-way
//	cart ──────┤                      I5 every event sent, and taken in by each who must know it
//	simulator ─┘                      I6 … I9 the logs are whole, discounts are promotions, nothing is kept that need not be
//
// It only reads, and decides nothing. The databases are read one after the other, so whatever moved within the grace is not
// compared between services: it may be under way. With Wait the grace is zero and the shop is asked again until it is clean;
// what is not after that time is judged by the usual grace. A check that finds nothing to check says so by its counts.
//
// The SQL of each service stands in the file that bears the service's name.
package books

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Grace is how long something may be under way between two services: I4 allows 60 s.
const Grace = 60 * time.Second

// Sources say where the books are.
type Sources struct {
	Databases map[string]string // app id → connection string
	Simulator string            // base URL; "": the gateway keeps no books that we may read
}

// Violation is one breach.
type Violation struct {
	Invariant string `json:"invariant"`
	Rule      string `json:"rule"`
	ID        string `json:"id"`
	Detail    string `json:"detail"`
}

// Report is what was found.
type Report struct {
	At         time.Time        `json:"at"`
	Counts     map[string]int64 `json:"counts"`
	Violations []Violation      `json:"violations"`
}

// Clean reports whether nothing was found.
func (r Report) Clean() bool { return len(r.Violations) == 0 }

// Check reads and judges once.
func Check(ctx context.Context, src Sources, grace time.Duration) (Report, error) {
	s, err := Read(ctx, src)
	if err != nil {
		return Report{}, err
	}
	return Judge(s, grace), nil
}

// askAgain is the pause between two looks.
const askAgain = 2 * time.Second

// Settle checks until nothing is under way any more and all is clean, or until wait is over. A shop that cannot be read is
// tried again too: it may be starting.
func Settle(ctx context.Context, src Sources, wait time.Duration, tell func(string)) (Report, error) {
	deadline := time.Now().Add(wait)
	for {
		r, err := Check(ctx, src, 0)
		if err == nil && r.Clean() {
			return r, nil
		}
		if !time.Now().Before(deadline) || ctx.Err() != nil {
			return Check(ctx, src, Grace)
		}
		if err != nil {
			tell(err.Error())
		} else {
			tell(fmt.Sprintf("not settled yet: %s", r.summary()))
		}
		select {
		case <-ctx.Done():
		case <-time.After(askAgain):
		}
	}
}

// Read takes everything that is compared out of the books. Each database is read in one snapshot.
func Read(ctx context.Context, src Sources) (Snapshot, error) {
	s := Snapshot{At: time.Now(), Gateway: src.Simulator != "", Consumed: map[string]map[string]int64{}}
	var errs []error
	for _, part := range []struct {
		service string
		read    func(context.Context, pgx.Tx, *Snapshot) error
	}{
		// Effects before their causes: what is caused between two reads is then missing among the effects, and young.
		{"search", readSearch}, {"checkout", readCheckout}, {"cart", readCart}, {"pricing", readPricing}, {"catalog", readCatalog},
		{"order", readOrder}, {"payment", readPayment}, {"inventory", readInventory},
	} {
		url := src.Databases[part.service]
		if url == "" {
			errs = append(errs, fmt.Errorf("books: no database of %s is known", part.service))
			continue
		}
		if err := inSnapshot(ctx, url, func(tx pgx.Tx) error { return part.read(ctx, tx, &s) }); err != nil {
			errs = append(errs, fmt.Errorf("books of %s: %w", part.service, err))
		}
	}
	if src.Simulator != "" {
		if err := readSimulator(ctx, src.Simulator, &s); err != nil {
			errs = append(errs, fmt.Errorf("books of the payment simulator: %w", err))
		}
	}
	return s, errors.Join(errs...)
}

func inSnapshot(ctx context.Context, url string, fn func(pgx.Tx) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

// collect reads rows into structs by position.
func collect[T any](ctx context.Context, tx pgx.Tx, into *[]T, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	*into, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	return err
}

func (r Report) summary() string {
	by := map[string]int{}
	for _, v := range r.Violations {
		by[v.Invariant+" "+v.Rule]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d × %s", by[k], k))
	}
	return strings.Join(parts, ", ")
}

// shown is how many violations of one rule are printed.
const shown = 20

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	var counts []string
	for _, k := range slices.Sorted(maps.Keys(r.Counts)) {
		counts = append(counts, fmt.Sprintf("%d %s", r.Counts[k], k))
	}
	fmt.Fprintf(out, "read: %s\n", strings.Join(counts, ", "))
	by := map[string]int{}
	for _, v := range r.Violations {
		by[v.Invariant]++
	}
	for _, i := range invariants {
		fmt.Fprintf(out, "%s  %-78s %d\n", i.name, i.about, by[i.name])
	}
	rules := map[string]int{}
	for _, v := range r.Violations {
		key := v.Invariant + " " + v.Rule
		if rules[key]++; rules[key] <= shown {
			fmt.Fprintf(out, "  %s %s %s: %s\n", v.Invariant, v.Rule, v.ID, v.Detail)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(rules)) {
		if n := rules[key] - shown; n > 0 {
			fmt.Fprintf(out, "  … and %d more of %s\n", n, key)
		}
	}
}

var invariants = []struct{ name, about string }{
	{"I1", "levels are the sums of the ledger and of the reservations, 0 ≤ allocated ≤ on hand"},
	{"I2", "nothing is sold that was not stocked; what is sold is reserved"},
	{"I3", "one order a checkout, charged once, the same amounts everywhere"},
	{"I4", "no money without order, no order without money, nothing half-way"},
	{"I5", "every event is sent and taken in by each subscriber"},
	{"I6", "no cart is lost: the log of each is whole"},
	{"I7", "discounts are those of the promotions, no line is less than nothing, a total is the sum of its parts, and a fee a part of shipping"},
	{"I8", "every step of an order and of a payment is in its log"},
	{"I9", "means of payment are kept no longer than they are needed"},
}
