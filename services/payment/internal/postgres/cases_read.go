package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// DisputeFilter narrows Disputes; empty fields match all. After and AfterID are the last dispute of the page before.
type DisputeFilter struct {
	Status, PaymentID, OrderID string
	After                      time.Time
	AfterID                    string
	Limit                      int
}

// Disputes returns disputes, the youngest first.
func (s *Store) Disputes(ctx context.Context, f DisputeFilter) ([]payment.Dispute, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+disputeColumns+` FROM disputes d LEFT JOIN payments p ON p.id = d.payment_id
		WHERE ($1 = '' OR d.status = $1) AND ($2 = '' OR d.payment_id = $2) AND ($3 = '' OR p.order_id = $3)
		AND ($4::timestamptz IS NULL OR (d.opened_at, d.id) < ($4, $5)) ORDER BY d.opened_at DESC, d.id DESC LIMIT $6`,
		f.Status, f.PaymentID, f.OrderID, at(f.After), f.AfterID, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("disputes: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (payment.Dispute, error) { return scanDispute(row) })
	if err != nil {
		return nil, fmt.Errorf("disputes: %w", pg.AsFault(err))
	}
	return all, nil
}

// DisputeEvent is an entry of the log of a dispute.
type DisputeEvent struct {
	Type, Actor, Detail string
	Amount, Won         money.Amount
	At, RecordedAt      time.Time
}

// DisputeLog returns what was heard and done about a dispute, in the order in which it came.
func (s *Store) DisputeLog(ctx context.Context, id string) ([]DisputeEvent, error) {
	rows, err := s.pool.Query(ctx, `SELECT type, actor, detail, amount, won, currency, at, recorded_at FROM dispute_events WHERE dispute_id = $1 ORDER BY recorded_at, at, source`, id)
	if err != nil {
		return nil, fmt.Errorf("log of dispute %s: %w", id, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e DisputeEvent, err error) {
		var c money.Currency
		err = row.Scan(&e.Type, &e.Actor, &e.Detail, &e.Amount.Minor, &e.Won.Minor, &c, &e.At, &e.RecordedAt)
		e.Amount.Currency, e.Won.Currency = c, c
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("log of dispute %s: %w", id, pg.AsFault(err))
	}
	return all, nil
}

// DisputeActs returns what staff did about a dispute, oldest first.
func (s *Store) DisputeActs(ctx context.Context, id string) ([]app.ActRecord, error) {
	rows, err := s.pool.Query(ctx, `SELECT operation_id, dispute_id, kind, content, category, actor, result, code, message, created_at
		FROM dispute_acts WHERE dispute_id = $1 ORDER BY created_at, operation_id`, id)
	if err != nil {
		return nil, fmt.Errorf("acts of dispute %s: %w", id, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r app.ActRecord, err error) {
		err = row.Scan(&r.OperationID, &r.DisputeID, &r.Kind, &r.Evidence.Text, &r.Evidence.Category, &r.Actor, &r.Result, &r.Code, &r.Message, &r.CreatedAt)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("acts of dispute %s: %w", id, pg.AsFault(err))
	}
	return all, nil
}

// Received is a disbursement with when we heard of it.
type Received struct {
	payment.Disbursement
	At time.Time
}

// Disbursements returns disbursements, the latest heard of first. Failed: only those that failed.
func (s *Store) Disbursements(ctx context.Context, failed bool, after time.Time, afterID string, limit int) ([]Received, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, account, currency, amount, day, success, retry, exception, follow_up, transaction_ids, notified_at, received_at
		FROM disbursements WHERE (NOT $1 OR NOT success) AND ($2::timestamptz IS NULL OR (received_at, id) < ($2, $3)) ORDER BY received_at DESC, id DESC LIMIT $4`,
		failed, at(after), afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("disbursements: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Received, err error) {
		var day *time.Time
		err = row.Scan(&d.ID, &d.Account, &d.Amount.Currency, &d.Amount.Minor, &day, &d.Success, &d.Retry, &d.Exception, &d.FollowUp, &d.TransactionIDs, &d.NotifiedAt, &d.At)
		d.Day = orZero(day)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("disbursements: %w", pg.AsFault(err))
	}
	return all, nil
}
