package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// awaited tells of a payment p whether it is a promise that is not paid: a bank transfer until staff have the money, cash until the carrier has
// brought it, whoever approved of sending it unpaid. What is over never becomes that again.
const awaited = `p.settled_at IS NULL AND CASE WHEN p.provider = 'cash_on_delivery' THEN p.status IN ('authorising', 'authorised', 'partially_captured', 'captured')
	ELSE p.status IN ('authorising', 'authorised') AND p.review <> 'approved' END`

// openSumSQL is what somebody has promised at a provider and not paid. An earlier attempt of the same order is about to be voided.
const openSumSQL = `
SELECT coalesce(sum(p.amount - p.credit), 0)::bigint FROM payment_promises q JOIN payments p ON p.id = q.payment_id
WHERE q.key = $1 AND q.hash = $2 AND p.provider = $3 AND p.currency = $4 AND p.order_id <> $5 AND ` + awaited

// promised says whether a payment over an amount keeps to what may be promised, and holds off all others who are the same until the
// transaction ends.
func promised(ctx context.Context, tx *pg.Tx, st app.Start, minor int64) (bool, error) {
	if st.Promise == nil || minor == 0 {
		return true, nil
	}
	if minor > st.Promise.Limit || len(st.Promise.Keys) == 0 { // nobody can be told apart: nothing may be open
		return false, nil
	}
	names := make([]string, len(st.Promise.Keys))
	for i, k := range st.Promise.Keys {
		names[i] = "promise " + string(k.Key) + hex.EncodeToString(k.Hash)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(n) FROM (SELECT DISTINCT hashtextextended(name, 0) AS n FROM unnest($1::text[]) AS x (name) ORDER BY n) y`, names); err != nil {
		return false, err
	}
	for _, k := range st.Promise.Keys {
		var open int64
		if err := tx.QueryRow(ctx, openSumSQL, string(k.Key), k.Hash, st.New.Provider, string(st.Amount.Currency), st.New.OrderID).Scan(&open); err != nil {
			return false, err
		}
		if open > st.Promise.Limit-minor {
			return false, nil
		}
	}
	return true, nil
}

// promise notes who made a payment that was opened.
func promise(ctx context.Context, tx *pg.Tx, st app.Start) error {
	var batch pgx.Batch
	for _, k := range st.Promise.Keys {
		batch.Queue(`INSERT INTO payment_promises (key, hash, payment_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, string(k.Key), k.Hash, st.PaymentID)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// openPromise begins an authorisation that people are to be paid by, in one transaction. What is too much is no error: the payment is opened,
// to be declined.
func (s *Store) openPromise(ctx context.Context, tx *pg.Tx, st app.Start, rest int64, open func() (app.Begun, error)) (app.Begun, error) {
	kept, err := promised(ctx, tx, st, rest)
	if err != nil {
		return app.Begun{}, err
	}
	out, err := open()
	if err != nil || !out.Fresh {
		return out, err
	}
	if !kept {
		out.Refused = payment.Overpromised(st.Amount)
	}
	if st.Promise == nil || !kept || rest == 0 {
		return out, nil
	}
	return out, promise(ctx, tx, st)
}

const pruneChunk = 5000

// Prune forgets who made the promises that are over, in transactions of some thousand.
func (s *Store) Prune(ctx context.Context) error {
	for {
		tag, err := s.pool.Exec(ctx, `DELETE FROM payment_promises WHERE (key, hash, payment_id) IN (
			SELECT q.key, q.hash, q.payment_id FROM payment_promises q JOIN payments p ON p.id = q.payment_id WHERE NOT (`+awaited+`) LIMIT $1)`, pruneChunk)
		if err != nil {
			return fmt.Errorf("prune promises: %w", pg.AsFault(err))
		}
		if tag.RowsAffected() < pruneChunk {
			return nil
		}
	}
}
