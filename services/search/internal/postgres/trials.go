package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var _ app.Book = (*Store)(nil)

// How long a visitor and his orders are remembered, and how many of them.
const (
	trialDays  = 90
	mostOrders = 100
)

// How long it is remembered what was searched for, in days, and how much of each day that is over.
const (
	queryDays  = 365 // as far as the report looks back
	dayQueries = 20_000
)

// Meet implements app.Book. Rows are locked in one order, for processes that note at once.
func (s *Store) Meet(ctx context.Context, now time.Time, all []app.Meeting) error {
	tests, visitors, places := make([]string, len(all)), make([]string, len(all)), make([]int16, len(all))
	for i, m := range all {
		tests[i], visitors[i], places[i] = m.Test, m.Visitor, int16(search.Place(m.Test, m.Visitor)) //nolint:gosec // 0–99
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO trial_visitors (test, visitor, place, met_at)
		SELECT u.test, u.visitor, u.place, $1 FROM unnest($2::text[], $3::text[], $4::smallint[]) AS u (test, visitor, place) ORDER BY u.visitor, u.test
		ON CONFLICT DO NOTHING`, now, tests, visitors, places)
	if err != nil {
		return fmt.Errorf("note %d meetings: %w", len(all), pg.AsFault(err))
	}
	return nil
}

// Act implements app.Book. A deed of somebody who met no test is not kept.
func (s *Store) Act(ctx context.Context, now time.Time, d app.Deed) error {
	var err error
	switch d.Kind {
	case app.Viewed:
		_, err = s.pool.Exec(ctx, `UPDATE trial_visitors SET viewed = true WHERE visitor = $1 AND NOT viewed`, d.Visitor)
	case app.Carted:
		_, err = s.pool.Exec(ctx, `UPDATE trial_visitors SET carted = true WHERE visitor = $1 AND NOT carted`, d.Visitor)
	case app.Ordered:
		_, err = s.pool.Exec(ctx, `
			INSERT INTO trial_orders (order_id, visitor, currency, minor, placed_at)
			SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM trial_visitors WHERE visitor = $2) AND (SELECT count(*) FROM trial_orders WHERE visitor = $2) < $6
			ON CONFLICT DO NOTHING`, d.Order, d.Visitor, string(d.Value.Currency), d.Value.Minor, now, mostOrders)
	}
	if err != nil {
		return fmt.Errorf("note a deed: %w", pg.AsFault(err))
	}
	return nil
}

// Figures implements app.Book.
func (s *Store) Figures(ctx context.Context) ([]app.PlaceFigures, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT v.test, v.place, count(*), count(*) FILTER (WHERE v.viewed), count(*) FILTER (WHERE v.carted),
			count(*) FILTER (WHERE EXISTS (SELECT FROM trial_orders o WHERE o.visitor = v.visitor AND o.placed_at >= v.met_at))
		FROM trial_visitors v GROUP BY 1, 2 ORDER BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("figures: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f app.PlaceFigures, err error) {
		f.Revenue = map[money.Currency]int64{}
		return f, row.Scan(&f.Test, &f.Place, &f.Visitors, &f.Viewed, &f.Carted, &f.Bought)
	})
	if err != nil {
		return nil, fmt.Errorf("figures: %w", pg.AsFault(err))
	}
	at := map[string]*app.PlaceFigures{}
	for i := range all {
		at[fmt.Sprint(all[i].Test, " ", all[i].Place)] = &all[i]
	}
	rows, err = s.pool.Query(ctx, `
		SELECT v.test, v.place, o.currency, count(*), sum(o.minor)::bigint
		FROM trial_visitors v JOIN trial_orders o ON o.visitor = v.visitor AND o.placed_at >= v.met_at GROUP BY 1, 2, 3`)
	if err != nil {
		return nil, fmt.Errorf("figures of orders: %w", pg.AsFault(err))
	}
	var test, currency string
	var place int
	var orders, minor int64
	_, err = pgx.ForEachRow(rows, []any{&test, &place, &currency, &orders, &minor}, func() error {
		if f := at[fmt.Sprint(test, " ", place)]; f != nil { // else met between the two reads
			f.Orders += orders
			f.Revenue[money.Currency(currency)] += minor
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("figures of orders: %w", pg.AsFault(err))
	}
	return all, nil
}

// pruneSome is how many rows one statement forgets: what is done of a long backlog stays done.
const pruneSome = 5000

// prune forgets who met a test long ago, old orders, what was searched for long ago, and of a day that is over all but what was asked most.
func (s *Store) prune(ctx context.Context) error {
	for _, sql := range []string{
		`DELETE FROM trial_visitors WHERE ctid = ANY(ARRAY(SELECT ctid FROM trial_visitors WHERE met_at < now() - make_interval(days => $1) LIMIT $2))`,
		`DELETE FROM trial_orders WHERE ctid = ANY(ARRAY(SELECT ctid FROM trial_orders WHERE placed_at < now() - make_interval(days => $1) LIMIT $2))`,
	} {
		if err := s.inParts(ctx, sql, trialDays); err != nil {
			return err
		}
	}
	if err := s.inParts(ctx, `DELETE FROM queries WHERE ctid = ANY(ARRAY(SELECT ctid FROM queries WHERE day < current_date - $1::int LIMIT $2))`, queryDays); err != nil {
		return err
	}
	return s.inParts(ctx, `
		DELETE FROM queries WHERE ctid = ANY(ARRAY(
			SELECT ctid FROM queries WHERE day = current_date - 1 ORDER BY asked DESC, words OFFSET $1 LIMIT $2))`, dayQueries)
}

// inParts runs a statement until it finds nothing more.
func (s *Store) inParts(ctx context.Context, sql string, bound int) error {
	for {
		done, err := s.pool.Exec(ctx, sql, bound, pruneSome)
		if err != nil {
			return fmt.Errorf("prune: %w", pg.AsFault(err))
		}
		if done.RowsAffected() < pruneSome {
			return nil
		}
	}
}
