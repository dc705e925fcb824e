package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

const methodColumns = `m.id, m.customer_id, m.type, m.brand, m.last4, m.expiry, m.account, m.is_default, m.created_at`

func methodFields(m *payment.Method) []any {
	return []any{&m.ID, &m.CustomerID, &m.Type, &m.Brand, &m.Last4, &m.Expiry, &m.Account, &m.Default, &m.CreatedAt}
}

func scanMethod(row pgx.Row) (m payment.Method, err error) { return m, row.Scan(methodFields(&m)...) }

// BeginMethod implements app.VaultStore.
func (s *Store) BeginMethod(ctx context.Context, k app.Keeping, now time.Time) (r app.MethodRecord, err error) {
	until := now.Add(app.LeaseTime)
	tag, err := s.pool.Exec(ctx, `INSERT INTO payment_methods (id, customer_id, status, wants_default, request_hash, lease_until, created_at, updated_at)
		VALUES ($1, $2, 'pending', $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING`, k.ID, k.CustomerID, k.MakeDefault, k.Hash, until, now)
	if err != nil {
		return r, fmt.Errorf("payment method %s: %w", k.ID, pg.AsFault(err))
	}
	if tag.RowsAffected() == 1 {
		return app.MethodRecord{Method: payment.Method{ID: k.ID, CustomerID: k.CustomerID, CreatedAt: now}, Status: payment.MethodPending, WantsDefault: k.MakeDefault, Mine: true}, nil
	}
	r.Replayed = true
	err = s.pool.QueryRow(ctx, `
		WITH mine AS (UPDATE payment_methods SET lease_until = $3 WHERE id = $1 AND status = 'pending' AND lease_until <= $2 RETURNING id)
		SELECT `+methodColumns+`, m.status, m.wants_default, m.request_hash, m.code, EXISTS (SELECT FROM mine) FROM payment_methods m WHERE m.id = $1`, k.ID, now, until).
		Scan(append(methodFields(&r.Method), &r.Status, &r.WantsDefault, &r.Hash, &r.Code, &r.Mine)...)
	if err != nil {
		return r, fmt.Errorf("payment method %s: %w", k.ID, pg.AsFault(err))
	}
	if r.CustomerID != k.CustomerID || r.WantsDefault != k.MakeDefault || !bytes.Equal(r.Hash, k.Hash) {
		return r, app.ErrReused
	}
	return r, nil
}

// lockCustomer lets one change after the other happen to the methods of a customer.
func lockCustomer(ctx context.Context, tx *pg.Tx, customerID string) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('customer ' || $1, 0))`, customerID)
	return err
}

// KeptMethod implements app.VaultStore. The first method of a customer is the default.
func (s *Store) KeptMethod(ctx context.Context, r app.MethodRecord, now time.Time) (m payment.Method, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if err := lockCustomer(ctx, tx, r.CustomerID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE payment_methods SET status = $2, type = $3, brand = $4, last4 = $5, expiry = $6, account = $7, code = $8, lease_until = NULL, updated_at = $9
			WHERE id = $1 AND status = 'pending'`, r.ID, string(r.Status), r.Type, r.Brand, r.Last4, r.Expiry, r.Account, r.Code, now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 1 && r.Status == payment.MethodStored {
			if err := defaultTo(ctx, tx, r.CustomerID, r.ID, r.WantsDefault, now); err != nil {
				return err
			}
		}
		m, err = scanMethod(tx.QueryRow(ctx, `SELECT `+methodColumns+` FROM payment_methods m WHERE m.id = $1`, r.ID))
		return err
	})
	if err != nil {
		return m, fmt.Errorf("payment method %s: %w", r.ID, pg.AsFault(err))
	}
	return m, nil
}

// defaultTo makes a method the default, always or when there is none.
func defaultTo(ctx context.Context, tx *pg.Tx, customerID, id string, always bool, now time.Time) error {
	if always {
		if _, err := tx.Exec(ctx, `UPDATE payment_methods SET is_default = false, updated_at = $3 WHERE customer_id = $1 AND is_default AND id <> $2`, customerID, id, now); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE payment_methods SET is_default = true, updated_at = $3
		WHERE id = $2 AND NOT is_default AND NOT EXISTS (SELECT FROM payment_methods WHERE customer_id = $1 AND is_default)`, customerID, id, now)
	return err
}

// Methods implements app.VaultStore.
func (s *Store) Methods(ctx context.Context, customerID string) ([]payment.Method, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+methodColumns+` FROM payment_methods m WHERE m.customer_id = $1 AND m.status = 'stored'
		ORDER BY m.is_default DESC, m.created_at, m.id`, customerID)
	if err != nil {
		return nil, fmt.Errorf("payment methods: %w", pg.AsFault(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (payment.Method, error) { return scanMethod(row) })
	if err != nil {
		return nil, fmt.Errorf("payment methods: %w", pg.AsFault(err))
	}
	return all, nil
}

// SetDefault implements app.VaultStore.
func (s *Store) SetDefault(ctx context.Context, customerID, id string, now time.Time) (m payment.Method, err error) {
	err = s.onMethod(ctx, customerID, id, func(ctx context.Context, tx *pg.Tx) error {
		if err := defaultTo(ctx, tx, customerID, id, true, now); err != nil {
			return err
		}
		m, err = scanMethod(tx.QueryRow(ctx, `SELECT `+methodColumns+` FROM payment_methods m WHERE m.id = $1`, id))
		return err
	})
	return m, err
}

// Drop implements app.VaultStore. The oldest that is left becomes the default in its place.
func (s *Store) Drop(ctx context.Context, customerID, id string, now time.Time) error {
	return s.onMethod(ctx, customerID, id, func(ctx context.Context, tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE payment_methods SET status = 'deleting', is_default = false, updated_at = $2 WHERE id = $1`, id, now); err != nil {
			return err
		}
		var next string
		err := tx.QueryRow(ctx, `SELECT id FROM payment_methods WHERE customer_id = $1 AND status = 'stored' ORDER BY is_default DESC, created_at, id LIMIT 1`, customerID).Scan(&next)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return defaultTo(ctx, tx, customerID, next, false, now)
	})
}

// onMethod changes a stored method of a customer, one change after the other; app.ErrNoMethod when there is none.
func (s *Store) onMethod(ctx context.Context, customerID, id string, change func(ctx context.Context, tx *pg.Tx) error) error {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if err := lockCustomer(ctx, tx, customerID); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM payment_methods WHERE id = $1 AND customer_id = $2 AND status = 'stored')`, id, customerID).Scan(&there); err != nil {
			return err
		}
		if !there {
			return app.ErrNoMethod
		}
		return change(ctx, tx)
	})
	if err != nil && !errors.Is(err, app.ErrNoMethod) {
		return fmt.Errorf("payment method %s: %w", id, pg.AsFault(err))
	}
	return err
}

// Dropped implements app.VaultStore.
func (s *Store) Dropped(ctx context.Context, id string, now time.Time) error {
	_, err := s.pool.Exec(ctx, `UPDATE payment_methods SET status = 'deleted', account = '', updated_at = $2 WHERE id = $1 AND status = 'deleting'`, id, now)
	if err != nil {
		return fmt.Errorf("payment method %s: %w", id, pg.AsFault(err))
	}
	return nil
}

// Dropping implements app.VaultStore.
func (s *Store) Dropping(ctx context.Context, before time.Time, n int) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM payment_methods WHERE status = 'deleting' AND updated_at <= $1 ORDER BY updated_at LIMIT $2`, before, n)
	if err != nil {
		return nil, fmt.Errorf("payment methods that are to go: %w", pg.AsFault(err))
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("payment methods that are to go: %w", pg.AsFault(err))
	}
	return ids, nil
}
