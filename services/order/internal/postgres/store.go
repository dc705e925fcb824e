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
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
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
	o.placed_at, o.captured_at, o.cancelled_at, o.created_at, o.updated_at`

// scan reads orderColumns, then what else the row has.
func scan(row pgx.Row, more ...any) (app.Record, error) {
	var r app.Record
	var currency money.Currency
	var outcome, snapshot, parts []byte
	var placed, captured, cancelled *time.Time
	err := row.Scan(append([]any{&r.ID, &r.Number, &r.CheckoutID, &r.CartID, &r.State, &r.MachineVersion, &r.Version, &r.Attempt, &currency,
		&r.Total.Minor, &r.Captured.Minor, &r.Returned.Minor, &outcome, &r.CancelReason, &r.AbandonRequested, &r.AccessToken, &snapshot, &parts,
		&placed, &captured, &cancelled, &r.CreatedAt, &r.UpdatedAt}, more...)...)
	if err != nil {
		return r, err
	}
	r.Total.Currency, r.Captured.Currency, r.Returned.Currency = currency, currency, currency
	r.PlacedAt, r.CapturedAt, r.CancelledAt = value(placed), value(captured), value(cancelled)
	return r, errors.Join(json.Unmarshal(outcome, &r.Outcome), json.Unmarshal(snapshot, &r.Snapshot), json.Unmarshal(parts, &r.Parts))
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

// saveSQL is a whole decision in one statement: the order under its version (or its making), the log entry, that of the audit log
// where staff asked for it, and the one live effect: kept, replaced or removed. Nothing of it happens when the version or the stamp has moved; then it returns no row.
const saveSQL = `
WITH seen AS (
	SELECT 1 WHERE $26::bigint = 0 OR EXISTS (SELECT FROM order_effects WHERE order_id = $1 AND stamp = $26)
), made AS (
	INSERT INTO orders (id, checkout_id, cart_id, customer_id, state, machine_version, version, attempt, currency, total, captured, returned,
		outcome, cancel_reason, abandon_requested, access_token, snapshot, parts, created_at, updated_at)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $22, $23 WHERE $24::bigint = 0
	ON CONFLICT (id) DO NOTHING
	RETURNING id, number
), moved AS (
	UPDATE orders SET state = $5, machine_version = $6, version = $7, attempt = $8, currency = $9, total = $10, captured = $11, returned = $12,
		outcome = $13, cancel_reason = $14, abandon_requested = $15, snapshot = $17, parts = $18,
		number = CASE WHEN number IS NULL AND $19::timestamptz IS NOT NULL
			THEN (SELECT 'SC-' || lpad(n, greatest(6, length(n)), '0') FROM (SELECT nextval('order_numbers')::text) AS next (n)) ELSE number END,
		placed_at = $19, captured_at = $20, cancelled_at = $21, updated_at = $23
	FROM seen WHERE id = $1 AND version = $24 AND $24 > 0
	RETURNING id, number
), done AS (
	SELECT id, number FROM made UNION ALL SELECT id, number FROM moved
), logged AS (
	INSERT INTO order_events (order_id, version, at, transition, event, from_state, to_state, attempt, actor, metadata)
	SELECT id, $7, $23, $27, $28, $29, $5, $8, $30, $31 FROM done
), audited AS (
	INSERT INTO audit_log (at, actor, action, entity, before, after)
	SELECT $23, $30, $28, 'order/' || id, jsonb_build_object('state', $29::text), $31::jsonb || jsonb_build_object('state', $5::text) FROM done WHERE $36::boolean
), removed AS (
	DELETE FROM order_effects WHERE order_id IN (SELECT id FROM done) AND $25::text = '' AND NOT $32::boolean
), scheduled AS (
	INSERT INTO order_effects AS e (order_id, kind, attempt, version, payment, due_at, lease_until, stamp, tries)
	SELECT id, $25, $8, $7, $33, $34, $35, 1, 0 FROM done WHERE $25 <> ''
	ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, attempt = excluded.attempt, version = excluded.version, payment = excluded.payment,
		due_at = excluded.due_at, lease_until = excluded.lease_until, stamp = e.stamp + 1, tries = 0
	RETURNING stamp
)
SELECT coalesce(number, ''), coalesce((SELECT stamp FROM scheduled), 0) FROM done`

// Save implements app.Store: one statement, or a transaction with the announcement.
func (s *Store) Save(ctx context.Context, c app.Change) (app.Record, *app.Lease, error) {
	args, err := saveArgs(c)
	if err != nil {
		return c.After, nil, err
	}
	after := c.After
	var stamp int64
	if c.Announce == order.Nothing {
		err = s.pool.QueryRow(ctx, saveSQL, args...).Scan(&after.Number, &stamp)
	} else {
		err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if err := tx.QueryRow(ctx, saveSQL, args...).Scan(&after.Number, &stamp); err != nil {
				return err
			}
			return s.box.Append(ctx, tx, announcement(c, after))
		})
	}
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

func saveArgs(c app.Change) ([]any, error) {
	r := c.After
	outcome, err1 := json.Marshal(r.Outcome)
	snapshot, err2 := json.Marshal(r.Snapshot)
	parts, err3 := json.Marshal(orEmpty(r.Parts))
	metadata, err4 := json.Marshal(c.Entry.Metadata)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, fmt.Errorf("encode order %s: %w", r.ID, err)
	}
	if c.Entry.Metadata == nil {
		metadata = []byte("{}")
	}
	var kind string
	var payment []byte
	due, lease := c.Entry.At, (*time.Time)(nil)
	if e := c.Effect; e != nil {
		kind = string(e.Kind)
		if e.After > 0 {
			due = due.Add(e.After)
		} else {
			until := due.Add(app.LeaseTime) // this replica performs it at once
			lease = &until
		}
		if e.Kind == order.Authorise {
			var err error
			if payment, err = json.Marshal(c.Payment); err != nil {
				return nil, fmt.Errorf("encode the means of payment of order %s: %w", r.ID, err)
			}
		}
	}
	return []any{r.ID, r.CheckoutID, r.CartID, r.Snapshot.CustomerID, string(r.State), r.MachineVersion, r.Version, r.Attempt, string(r.Total.Currency),
		r.Total.Minor, r.Captured.Minor, r.Returned.Minor, outcome, r.CancelReason, r.AbandonRequested, r.AccessToken, snapshot, parts,
		orNull(r.PlacedAt), orNull(r.CapturedAt), orNull(r.CancelledAt), r.CreatedAt, r.UpdatedAt, c.Seen, kind, c.Stamp,
		c.Entry.Transition, c.Entry.Event, c.Entry.From, c.Entry.Actor, metadata, c.Keep, payment, due, lease, c.Audit}, nil
}

func orEmpty(parts []app.Part) []app.Part {
	if parts == nil {
		return []app.Part{}
	}
	return parts
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
			RETURNING e.order_id, e.kind, e.version, e.payment, e.stamp, e.tries
		)
		SELECT `+orderColumns+`, t.kind, t.version, t.payment, t.stamp, t.tries FROM taken t JOIN orders o ON o.id = t.order_id`,
		now, n, now.Add(app.LeaseTime))
	if err != nil {
		return nil, pg.AsFault(err)
	}
	leases, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Lease, error) {
		l := app.Lease{Until: now.Add(app.LeaseTime)}
		var payment []byte
		var err error
		if l.Record, err = scan(row, &l.Kind, &l.Version, &payment, &l.Stamp, &l.Tries); err != nil {
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

// announcement is the event that tells the world.
func announcement(c app.Change, r app.Record) outbox.Event {
	ev := outbox.Event{Topic: orderapi.Topic, Subject: r.ID, Time: c.Entry.At}
	switch c.Announce {
	case order.AnnouncePlaced:
		ev.Type = orderapi.TypePlacedV1
		data := orderapi.PlacedV1{OrderID: r.ID, Number: r.Number, CheckoutID: r.CheckoutID, CartID: r.CartID, Attempt: r.Attempt,
			CustomerID: r.Snapshot.CustomerID, Country: r.Snapshot.ShippingAddress.Country, Promotions: r.Snapshot.Promotions, Totals: r.Snapshot.Totals, PlacedAt: r.PlacedAt}
		for _, l := range r.Snapshot.Lines {
			data.Lines = append(data.Lines, orderapi.LineV1{LineID: l.ID, SKU: l.SKU, ProductID: l.ProductID, Quantity: l.Quantity, Total: l.Total})
		}
		ev.Data = data
	case order.AnnounceFailed:
		ev.Type = orderapi.TypeAttemptFailedV1
		data := orderapi.AttemptFailedV1{OrderID: r.ID, CheckoutID: r.CheckoutID, CartID: r.CartID, Attempt: r.Attempt, Outcome: r.Outcome.Kind,
			DeclineCode: r.Outcome.DeclineCode, Retryable: r.Outcome.Retryable, At: c.Entry.At}
		for _, short := range r.Outcome.Shortages {
			data.Shortages = append(data.Shortages, orderapi.Shortage(short))
		}
		ev.Data = data
	case order.AnnounceConfirmed:
		ev.Type = orderapi.TypeConfirmedV1
		ev.Data = orderapi.ConfirmedV1{OrderID: r.ID, Number: r.Number, CheckoutID: r.CheckoutID, CartID: r.CartID, Captured: r.Captured, CapturedAt: r.CapturedAt}
	case order.AnnounceCancelled:
		ev.Type = orderapi.TypeCancelledV1
		ev.Data = orderapi.CancelledV1{OrderID: r.ID, Number: r.Number, CheckoutID: r.CheckoutID, CartID: r.CartID, Reason: r.CancelReason,
			Returned: r.Returned, CancelledAt: r.CancelledAt}
	}
	return ev
}
