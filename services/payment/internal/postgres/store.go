// Package postgres keeps payments, their append-only events and the operations. The version of a payment and the stamp of an
// operation's lease decide who won; what the core promises stands again as constraints, whose names the code matches on.
package postgres

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that payment's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, {Name: "payment", FS: own}}
}

// Store is payment's database. It implements app.Store.
type Store struct {
	pool *pgxpool.Pool
	box  *outbox.Box
}

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store { return &Store{pool: pool, box: box} }

// Begin implements app.Store.
func (s *Store) Begin(ctx context.Context, st app.Start, now time.Time) (app.Begun, error) {
	if st.New != nil && st.Credit != nil {
		return s.openWithCredit(ctx, st, now)
	}
	if st.New != nil && st.Promise != nil {
		var out app.Begun
		err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) (err error) {
			out, err = s.openPromise(ctx, tx, st, st.Amount.Minor, func() (app.Begun, error) { return s.open(ctx, tx, st, now) })
			return err
		})
		return out, err
	}
	if st.New != nil {
		return s.open(ctx, s.pool, st, now)
	}
	if st.Kind == payment.Capture && !st.Whole && !st.More && st.Actor == "" {
		if out, began, err := s.capture(ctx, st, now); began || err != nil {
			return out, err
		}
	}
	var out app.Begun
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var err error
		out, err = s.begin(ctx, tx, st, now)
		return err
	})
	return out, err
}

// openSQL makes a payment, its first operation and its first event in one statement; nothing when the payment is there.
const openSQL = `
WITH p AS (
	INSERT INTO payments (id, order_id, attempt, provider, account, currency, amount, status, authorised, captured, refunded,
		transaction_id, live_operation, version, created_at, updated_at, credit, customer_id, channel, like_payment)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, '', $9, 1, $10, $10, $13, $14, $15, $16)
	ON CONFLICT DO NOTHING RETURNING id
), o AS (
	INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, reason, actor, created_at, sent_at, due_at, lease_until, stamp, tries, credit)
	SELECT $9, id, 'authorise', $6, $7, 'pending', 0, '', '', $10, $10, $11, $11, 1, 0, $13 FROM p RETURNING operation_id
)
INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, transaction_id, code, detail, at, credit)
SELECT p.id, 1, $12, o.operation_id, $6, $7, '', '', '', $10, $13 FROM p, o`

// open begins an authorisation in one statement.
func (s *Store) open(ctx context.Context, q pg.Querier, st app.Start, now time.Time) (app.Begun, error) {
	p, err := st.New.Apply(payment.Event{Version: 1, Type: payment.AuthoriseRequested, OperationID: st.ID, Amount: st.Amount, Credit: st.Record.Credit, At: now})
	if err != nil {
		return app.Begun{}, err
	}
	until := now.Add(app.LeaseTime)
	tag, err := q.Exec(ctx, openSQL, p.ID, p.OrderID, p.Attempt, p.Provider, p.Account, string(p.Amount.Currency), p.Amount.Minor, string(p.Status),
		st.ID, now, until, string(payment.AuthoriseRequested), p.Credit.Minor, p.CustomerID, p.Channel, p.Like)
	switch {
	case pg.Violates(err, "payment_operations_once"):
		return app.Begun{}, app.ErrReused
	case err != nil:
		return app.Begun{}, fmt.Errorf("open payment %s: %w", p.ID, pg.AsFault(err))
	case tag.RowsAffected() == 0:
		out, err := s.again(ctx, q, st, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return out, app.ErrExists
		}
		return out, pg.AsFault(err)
	}
	return app.Begun{Fresh: true, Mine: true, Lease: app.Lease{Payment: p, Record: fresh(st, p.Amount, p.Credit, now, 1)}}, nil
}

func fresh(st app.Start, amount, credit money.Amount, now time.Time, stamp int64) app.Record {
	r := st.Record
	r.Credit = credit
	r.Amount, r.SentAt, r.CreatedAt, r.Stamp = amount, now, now, stamp
	r.DueAt = now.Add(app.LeaseTime)
	r.Outcome = payment.Outcome{Result: payment.StillUnknown, Amount: amount}
	return r
}

// captureSQL begins what every order does: the capture of all that is authorised, on a payment with nothing else under way and without credit. It is
// the one case of payment.Decide that is written down twice, for the sake of one statement; all others, and the same operation
// again, find no row and are decided upon under a lock.
const captureSQL = `
WITH p AS (
	UPDATE payments AS p SET live_operation = $2, version = p.version + 1, updated_at = $5
	WHERE p.id = $1 AND p.status = 'authorised' AND p.live_operation = '' AND p.review IN ('', 'approved') AND p.authorised = $3 AND p.currency = $4 AND p.credit = 0 AND NOT p.split
		AND NOT EXISTS (SELECT FROM payment_operations WHERE operation_id = $2)
	RETURNING p.*
), o AS (
	INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, reason, actor, created_at, sent_at, due_at, lease_until, stamp, tries)
	SELECT $2, id, 'capture', $4, $3, 'pending', $3, $7, '', $5, $5, $6, $6, 1, 0 FROM p
), e AS (
	INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, transaction_id, code, detail, at)
	SELECT id, version, 'capture_requested', $2, $4, $3, '', '', $7, $5 FROM p
)
SELECT ` + paymentColumns + ` FROM p`

// capture begins the capture of a whole payment in one statement; began is false when that is not what there is to do.
func (s *Store) capture(ctx context.Context, st app.Start, now time.Time) (out app.Begun, began bool, err error) {
	p, err := scanPayment(s.pool.QueryRow(ctx, captureSQL, st.PaymentID, st.ID, st.Amount.Minor, string(st.Amount.Currency), now, now.Add(app.LeaseTime), st.Reason))
	switch {
	case errors.Is(err, pgx.ErrNoRows), pg.Violates(err, "payment_operations_once"):
		return out, false, nil
	case err != nil:
		return out, false, fmt.Errorf("begin operation %s: %w", st.ID, pg.AsFault(err))
	}
	return app.Begun{Fresh: true, Mine: true, Lease: app.Lease{Payment: p, Record: fresh(st, st.Amount, p.Credit, now, 1)}}, true, nil
}

// begin makes an operation on a payment that is there, under the lock of its row.
func (s *Store) begin(ctx context.Context, tx *pg.Tx, st app.Start, now time.Time) (app.Begun, error) {
	p, out, err := s.read(ctx, tx, st, now)
	if !errors.Is(err, pgx.ErrNoRows) {
		return out, err
	}
	amount := &st.Amount
	if st.Whole {
		amount = nil
	}
	plan, err := payment.Decide(p, st.Kind, amount, st.More)
	if err != nil {
		return app.Begun{Lease: app.Lease{Payment: p}}, err
	}
	if st.ToCredit && plan.Outcome == nil {
		plan.Outcome, plan.More = payment.Convertible(p, plan), p.Status == payment.StatusPartly // the gateway is not asked to let the rest go either
	}
	r := fresh(st, plan.Amount, plan.Credit, now, 1)
	r.More = plan.More
	out = app.Begun{Fresh: true, Mine: true, Lease: app.Lease{Record: r, Payment: p}}
	var batch pgx.Batch
	if plan.Outcome != nil {
		out.Outcome, out.AnsweredAt, out.SentAt, out.DueAt = *plan.Outcome, now, time.Time{}, time.Time{}
	} else if err := s.request(&batch, &out, now); err != nil {
		return out, err
	}
	queueOperation(&batch, out.Record)
	if r.Actor != "" {
		queueAudit(&batch, p, r, now)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		if pg.Violates(err, "payment_operations_once") { // of another payment
			return out, app.ErrReused
		}
		return out, fmt.Errorf("begin operation %s: %w", st.ID, err)
	}
	return out, nil
}

// request queues the event that an operation is asked for.
func (s *Store) request(batch *pgx.Batch, out *app.Begun, now time.Time) (err error) {
	types := map[payment.Kind]payment.EventType{payment.Capture: payment.CaptureRequested, payment.Void: payment.VoidRequested, payment.Refund: payment.RefundRequested}
	e := payment.Event{Version: out.Payment.Version + 1, Type: types[out.Kind], OperationID: out.ID, Amount: out.Amount, Credit: out.Credit, More: out.More, Detail: out.Reason, At: now}
	if out.Payment, err = out.Payment.Apply(e); err != nil {
		return err
	}
	queueEvent(batch, out.PaymentID, e)
	batch.Queue(`UPDATE payments SET live_operation = $2, version = $3, updated_at = $4, split = $5 WHERE id = $1`, out.PaymentID, out.Payment.Live, out.Payment.Version, now, out.Payment.Split)
	return nil
}

func queueEvent(batch *pgx.Batch, paymentID string, e payment.Event) {
	batch.Queue(`INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, transaction_id, code, detail, at, credit, more)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, // what is checked and reviewed comes with an answer alone
		paymentID, e.Version, string(e.Type), e.OperationID, string(e.Amount.Currency), e.Amount.Minor, e.TransactionID, e.Code, e.Detail, e.At, e.Credit.Minor, e.More)
}

func queueOperation(batch *pgx.Batch, r app.Record) {
	var lease time.Time
	if r.AnsweredAt.IsZero() {
		lease = r.DueAt
	}
	batch.Queue(`
		INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, transaction_id, code, retryable, message,
			reason, actor, request_hash, created_at, answered_at, sent_at, due_at, lease_until, stamp, tries, credit, more, to_credit, credit_expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, 0, $20, $21, $22, $23)`,
		r.ID, r.PaymentID, string(r.Kind), string(r.Amount.Currency), r.Amount.Minor, string(r.Outcome.Result), r.Outcome.Amount.Minor, r.Outcome.TransactionID,
		r.Outcome.Code, r.Outcome.Retryable, r.Outcome.Message, r.Reason, r.Actor, r.Hash, r.CreatedAt, at(r.AnsweredAt), at(r.SentAt), at(r.DueAt), at(lease), r.Credit.Minor, r.More, r.ToCredit, at(r.Expires))
}

// at writes the zero time as NULL.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const leaseSQL = `
WITH mine AS (
	UPDATE payment_operations SET lease_until = $3, stamp = stamp + 1
	WHERE operation_id = $1 AND payment_id = $4 AND result = 'pending' AND (lease_until IS NULL OR lease_until <= $2)
	RETURNING *
), o AS (
	SELECT *, true AS mine FROM mine
	UNION ALL
	SELECT *, false FROM payment_operations WHERE operation_id = $1 AND NOT EXISTS (SELECT FROM mine)
)
SELECT ` + operationColumns + `, o.mine, ` + paymentColumns + ` FROM o JOIN payments p ON p.id = o.payment_id`

// again finds an operation that was begun before, leased to the caller if it is free; pgx.ErrNoRows when there is none.
func (s *Store) again(ctx context.Context, q pg.Querier, st app.Start, now time.Time) (app.Begun, error) {
	return scanBegun(q.QueryRow(ctx, leaseSQL, st.ID, now, now.Add(app.LeaseTime), st.PaymentID), st)
}

// read locks the payment and does what again does, in one round trip.
func (s *Store) read(ctx context.Context, tx *pg.Tx, st app.Start, now time.Time) (p payment.Payment, out app.Begun, err error) {
	var batch pgx.Batch
	batch.Queue(`SELECT `+paymentColumns+` FROM payments p WHERE p.id = $1 FOR UPDATE`, st.PaymentID)
	batch.Queue(leaseSQL, st.ID, now, now.Add(app.LeaseTime), st.PaymentID)
	results := tx.SendBatch(ctx, &batch)
	defer func() {
		if closeErr := results.Close(); err == nil {
			err = closeErr
		}
	}()
	p, err = scanPayment(results.QueryRow())
	if errors.Is(err, pgx.ErrNoRows) {
		return p, out, app.ErrNotFound
	}
	if err != nil {
		return p, out, fmt.Errorf("payment %s: %w", st.PaymentID, err)
	}
	out, err = scanBegun(results.QueryRow(), st)
	return p, out, err
}

func scanBegun(r pgx.Row, st app.Start) (app.Begun, error) {
	var out app.Begun
	var row leaseRow
	if err := r.Scan(append(append(row.operation(), &out.Mine), row.paymentFields()...)...); err != nil {
		return out, err
	}
	out.Lease = row.lease()
	same := out.PaymentID == st.PaymentID && out.Kind == st.Kind && (st.Whole || st.Amount == out.Amount || st.Kind == payment.Void) && (st.More || !out.More || st.Kind != payment.Capture) && st.ToCredit == out.ToCredit && (st.New == nil || st.New.Like == out.Payment.Like) && bytes.Equal(out.Hash, st.Hash)
	if !same {
		return out, app.ErrReused
	}
	return out, nil
}
