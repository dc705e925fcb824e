// Package postgres keeps orders, their append-only log and their one live effect each. The database decides who won: every
// write is guarded by the version that was seen, and the constraints say once more what must never be.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that order's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, inbox.Migrations, idem.Migrations, {Name: "order", FS: own}}
}

// Store is order's database. It implements app.Store.
type Store struct {
	pool *pgxpool.Pool
	box  *outbox.Box
}

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store { return &Store{pool: pool, box: box} }

const orderColumns = `o.id, coalesce(o.number, ''), o.checkout_id, o.cart_id, o.state, o.machine_version, o.version, o.attempt, o.currency,
	o.total, o.captured, o.returned, o.outcome, o.cancel_reason, o.abandon_requested, o.access_token, o.snapshot, o.parts,
	o.placed_at, o.captured_at, o.cancelled_at, o.created_at, o.updated_at, o.review, o.unpaid, o.disputes,
	o.refunding, o.returned_before, o.refunds, o.edit, o.edit_number, o.proposed, o.reduced, o.owing, o.edits, o.invoiced`

// scan reads orderColumns, then what else the row has.
func scan(row pgx.Row, more ...any) (app.Record, error) {
	var r app.Record
	var currency money.Currency
	var outcome, snapshot, parts, disputes, refunds, edits []byte
	var placed, captured, cancelled *time.Time
	err := row.Scan(append([]any{&r.ID, &r.Number, &r.CheckoutID, &r.CartID, &r.State, &r.MachineVersion, &r.Version, &r.Attempt, &currency,
		&r.Total.Minor, &r.Captured.Minor, &r.Returned.Minor, &outcome, &r.CancelReason, &r.AbandonRequested, &r.AccessToken, &snapshot, &parts,
		&placed, &captured, &cancelled, &r.CreatedAt, &r.UpdatedAt, &r.Review, &r.Unpaid, &disputes, &r.Refunding.Minor,
		&r.ReturnedBefore.Minor, &refunds, &r.Edit, &r.EditNumber, &r.Proposed.Minor, &r.Reduced.Minor, &r.Owing.Minor, &edits, &r.Invoiced}, more...)...)
	if err != nil {
		return r, err
	}
	r.Total.Currency, r.Captured.Currency, r.Returned.Currency = currency, currency, currency
	r.Refunding.Currency, r.ReturnedBefore.Currency = currency, currency
	r.Proposed.Currency, r.Reduced.Currency, r.Owing.Currency = currency, currency, currency
	r.PlacedAt, r.CapturedAt, r.CancelledAt = value(placed), value(captured), value(cancelled)
	return r, errors.Join(json.Unmarshal(outcome, &r.Outcome), json.Unmarshal(snapshot, &r.Snapshot), json.Unmarshal(parts, &r.Parts),
		json.Unmarshal(disputes, &r.Disputes), json.Unmarshal(refunds, &r.Refunds), json.Unmarshal(edits, &r.Edits))
}

func value(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Load implements app.Store.
func (s *Store) Load(ctx context.Context, id string) (app.Record, error) {
	r, err := scan(s.pool.QueryRow(ctx, `SELECT `+orderColumns+` FROM orders o WHERE o.id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return r, app.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("load order %s: %w", id, pg.AsFault(err))
	}
	return r, nil
}

// Save implements app.Store: one statement.
func (s *Store) Save(ctx context.Context, c app.Change) (app.Record, *app.Lease, error) {
	after := c.After
	st, err := s.decision(ctx, c)
	if err != nil {
		return after, nil, fmt.Errorf("record order %s: %w", after.ID, err)
	}
	var stamp int64
	err = s.pool.QueryRow(ctx, st.text.String(), st.args...).Scan(&after.Number, &stamp)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return c.After, nil, app.ErrMoved
	case pg.Violates(err, "orders_cart_placed"):
		return c.After, nil, app.ErrCartTaken
	case pg.Violates(err, "orders_checkout"):
		return c.After, nil, s.taken(ctx, after.ID)
	case err != nil:
		return c.After, nil, pg.AsFault(err)
	}
	st.done()
	if c.Effect == nil || c.Effect.After > 0 {
		return after, nil, nil
	}
	return after, &app.Lease{Record: after, Kind: c.Effect.Kind, Version: after.Version, Stamp: stamp, Payment: c.Payment,
		Until: c.Entry.At.Add(app.LeaseTime)}, nil
}

// taken tells whose the order of a checkout is. Two who make one order at once meet at either of its unique indexes.
func (s *Store) taken(ctx context.Context, id string) error {
	var same bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM orders WHERE id = $1)`, id).Scan(&same)
	switch {
	case err != nil:
		return pg.AsFault(err)
	case same:
		return app.ErrMoved
	}
	return app.ErrCheckoutTaken
}

// Take implements app.Store. Replicas take different rows: SKIP LOCKED.
func (s *Store) Take(ctx context.Context, now time.Time, n int) ([]app.Lease, error) {
	rows, err := s.pool.Query(ctx, `
		WITH due AS (
			SELECT order_id FROM order_effects WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
			ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
		), taken AS (
			UPDATE order_effects e SET lease_until = $3, stamp = e.stamp + 1, tries = e.tries + 1
			FROM due WHERE e.order_id = due.order_id
			RETURNING e.order_id, e.kind, e.version, e.payment, e.portion, e.stamp, e.tries
		)
		SELECT `+orderColumns+`, t.kind, t.version, t.payment, t.portion, t.stamp, t.tries FROM taken t JOIN orders o ON o.id = t.order_id`,
		now, n, now.Add(app.LeaseTime))
	if err != nil {
		return nil, pg.AsFault(err)
	}
	leases, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Lease, error) {
		l := app.Lease{Until: now.Add(app.LeaseTime)}
		var payment []byte
		var err error
		if l.Record, err = scan(row, &l.Kind, &l.Version, &payment, &l.Portion, &l.Stamp, &l.Tries); err != nil {
			return l, err
		}
		if payment != nil {
			err = json.Unmarshal(payment, &l.Payment)
		}
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("take due effects: %w", pg.AsFault(err))
	}
	return leases, nil
}

// Postpone implements app.Store.
func (s *Store) Postpone(ctx context.Context, l app.Lease, due time.Time) error {
	_, err := s.pool.Exec(ctx, `UPDATE order_effects SET due_at = $3, lease_until = NULL WHERE order_id = $1 AND stamp = $2`, l.Record.ID, l.Stamp, due)
	if err != nil {
		return fmt.Errorf("postpone %s of order %s: %w", l.Kind, l.Record.ID, pg.AsFault(err))
	}
	return nil
}

// Pin implements app.Store.
func (s *Store) Pin(ctx context.Context, l app.Lease, p app.Portion) error {
	tag, err := s.pool.Exec(ctx, `UPDATE order_effects SET portion = $3 WHERE order_id = $1 AND stamp = $2`, l.Record.ID, l.Stamp, encoded(p))
	switch {
	case err != nil:
		return fmt.Errorf("pin the refund of order %s: %w", l.Record.ID, pg.AsFault(err))
	case tag.RowsAffected() == 0:
		return app.ErrMoved
	}
	return nil
}

// Log implements app.Store.
func (s *Store) Log(ctx context.Context, id string) ([]app.Entry, error) {
	rows, err := s.pool.Query(ctx, `SELECT version, at, transition, event, from_state, to_state, attempt, actor, metadata
		FROM order_events WHERE order_id = $1 ORDER BY version`, id)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Entry, error) {
		var e app.Entry
		err := row.Scan(&e.Version, &e.At, &e.Transition, &e.Event, &e.From, &e.To, &e.Attempt, &e.Actor, &e.Metadata)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("log of order %s: %w", id, pg.AsFault(err))
	}
	return entries, nil
}
