package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// clause appends e in a statement whose own part has as many rows as said.
func clause(ctx context.Context, pool *pgxpool.Pool, box *outbox.Box, e outbox.Event, rows int) error {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprint("$", len(args))
	}
	n := arg(rows)
	items, wake, err := box.Clause(ctx, e, "mine", "jsonb_build_object('drawn', drawn)", arg)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `WITH mine AS (SELECT 'x' || i AS drawn FROM generate_series(1, `+n+`::int) AS i), `+items+` SELECT FROM mine`, args...); err != nil {
		return err
	}
	wake()
	return nil
}

// An event of a clause is numbered with those of Append, carries what the statement drew, and is published at once.
func TestClause(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b})
	start(t, box)
	appendEvents(t, pool, box, event("s", 1))
	ctx, counter := pg.WithCounter(t.Context())
	if err := clause(ctx, pool, box, event("s", 2), 1); err != nil {
		t.Fatal(err)
	}
	if n := counter.Statements(); n != 1 {
		t.Errorf("%d statements, want 1", n)
	}
	if err := clause(t.Context(), pool, box, event("s", 3), 0); err != nil {
		t.Fatal(err)
	}
	appendEvents(t, pool, box, event("s", 4))
	got := b.await(t, atLeast(3))
	checkOrder(t, got)
	if len(got) != 3 || got[2].Sequence != 3 || !strings.Contains(string(got[1].Data), `"drawn": "x1"`) || !strings.Contains(string(got[1].Data), `"sequence": 2`) {
		t.Errorf("got %v", summary(got))
	}
	if err := clause(t.Context(), pool, box, outbox.Event{Topic: "thing", Type: "thing.made.v1", Data: struct{}{}}, 1); err == nil {
		t.Error("an event of nobody was appended")
	}
}

// Clauses and transactions on the same aggregates leave no gap and keep their order.
func TestClausesBesideTransactions(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, outbox.Migrations)
	b := newBroker()
	box := outbox.New(pool, outbox.Options{Source: "test", Publisher: b})
	start(t, box)
	errs := testkit.Race(16, func(i int) error {
		for n := range 10 {
			e := event(fmt.Sprintf("s%d", (i+n)%3), i)
			add := tryAppend
			if i%2 == 0 {
				add = func(ctx context.Context, pool *pgxpool.Pool, box *outbox.Box, events ...outbox.Event) error {
					return clause(ctx, pool, box, events[0], 1)
				}
			}
			if err := add(t.Context(), pool, box, e); err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := b.await(t, atLeast(160))
	checkOrder(t, got)
}
