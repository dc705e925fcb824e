// Package reconcile compares payment's ledger with the gateway's books, transaction by transaction, and sums both by day and
// currency. It only reads: our database in one read-only snapshot, the gateway through its search. Run again, it finds the same.
//
//	payments, payment_events ─┐
//	                          ├─► differences: missing on a side, another amount, another state; sums by day and currency
//	gateway's search ─────────┘
//
// The days are the gateway's, in UTC: a transaction belongs to the day on which the gateway made it. What changed here a moment ago
// may be under way and is not compared.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	bt "github.com/braintree-go/braintree-go"
	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
)

// Options say what to compare.
type Options struct {
	Database string // connection string of payment
	Gateway  *bt.Braintree
	From, To time.Time // days, UTC; To is not part of it
	Now      time.Time
}

// margin is how far the clocks of the two may be apart, and how long a sale may take.
const margin = time.Hour

// Grace is how long something may be under way.
const Grace = 5 * time.Minute

// Sum is what one side says of a day in a currency, in minor units.
type Sum struct {
	Sales    int   `json:"sales"`
	Captured int64 `json:"captured"`
	Refunds  int   `json:"refunds"`
	Refunded int64 `json:"refunded"`
}

// Day is a day in a currency.
type Day struct {
	Day      string         `json:"day"`
	Currency money.Currency `json:"currency"`
	Ours     Sum            `json:"ours"`
	Gateway  Sum            `json:"gateway"`
}

// Difference is one transaction on which the two do not agree.
type Difference struct {
	Rule          string         `json:"rule"` // unknown-here, unknown-there, amounts-differ, states-differ
	Day           string         `json:"day"`
	Currency      money.Currency `json:"currency"`
	PaymentID     string         `json:"payment_id"`
	TransactionID string         `json:"transaction_id"`
	Detail        string         `json:"detail"`
}

// Report is what was found.
type Report struct {
	From        string       `json:"from"`
	To          string       `json:"to"`
	Compared    int          `json:"compared"`
	UnderWay    int          `json:"under_way"`
	Days        []Day        `json:"days"`
	Differences []Difference `json:"differences"`
}

// Clean reports whether both agree.
func (r Report) Clean() bool { return len(r.Differences) == 0 }

// Compare reads both sides and compares them.
func Compare(ctx context.Context, o Options) (Report, error) {
	ours, err := readOurs(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("payment's ledger: %w", err)
	}
	theirs, err := readTheirs(ctx, o, ours)
	if err != nil {
		return Report{}, fmt.Errorf("the gateway's books: %w", err)
	}
	return judge(o, ours, theirs), nil
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	fmt.Fprintf(out, "%s to %s: %d transactions compared, %d under way\n", r.From, r.To, r.Compared, r.UnderWay)
	for _, d := range r.Days {
		mark := " "
		if d.Ours != d.Gateway {
			mark = "!"
		}
		fmt.Fprintf(out, "%s %s %s  ours: %d sales %s, %d refunds %s  gateway: %d sales %s, %d refunds %s\n", mark, d.Day, d.Currency,
			d.Ours.Sales, money.New(d.Ours.Captured, d.Currency), d.Ours.Refunds, money.New(d.Ours.Refunded, d.Currency),
			d.Gateway.Sales, money.New(d.Gateway.Captured, d.Currency), d.Gateway.Refunds, money.New(d.Gateway.Refunded, d.Currency))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(out, "  %s %s %s transaction %s payment %s: %s\n", d.Day, d.Currency, d.Rule, d.TransactionID, cmp.Or(d.PaymentID, "?"), d.Detail)
	}
	if r.Clean() {
		fmt.Fprintln(out, "both agree")
		return
	}
	fmt.Fprintf(out, "%d differences\n", len(r.Differences))
}

// entry is a transaction as our ledger has it.
type entry struct {
	transaction, payment string
	credit               bool
	status               string // of the payment
	amount               money.Amount
	at                   time.Time
	live                 bool
	seen                 bool // a stray: known here, of no payment
}

// salesSQL are the payments that have a transaction, with what they hold or took; partsSQL what was captured in parts, where the authorisation
// itself moves nothing; refundsSQL what went back; straysSQL what came late and was undone. Gift cards and store credit are no business of
// the gateway.
const (
	salesSQL = `SELECT transaction_id, id, CASE WHEN split THEN 'split' ELSE status END, currency, CASE WHEN status = 'authorised' THEN authorised - credit ELSE captured - credit_captured END,
		created_at, live_operation <> '' OR updated_at > $3 FROM payments WHERE transaction_id <> '' AND created_at >= $1 AND created_at < $2`
	partsSQL = `SELECT x.transaction_id, x.payment_id, CASE x.status WHEN 'settled' THEN 'captured' ELSE x.status END, x.currency, x.amount,
		o.created_at, p.live_operation <> '' OR p.updated_at > $3
		FROM payment_parts x JOIN payments p ON p.id = x.payment_id JOIN payment_operations o ON o.operation_id = x.operation_id WHERE o.created_at >= $1 AND o.created_at < $2`
	refundsSQL = `SELECT coalesce(c->>'refund_id', e.transaction_id), e.payment_id, e.type, e.currency, coalesce((c->>'amount')::bigint, e.amount - e.credit), e.at, e.at > $3
		FROM payment_events e LEFT JOIN jsonb_array_elements(e.parts) c ON true
		WHERE (c->>'refund_id' <> '' OR e.parts IS NULL AND e.type IN ('refunded', 'stray_refunded') AND e.transaction_id <> '') AND e.at >= $1 AND e.at < $2`
	straysSQL = `SELECT e.transaction_id, e.payment_id, e.type, e.currency, e.amount, e.at, e.at > $3 FROM payment_events e
		WHERE e.type = 'stray_voided' AND e.at >= $1 AND e.at < $2`
)

func readOurs(ctx context.Context, o Options) (map[string]entry, error) {
	conn, err := pgx.Connect(ctx, o.Database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	all := map[string]entry{}
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, part := range []struct {
			sql          string
			credit, seen bool
		}{{salesSQL, false, false}, {partsSQL, false, false}, {refundsSQL, true, false}, {straysSQL, false, true}} {
			rows, err := tx.Query(ctx, part.sql, o.From.Add(-margin), o.To.Add(margin), o.Now.Add(-Grace))
			if err != nil {
				return err
			}
			found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e entry, err error) {
				e.credit, e.seen = part.credit, part.seen
				err = row.Scan(&e.transaction, &e.payment, &e.status, &e.amount.Currency, &e.amount.Minor, &e.at, &e.live)
				return e, err
			})
			if err != nil {
				return err
			}
			for _, e := range found {
				all[e.transaction] = e
			}
		}
		return nil
	})
	return all, err
}

// Pages of the gateway's search.
const page = 50

// readTheirs reads what the gateway made in the days, and what we know of and it made at another time.
func readTheirs(ctx context.Context, o Options, ours map[string]entry) (map[string]*bt.Transaction, error) {
	all := map[string]*bt.Transaction{}
	for day := o.From; day.Before(o.To); day = day.AddDate(0, 0, 1) { // a search has a limit
		query := new(bt.SearchQuery)
		span := query.AddTimeField("created-at")
		span.Min, span.Max = day, day.AddDate(0, 0, 1).Add(-time.Second)
		if err := search(ctx, o.Gateway, query, all); err != nil {
			return nil, err
		}
	}
	var missing []string
	for id := range ours {
		if all[id] == nil && id != "" {
			missing = append(missing, id)
		}
	}
	for ids := range slices.Chunk(missing, page) {
		query := new(bt.SearchQuery)
		query.AddMultiField("ids").Items = ids
		if err := search(ctx, o.Gateway, query, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func search(ctx context.Context, g *bt.Braintree, query *bt.SearchQuery, into map[string]*bt.Transaction) error {
	ids, err := g.Transaction().SearchIDs(ctx, query)
	if err != nil {
		return err
	}
	n := 0
	for p := 1; p <= ids.PageCount; p++ {
		list, err := g.Transaction().SearchPage(ctx, query, ids, p)
		if err != nil {
			return err
		}
		for _, tx := range list.Transactions {
			if tx.CreatedAt == nil || tx.Amount == nil {
				return fmt.Errorf("transaction %s has no time or no amount", tx.Id)
			}
			into[tx.Id] = tx
			n++
		}
	}
	if n < len(ids.IDs) {
		return errors.New("the gateway named more transactions than it showed; run it again")
	}
	return nil
}
