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

// wantedSQL locks, one after the other by id, what a payment may be made with. What a customer has comes as it is spent.
const wantedSQL = `
WITH c AS (
	SELECT * FROM credits WHERE code_hash = ANY($1) OR kind = 'store_credit' AND customer_id = $2 AND currency = $3 AND balance > 0 ORDER BY id FOR UPDATE
)
SELECT ` + creditColumns + `, c.code_hash FROM c ORDER BY c.expires_at NULLS LAST, c.created_at, c.id`

// openWithCredit reserves what is wanted and begins the authorisation in one transaction. What cannot be had is no error: the payment is
// opened without it, to be declined.
func (s *Store) openWithCredit(ctx context.Context, st app.Start, now time.Time) (out app.Begun, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		st := st
		rows, err := tx.Query(ctx, wantedSQL, st.Credit.Cards, st.Credit.CustomerID, string(st.Amount.Currency))
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f payment.Found, err error) {
			f.Credit, err = scanCredit(row, &f.CodeHash)
			return f, err
		})
		if err != nil {
			return err
		}
		uses, refused := payment.Reserve(*st.Credit, found, st.Amount, now)
		st.Record.Credit = money.New(payment.Sum(uses), st.Amount.Currency)
		if st.Record.Credit == st.Amount {
			p := *st.New
			p.Provider, st.New = app.ProviderCredit, &p
		}
		out, err = s.openPromise(ctx, tx, st, st.Amount.Minor-st.Record.Credit.Minor, func() (app.Begun, error) { return s.open(ctx, tx, st, now) })
		if err != nil || !out.Fresh {
			return err
		}
		if refused != nil {
			out.Refused = refused
		}
		return reserve(ctx, tx, st, uses, found, now)
	})
	if err != nil {
		return app.Begun{}, fmt.Errorf("open payment %s: %w", st.PaymentID, pg.AsFault(err))
	}
	return out, nil
}

func reserve(ctx context.Context, tx *pg.Tx, st app.Start, uses []payment.Use, found []payment.Found, now time.Time) error {
	byID := map[string]payment.Credit{}
	for _, f := range found {
		byID[f.ID] = f.Credit
	}
	var batch pgx.Batch
	for _, u := range uses {
		after, e, err := byID[u.CreditID].Move(payment.CreditReserved, u.Reserved, now)
		if err != nil {
			return err
		}
		e.OperationID, e.PaymentID = st.ID, st.PaymentID
		queueEntry(&batch, after, e)
		batch.Queue(`INSERT INTO credit_uses (payment_id, credit_id, number, currency, reserved, held, captured, refunded) VALUES ($1, $2, $3, $4, $5, $5, 0, 0)`,
			st.PaymentID, u.CreditID, u.Number, string(u.Reserved.Currency), u.Reserved.Minor)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

const usesSQL = `SELECT u.credit_id, u.number, u.currency, u.reserved, u.held, u.captured, u.refunded FROM credit_uses u WHERE u.payment_id = $1 ORDER BY u.number`

func uses(ctx context.Context, q pg.Querier, paymentID string) ([]payment.Use, error) {
	rows, err := q.Query(ctx, usesSQL, paymentID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u payment.Use, err error) {
		var c money.Currency
		err = row.Scan(&u.CreditID, &u.Number, &c, &u.Reserved.Minor, &u.Held.Minor, &u.Captured.Minor, &u.Refunded.Minor)
		u.Reserved.Currency, u.Held.Currency, u.Captured.Currency, u.Refunded.Currency = c, c, c, c
		return u, err
	})
}

// follow does to the credit of a payment what its event says. The payment's row is locked; the credits are locked by id.
func (s *Store) follow(ctx context.Context, tx *pg.Tx, l app.Lease, e payment.Event, now time.Time) error {
	before, err := uses(ctx, tx, l.PaymentID)
	if err != nil {
		return err
	}
	after, changes, err := payment.Follow(before, e)
	if err != nil || len(changes) == 0 {
		return err
	}
	credits, err := s.credits(ctx, tx, `WHERE c.id IN (SELECT credit_id FROM credit_uses WHERE payment_id = $1) ORDER BY c.id FOR UPDATE`, l.PaymentID)
	if err != nil {
		return err
	}
	byID := map[string]payment.Credit{}
	for _, c := range credits {
		byID[c.ID] = c
	}
	var batch pgx.Batch
	for _, ch := range changes {
		c, entry, err := byID[ch.CreditID].Move(ch.Type, ch.Amount, now)
		if err != nil {
			return err
		}
		byID[c.ID] = c
		entry.OperationID, entry.PaymentID, entry.Reason, entry.Actor = l.ID, l.PaymentID, l.Reason, l.Actor
		queueEntry(&batch, c, entry)
	}
	for _, u := range after {
		batch.Queue(`UPDATE credit_uses SET held = $3, captured = $4, refunded = $5 WHERE payment_id = $1 AND credit_id = $2`,
			l.PaymentID, u.CreditID, u.Held.Minor, u.Captured.Minor, u.Refunded.Minor)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// convert makes the store credit that a refund becomes.
func (s *Store) convert(ctx context.Context, tx *pg.Tx, l app.Lease, e payment.Event, now time.Time) error {
	_, _, err := issueCredit(ctx, tx, app.Issue{ID: payment.BecameOf(l.ID), CustomerID: l.Payment.CustomerID, Amount: e.Converted, ExpiresAt: l.Expires, Reason: l.Reason, Actor: l.Actor}, l.ID, l.PaymentID, app.CodeOf{}, now)
	if err != nil {
		return fmt.Errorf("store credit of refund %s: %w", l.ID, err)
	}
	return nil
}

// Tender is what a payment uses of a credit.
type Tender struct {
	payment.Use
	Kind payment.CreditKind
}

// Tenders returns the credit that a payment uses, as it is captured and refunded.
func (s *Store) Tenders(ctx context.Context, paymentID string) ([]Tender, error) {
	all, err := uses(ctx, s.pool, paymentID)
	if err == nil && len(all) == 0 {
		return nil, nil
	}
	var credits []payment.Credit
	if err == nil {
		credits, err = s.credits(ctx, s.pool, `WHERE c.id IN (SELECT credit_id FROM credit_uses WHERE payment_id = $1)`, paymentID)
	}
	if err != nil {
		return nil, fmt.Errorf("tenders of payment %s: %w", paymentID, pg.AsFault(err))
	}
	out := make([]Tender, len(all))
	for i, u := range all {
		out[i].Use = u
		for _, c := range credits {
			if c.ID == u.CreditID {
				out[i].Kind = c.Kind
			}
		}
	}
	return out, nil
}
