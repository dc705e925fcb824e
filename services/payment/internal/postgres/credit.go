package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

const creditColumns = `c.id, c.kind, c.code_end, c.customer_id, c.currency, c.balance, c.held, c.expires_at, c.version, c.created_at, c.updated_at`

func scanCredit(row pgx.Row, more ...any) (payment.Credit, error) {
	var c payment.Credit
	var currency money.Currency
	var expires *time.Time
	err := row.Scan(append([]any{&c.ID, &c.Kind, &c.CodeEnd, &c.CustomerID, &currency, &c.Balance.Minor, &c.Held.Minor, &expires, &c.Version, &c.CreatedAt, &c.UpdatedAt}, more...)...)
	c.Balance.Currency, c.Held.Currency, c.ExpiresAt = currency, currency, orZero(expires)
	return c, err
}

func (s *Store) credits(ctx context.Context, q pg.Querier, where string, args ...any) ([]payment.Credit, error) {
	rows, err := q.Query(ctx, `SELECT `+creditColumns+` FROM credits c `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("credits: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (payment.Credit, error) { return scanCredit(row) })
	if err != nil {
		return nil, fmt.Errorf("credits: %w", pg.AsFault(err))
	}
	return all, nil
}

// queueEntry writes an entry and what it made of the credit, whose row is locked.
func queueEntry(batch *pgx.Batch, after payment.Credit, e payment.Entry) {
	batch.Queue(`UPDATE credits SET balance = $2, held = $3, expires_at = $4, version = $5, updated_at = $6 WHERE id = $1`,
		after.ID, after.Balance.Minor, after.Held.Minor, at(after.ExpiresAt), after.Version, e.At)
	queueLedger(batch, e)
}

func queueLedger(batch *pgx.Batch, e payment.Entry) {
	batch.Queue(`INSERT INTO credit_ledger (credit_id, version, type, operation_id, payment_id, currency, amount, held, balance, reason, actor, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.CreditID, e.Version, string(e.Type), e.OperationID, e.PaymentID, string(e.Amount.Currency), e.Amount.Minor, e.Held.Minor, e.Balance.Minor, e.Reason, e.Actor, e.At)
}

func queueCreditAudit(batch *pgx.Batch, actor, action, id string, after map[string]any, now time.Time) {
	batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, after) VALUES ($1, $2, $3, $4, $5)`, now, actor, "credit_"+action, "credit/"+id, encode(after))
}

// Issue implements app.CreditStore.
func (s *Store) Issue(ctx context.Context, i app.Issue, code app.CodeOf, now time.Time) (c payment.Credit, replayed bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		c, replayed, err = issueCredit(ctx, tx, i, i.ID, "", code, now)
		return err
	})
	if err != nil {
		return c, false, fmt.Errorf("issue credit %s: %w", i.ID, pg.AsFault(err))
	}
	return c, replayed, nil
}

// issueCredit makes a credit with its first entry, of an operation and perhaps of a payment that was refunded as it.
func issueCredit(ctx context.Context, tx *pg.Tx, i app.Issue, operation, paymentID string, code app.CodeOf, now time.Time) (c payment.Credit, replayed bool, err error) {
	zero := money.Zero(i.Amount.Currency)
	kind := payment.GiftCard
	if i.CustomerID != "" {
		kind = payment.StoreCredit
	}
	c, e, err := payment.Credit{ID: i.ID, Kind: kind, CodeEnd: code.End, CustomerID: i.CustomerID, Balance: zero, Held: zero, ExpiresAt: i.ExpiresAt, CreatedAt: now}.
		Move(payment.CreditIssued, i.Amount, now)
	if err != nil {
		return c, false, err
	}
	e.OperationID, e.PaymentID, e.Reason, e.Actor = operation, paymentID, i.Reason, i.Actor
	tag, err := tx.Exec(ctx, `INSERT INTO credits (id, kind, code_hash, code_end, customer_id, currency, balance, held, expires_at, request_hash, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $11) ON CONFLICT (id) DO NOTHING`,
		c.ID, string(c.Kind), code.Hash, c.CodeEnd, c.CustomerID, string(zero.Currency), c.Balance.Minor, at(c.ExpiresAt), i.Hash, c.Version, now)
	if err != nil {
		return c, false, err
	}
	if tag.RowsAffected() == 0 {
		var hash []byte
		if c, err = scanCredit(tx.QueryRow(ctx, `SELECT `+creditColumns+`, c.request_hash FROM credits c WHERE c.id = $1`, i.ID), &hash); err == nil && !bytes.Equal(hash, i.Hash) {
			return c, true, app.ErrReused
		}
		return c, true, err
	}
	var batch pgx.Batch
	queueLedger(&batch, e)
	queueCreditAudit(&batch, i.Actor, "issue", c.ID, map[string]any{"amount": i.Amount, "customer_id": i.CustomerID, "reason": i.Reason}, now)
	return c, false, tx.SendBatch(ctx, &batch).Close()
}

// locked reads a credit and keeps others from changing it.
func locked(ctx context.Context, tx *pg.Tx, id string) (payment.Credit, error) {
	c, err := scanCredit(tx.QueryRow(ctx, `SELECT `+creditColumns+` FROM credits c WHERE c.id = $1 FOR UPDATE`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return c, app.ErrNoCredit
	}
	return c, err
}

// Adjust implements app.CreditStore.
func (s *Store) Adjust(ctx context.Context, m app.Adjustment, now time.Time) (c payment.Credit, replayed bool, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var err error
		if c, err = locked(ctx, tx, m.CreditID); err != nil {
			return err
		}
		var before money.Amount
		var reason string
		err = tx.QueryRow(ctx, `SELECT currency, amount, reason FROM credit_ledger WHERE credit_id = $1 AND operation_id = $2 AND type = 'adjusted'`, m.CreditID, m.OperationID).
			Scan(&before.Currency, &before.Minor, &reason)
		switch {
		case err == nil && (before != m.Amount || reason != m.Reason):
			return app.ErrReused
		case err == nil:
			replayed = true
			return nil
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		case m.Amount.Currency != c.Balance.Currency:
			return app.ErrCurrency.WithMessage("The credit is in %s.", c.Balance.Currency)
		}
		after, e, err := c.Move(payment.CreditAdjusted, m.Amount, now)
		if err != nil {
			return err
		}
		e.OperationID, e.Reason, e.Actor = m.OperationID, m.Reason, m.Actor
		var batch pgx.Batch
		queueEntry(&batch, after, e)
		queueCreditAudit(&batch, m.Actor, "adjust", c.ID, map[string]any{"amount": m.Amount, "balance": after.Balance, "reason": m.Reason}, now)
		c = after
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return c, false, fmt.Errorf("adjust credit %s: %w", m.CreditID, pg.AsFault(err))
	}
	return c, replayed, nil
}

// ReplaceCode implements app.CreditStore.
func (s *Store) ReplaceCode(ctx context.Context, id string, code app.CodeOf, actor string, now time.Time) (c payment.Credit, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var err error
		c, err = scanCredit(tx.QueryRow(ctx, `UPDATE credits c SET code_hash = $2, code_end = $3, updated_at = $4 WHERE c.id = $1 AND c.kind = 'gift_card' RETURNING `+creditColumns,
			id, code.Hash, code.End, now))
		if errors.Is(err, pgx.ErrNoRows) {
			return app.ErrNoCredit
		}
		if err != nil {
			return err
		}
		var batch pgx.Batch
		queueCreditAudit(&batch, actor, "replace_code", id, map[string]any{"code_end": code.End}, now)
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return c, fmt.Errorf("code of credit %s: %w", id, pg.AsFault(err))
	}
	return c, nil
}

// ByCode implements app.CreditStore.
func (s *Store) ByCode(ctx context.Context, hash []byte) (payment.Credit, error) {
	c, err := scanCredit(s.pool.QueryRow(ctx, `SELECT `+creditColumns+` FROM credits c WHERE c.code_hash = $1`, hash))
	if errors.Is(err, pgx.ErrNoRows) {
		return c, app.ErrNoCard
	}
	if err != nil {
		return c, fmt.Errorf("gift card: %w", pg.AsFault(err))
	}
	return c, nil
}

// ofCustomer orders what a customer has as it is spent.
const ofCustomer = `WHERE c.customer_id = $1 AND c.kind = 'store_credit' AND c.balance > 0 ORDER BY c.expires_at NULLS LAST, c.created_at, c.id`

// OfCustomer implements app.CreditStore.
func (s *Store) OfCustomer(ctx context.Context, customerID string) ([]payment.Credit, error) {
	return s.credits(ctx, s.pool, ofCustomer, customerID)
}

// Expire implements app.CreditStore.
func (s *Store) Expire(ctx context.Context, now time.Time, n int) (expired int, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		all, err := s.credits(ctx, tx, `WHERE c.expires_at <= $1 AND c.balance > 0 ORDER BY c.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED`, now, n)
		if err != nil || len(all) == 0 {
			expired = 0
			return err
		}
		var batch pgx.Batch
		for _, c := range all {
			after, e, err := c.Move(payment.CreditExpired, c.Balance, now)
			if err != nil {
				return err
			}
			e.OperationID = fmt.Sprintf("expire-%d", e.Version)
			queueEntry(&batch, after, e)
		}
		expired = len(all)
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("expire credits: %w", pg.AsFault(err))
	}
	return expired, nil
}

// CreditFilter narrows Credits; empty fields match all. After and AfterID are the last credit of the page before.
type CreditFilter struct {
	Kind, CustomerID, Currency string
	After                      time.Time
	AfterID                    string
	Limit                      int
}

// Credits returns gift cards and store credit, the youngest first.
func (s *Store) Credits(ctx context.Context, f CreditFilter) ([]payment.Credit, error) {
	return s.credits(ctx, s.pool, `WHERE ($1 = '' OR c.kind = $1) AND ($2 = '' OR c.customer_id = $2) AND ($3 = '' OR c.currency = $3)
		AND ($4::timestamptz IS NULL OR (c.created_at, c.id) < ($4, $5)) ORDER BY c.created_at DESC, c.id DESC LIMIT $6`,
		f.Kind, f.CustomerID, f.Currency, at(f.After), f.AfterID, f.Limit)
}

// Credit returns a credit, or app.ErrNoCredit.
func (s *Store) Credit(ctx context.Context, id string) (payment.Credit, error) {
	c, err := scanCredit(s.pool.QueryRow(ctx, `SELECT `+creditColumns+` FROM credits c WHERE c.id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return c, app.ErrNoCredit
	}
	if err != nil {
		return c, fmt.Errorf("credit %s: %w", id, pg.AsFault(err))
	}
	return c, nil
}

// Ledger returns entries of a credit in order, those after a version.
func (s *Store) Ledger(ctx context.Context, id string, after int64, n int) ([]payment.Entry, error) {
	rows, err := s.pool.Query(ctx, `SELECT credit_id, version, type, operation_id, payment_id, currency, amount, held, balance, reason, actor, at
		FROM credit_ledger WHERE credit_id = $1 AND version > $2 ORDER BY version LIMIT $3`, id, after, n)
	if err != nil {
		return nil, fmt.Errorf("ledger of credit %s: %w", id, pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e payment.Entry, err error) {
		var c money.Currency
		err = row.Scan(&e.CreditID, &e.Version, &e.Type, &e.OperationID, &e.PaymentID, &c, &e.Amount.Minor, &e.Held.Minor, &e.Balance.Minor, &e.Reason, &e.Actor, &e.At)
		e.Amount.Currency, e.Held.Currency, e.Balance.Currency = c, c, c
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger of credit %s: %w", id, pg.AsFault(err))
	}
	return all, nil
}
