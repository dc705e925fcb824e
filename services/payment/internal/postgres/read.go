package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func (s *Store) payments(ctx context.Context, where string, args ...any) ([]payment.Payment, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+paymentColumns+` FROM payments p `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (payment.Payment, error) { return scanPayment(row) })
	if err != nil {
		return nil, fmt.Errorf("payments: %w", pg.AsFault(err))
	}
	return all, nil
}

// Payment returns a payment, or app.ErrNotFound.
func (s *Store) Payment(ctx context.Context, id string) (payment.Payment, error) {
	p, err := scanPayment(s.pool.QueryRow(ctx, `SELECT `+paymentColumns+` FROM payments p WHERE p.id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return p, app.ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("payment %s: %w", id, pg.AsFault(err))
	}
	return p, nil
}

// ByOrder returns the payments of an order by attempt.
func (s *Store) ByOrder(ctx context.Context, orderID string) ([]payment.Payment, error) {
	return s.payments(ctx, `WHERE p.order_id = $1 ORDER BY p.attempt`, orderID)
}

// openAtOnce bounds each part of Open; openCaptures is how far back it looks for captured money.
const (
	openAtOnce   = 500
	openCaptures = 24 * time.Hour
)

// Open returns the payments whose money is still there and that have not changed since: all that are authorised, oldest first,
// but for what people have time to decide about, which ends by itself; then what was captured in the last day, then what credit paid where the bank did not, youngest first, so that a new one is seen
// however many there are.
func (s *Store) Open(ctx context.Context, now, unchangedSince time.Time) ([]payment.Payment, error) {
	authorised, err := s.payments(ctx, `WHERE p.status = 'authorised' AND p.updated_at <= $1 AND (p.review <> 'pending' OR p.review_until <= $2)
		ORDER BY p.updated_at LIMIT $3`, unchangedSince, now, openAtOnce)
	if err != nil {
		return nil, err
	}
	captured, err := s.payments(ctx, `WHERE p.status IN ('partially_captured', 'captured') AND p.updated_at BETWEEN $1 AND $2 ORDER BY p.updated_at DESC LIMIT $3`,
		now.Add(-openCaptures), unchangedSince, openAtOnce)
	if err != nil {
		return nil, err
	}
	unpaid, err := s.payments(ctx, `WHERE p.status = 'settlement_declined' AND p.captured > 0 AND p.updated_at <= $1 ORDER BY p.updated_at DESC LIMIT $2`, unchangedSince, openAtOnce)
	return slices.Concat(authorised, captured, unpaid), err
}

// Superseded implements app.Store.
func (s *Store) Superseded(ctx context.Context, orderID string, n int) ([]payment.Payment, error) {
	return s.payments(ctx, `WHERE p.status = 'authorised' AND p.live_operation = '' AND p.like_payment = '' AND ($1 = '' OR p.order_id = $1) AND EXISTS
		(SELECT FROM payments q WHERE q.order_id = p.order_id AND q.attempt > p.attempt AND q.like_payment = '' AND q.status IN ('authorised', 'partially_captured', 'captured')) ORDER BY p.updated_at LIMIT $2`, orderID, n)
}

// Filter narrows List; empty fields match all. After and AfterID are the last payment of the page before.
type Filter struct {
	Status, OrderID, Currency string
	Review                    string
	After                     time.Time
	AfterID                   string
	Limit                     int
}

// List returns payments, the youngest first.
func (s *Store) List(ctx context.Context, f Filter) ([]payment.Payment, error) {
	return s.payments(ctx, `WHERE ($1 = '' OR p.status = $1) AND ($2 = '' OR p.order_id = $2) AND ($3 = '' OR p.currency = $3)
		AND ($4::timestamptz IS NULL OR (p.created_at, p.id) < ($4, $5)) AND ($7 = '' OR p.review = $7) ORDER BY p.created_at DESC, p.id DESC LIMIT $6`,
		f.Status, f.OrderID, f.Currency, at(f.After), f.AfterID, f.Limit, f.Review)
}

// Events returns the log of a payment in order, or app.ErrNotFound.
func (s *Store) Events(ctx context.Context, paymentID string) ([]payment.Event, error) {
	rows, err := s.pool.Query(ctx, `SELECT version, type, operation_id, currency, amount, transaction_id, code, detail, at, checks, review_until, credit, converted, more, parts
		FROM payment_events WHERE payment_id = $1 ORDER BY version`, paymentID)
	if err != nil {
		return nil, fmt.Errorf("events of payment %s: %w", paymentID, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e payment.Event, err error) {
		var c money.Currency
		var checks *checksRow
		var parts []changeRow
		var until *time.Time
		err = row.Scan(&e.Version, &e.Type, &e.OperationID, &c, &e.Amount.Minor, &e.TransactionID, &e.Code, &e.Detail, &e.At, &checks, &until, &e.Credit.Minor, &e.Converted.Minor, &e.More, &parts)
		if e.Converted.Minor > 0 {
			e.Converted.Currency = c
		}
		e.Amount.Currency, e.Credit.Currency, e.Checks, e.ReviewUntil, e.Parts = c, c, checks.value(), orZero(until), changesFrom(parts)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("events of payment %s: %w", paymentID, pg.AsFault(err))
	}
	if len(all) == 0 {
		return nil, app.ErrNotFound
	}
	return all, nil
}
