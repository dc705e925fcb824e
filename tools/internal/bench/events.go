package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// news names an event by whom it is about and its place in what is told of that.
type news struct {
	subject  string
	sequence int64
}

// events measures how long the news of a level take from inventory's outbox to the last of those who keep a copy, catalog and cart, while
// guests buy. When a copy was committed is known to the server, of each SKU for the last event alone.
func (r *runner) events(ctx context.Context) error {
	if err := r.restock(ctx); err != nil {
		return err
	}
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	const shoppers = 8
	if _, _, err := r.k6(ctx, "checkout", r.Duration, fmt.Sprintf("SHOPPERS=%d", shoppers)); err != nil {
		return err
	}
	if _, err := r.quiet(ctx); err != nil {
		return err
	}
	sent, err := r.moments(ctx, "inventory", `SELECT subject, max(sequence), max(created_at) FROM outbox WHERE type = $2 AND created_at > $1 GROUP BY subject`,
		begun, inventoryapi.TypeLevelChangedV1)
	if err != nil {
		return err
	}
	atCatalog, err := r.moments(ctx, "catalog", `SELECT subject, sequence, pg_xact_commit_timestamp(xmin) FROM inbox_sequences WHERE consumer = 'inventory' AND updated_at > $1`, begun)
	if err != nil {
		return err
	}
	atCart, err := r.moments(ctx, "cart", `SELECT sku, sequence, pg_xact_commit_timestamp(xmin) FROM levels WHERE pg_xact_commit_timestamp(xmin) > $1`, begun)
	if err != nil {
		return err
	}
	atSearch, err := r.moments(ctx, "search", `SELECT subject, sequence, pg_xact_commit_timestamp(xmin) FROM inbox_sequences WHERE consumer = 'inventory' AND updated_at > $1`, begun)
	if err != nil {
		return err
	}
	took, missing := arrivals(sent, atCatalog, atCart, atSearch)
	if len(took) == 0 {
		return errors.New("no event has reached all that wait for it")
	}
	if missing > 0 {
		notes = append(notes, fmt.Sprintf("%d events had not reached everybody when the shop was quiet again", missing))
	}
	r.note(Result{What: fmt.Sprintf("an event from inventory's outbox to its last consumer, %d events while %d shoppers check out", len(took), shoppers),
		Figure: fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", median(took), quantile(took, 0.95), quantile(took, 0.99)),
		Goals:  []Goal{below("p99", quantile(took, 0.99), 500, " ms")}, Notes: notes})
	return nil
}

// moments reads when what happened.
func (r *runner) moments(ctx context.Context, service, query string, args ...any) (map[news]time.Time, error) {
	conn, err := pgx.Connect(ctx, r.state.Databases[service])
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	all := map[news]time.Time{}
	var n news
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&n.subject, &n.sequence, &at}, func() error { all[n] = at; return nil })
	return all, err
}

// arrivals says how long each event took until the last consumer had it, in milliseconds, and how many have not reached all.
func arrivals(sent map[news]time.Time, consumers ...map[news]time.Time) (took []float64, missing int) {
	for n, at := range sent {
		last := at
		for _, c := range consumers {
			arrived, ok := c[n]
			if !ok {
				last = time.Time{}
				break
			}
			if arrived.After(last) {
				last = arrived
			}
		}
		if last.IsZero() {
			missing++
			continue
		}
		took = append(took, float64(last.Sub(at))/float64(time.Millisecond))
	}
	return took, missing
}
