package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Take implements app.CaseStore.
func (s *Store) Take(ctx context.Context, n payment.Notification, now time.Time) (fresh bool, alarm string, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO gateway_notifications (id, kind, subject, at, received_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			n.ID, n.Kind, subjectOf(n), n.At, now)
		if fresh = err == nil && tag.RowsAffected() == 1; !fresh {
			return err
		}
		switch {
		case n.Dispute != nil:
			alarm, err = s.report(ctx, tx, *n.Dispute, n.ID, now)
		case n.Disbursement != nil:
			alarm, err = disbursed(ctx, tx, *n.Disbursement, now)
		case n.TransactionID != "": // the gateway's books say how it settled: look now
			_, err = tx.Exec(ctx, `UPDATE payments SET settle_due_at = $2 WHERE settle_due_at IS NOT NULL AND
				(transaction_id = $1 AND transaction_id <> '' OR id = (SELECT payment_id FROM payment_parts WHERE transaction_id = $1))`, n.TransactionID, now)
		}
		return err
	})
	if err != nil {
		return false, "", fmt.Errorf("notification %s: %w", n.Kind, pg.AsFault(err))
	}
	return fresh, alarm, nil
}

func subjectOf(n payment.Notification) string {
	switch {
	case n.Dispute != nil:
		return n.Dispute.DisputeID
	case n.Disbursement != nil:
		return n.Disbursement.ID
	}
	return n.TransactionID
}

// Report implements app.CaseStore.
func (s *Store) Report(ctx context.Context, r payment.DisputeReport, now time.Time) error {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		_, err := s.report(ctx, tx, r, fmt.Sprintf("read:%s:%d", r.Status, r.At.Unix()), now)
		return err
	})
	if err != nil {
		return fmt.Errorf("dispute %s: %w", r.DisputeID, pg.AsFault(err))
	}
	return nil
}

const disputeColumns = `d.id, d.payment_id, d.transaction_id, d.reference, d.account, d.status, d.kind, d.reason, d.reason_code, d.case_number, d.currency, d.amount, d.won,
	d.reply_by, d.opened_at, d.reported_at`

func scanDispute(row pgx.Row) (payment.Dispute, error) {
	var d payment.Dispute
	var c money.Currency
	var replyBy *time.Time
	err := row.Scan(&d.DisputeID, &d.PaymentID, &d.TransactionID, &d.Reference, &d.Account, &d.Status, &d.Kind, &d.Reason, &d.ReasonCode, &d.CaseNumber, &c,
		&d.Amount.Minor, &d.Won.Minor, &replyBy, &d.OpenedAt, &d.At)
	d.Amount.Currency, d.Won.Currency, d.ReplyBy = c, c, orZero(replyBy)
	return d, err
}

// report folds a report into its dispute, under a lock that holds also while the dispute has no row.
func (s *Store) report(ctx context.Context, tx *pg.Tx, r payment.DisputeReport, source string, now time.Time) (alarm string, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('dispute ' || $1, 0))`, r.DisputeID); err != nil {
		return "", err
	}
	before, err := scanDispute(tx.QueryRow(ctx, `SELECT `+disputeColumns+` FROM disputes d WHERE d.id = $1`, r.DisputeID))
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		before = payment.Dispute{}
	}
	after := before.Apply(r)
	var p payment.Payment
	p, err = scanPayment(tx.QueryRow(ctx, `SELECT `+paymentColumns+` FROM payments p WHERE p.transaction_id = $1 AND p.transaction_id <> '' OR p.id = $2
		OR p.id = (SELECT payment_id FROM payment_parts WHERE transaction_id = $1) ORDER BY p.transaction_id = $1 DESC LIMIT 1`, r.TransactionID, r.Reference))
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	after.PaymentID = p.ID
	if err := writeDispute(ctx, tx, after, now); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO dispute_events (dispute_id, source, type, amount, won, currency, actor, detail, at, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, '', '', $7, $8) ON CONFLICT DO NOTHING`,
		r.DisputeID, source, string(r.Status), r.Amount.Minor, r.Won.Minor, string(r.Amount.Currency), r.At, now); err != nil {
		return "", err
	}
	if p.ID == "" {
		return "dispute " + r.DisputeID + " is about transaction " + r.TransactionID + ", which is none of ours", nil
	}
	return "", s.tellDispute(ctx, tx, before.News(after), after, p, now)
}

func writeDispute(ctx context.Context, tx *pg.Tx, d payment.Dispute, now time.Time) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO disputes AS d (id, payment_id, transaction_id, reference, account, status, kind, reason, reason_code, case_number, currency, amount, won,
			reply_by, opened_at, reported_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
		ON CONFLICT (id) DO UPDATE SET payment_id = excluded.payment_id, transaction_id = excluded.transaction_id, reference = excluded.reference, account = excluded.account,
			status = excluded.status, kind = excluded.kind, reason = excluded.reason, reason_code = excluded.reason_code, case_number = excluded.case_number,
			currency = excluded.currency, amount = excluded.amount, won = excluded.won, reply_by = excluded.reply_by, opened_at = excluded.opened_at,
			reported_at = excluded.reported_at, updated_at = excluded.updated_at`,
		d.DisputeID, d.PaymentID, d.TransactionID, d.Reference, d.Account, string(d.Status), d.Kind, d.Reason, d.ReasonCode, d.CaseNumber, string(d.Amount.Currency),
		d.Amount.Minor, d.Won.Minor, at(d.ReplyBy), d.OpenedAt, d.At, now)
	return err
}

func (s *Store) tellDispute(ctx context.Context, tx *pg.Tx, news payment.DisputeNews, d payment.Dispute, p payment.Payment, now time.Time) error {
	data := paymentapi.DisputeV1{PaymentID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, DisputeID: d.DisputeID, TransactionID: d.TransactionID, Status: string(d.Status),
		Kind: d.Kind, Reason: d.Reason, Amount: d.Amount, Won: d.Won, OccurredAt: d.At}
	if !d.ReplyBy.IsZero() {
		data.ReplyBy = d.ReplyBy.Format(time.DateOnly)
	}
	var events []outbox.Event
	add := func(name string) {
		events = append(events, outbox.Event{Topic: paymentapi.Topic, Type: name, Subject: p.ID, Time: now, Data: data})
	}
	if news.Opened {
		add(paymentapi.TypeDisputeOpenedV1)
	}
	if news.Closed {
		add(paymentapi.TypeDisputeClosedV1)
	}
	if len(events) == 0 {
		return nil
	}
	return s.box.Append(ctx, tx, events...)
}

// disbursed keeps a disbursement; the youngest notification of it counts.
func disbursed(ctx context.Context, tx *pg.Tx, d payment.Disbursement, now time.Time) (alarm string, err error) {
	_, err = tx.Exec(ctx, `
		INSERT INTO disbursements AS x (id, account, currency, amount, day, success, retry, exception, follow_up, transaction_ids, notified_at, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET success = excluded.success, retry = excluded.retry, exception = excluded.exception, follow_up = excluded.follow_up,
			amount = excluded.amount, day = excluded.day, transaction_ids = excluded.transaction_ids, notified_at = excluded.notified_at
		WHERE x.notified_at < excluded.notified_at`,
		d.ID, d.Account, string(d.Amount.Currency), d.Amount.Minor, at(d.Day), d.Success, d.Retry, d.Exception, d.FollowUp, append([]string{}, d.TransactionIDs...), d.NotifiedAt, now)
	if err == nil && !d.Success {
		alarm = "disbursement " + d.ID + " of " + d.Amount.String() + " failed: " + d.Exception + ", " + d.FollowUp
	}
	return alarm, err
}

// Dispute implements app.CaseStore.
func (s *Store) Dispute(ctx context.Context, id string) (payment.Dispute, error) {
	d, err := scanDispute(s.pool.QueryRow(ctx, `SELECT `+disputeColumns+` FROM disputes d WHERE d.id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return d, app.ErrNoDispute
	}
	if err != nil {
		return d, fmt.Errorf("dispute %s: %w", id, pg.AsFault(err))
	}
	return d, nil
}

// BeginAct implements app.CaseStore.
func (s *Store) BeginAct(ctx context.Context, a app.Act, now time.Time) (r app.ActRecord, err error) {
	if _, err := s.Dispute(ctx, a.DisputeID); err != nil {
		return r, err
	}
	until := now.Add(app.LeaseTime)
	tag, err := s.pool.Exec(ctx, `INSERT INTO dispute_acts (operation_id, dispute_id, kind, content, category, actor, request_hash, result, created_at, lease_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9) ON CONFLICT DO NOTHING`,
		a.OperationID, a.DisputeID, string(a.Kind), a.Evidence.Text, a.Evidence.Category, a.Actor, a.Hash, now, until)
	if err != nil {
		return r, fmt.Errorf("act %s: %w", a.OperationID, pg.AsFault(err))
	}
	if tag.RowsAffected() == 1 {
		return app.ActRecord{Act: a, Result: payment.StillUnknown, CreatedAt: now, Mine: true}, nil
	}
	r.Replayed = true
	var answered *time.Time
	err = s.pool.QueryRow(ctx, `
		WITH mine AS (UPDATE dispute_acts SET lease_until = $3 WHERE operation_id = $1 AND result = 'pending' AND lease_until <= $2 RETURNING operation_id)
		SELECT a.operation_id, a.dispute_id, a.kind, a.content, a.category, a.actor, a.request_hash, a.result, a.code, a.message, a.created_at, a.answered_at,
			EXISTS (SELECT FROM mine) FROM dispute_acts a WHERE a.operation_id = $1`, a.OperationID, now, until).
		Scan(&r.OperationID, &r.DisputeID, &r.Kind, &r.Evidence.Text, &r.Evidence.Category, &r.Actor, &r.Hash, &r.Result, &r.Code, &r.Message, &r.CreatedAt, &answered, &r.Mine)
	if err != nil {
		return r, fmt.Errorf("act %s: %w", a.OperationID, pg.AsFault(err))
	}
	r.AnsweredAt = orZero(answered)
	if r.DisputeID != a.DisputeID || r.Kind != a.Kind || r.Evidence != a.Evidence || !bytes.Equal(r.Hash, a.Hash) {
		return r, app.ErrReused
	}
	return r, nil
}

// AnswerAct implements app.CaseStore. It is written once.
func (s *Store) AnswerAct(ctx context.Context, r app.ActRecord, now time.Time) error {
	err := pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE dispute_acts SET result = $2, code = $3, message = $4, answered_at = $5, lease_until = NULL WHERE operation_id = $1 AND result = 'pending'`,
			r.OperationID, string(r.Result), r.Code, r.Message, now)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO dispute_events (dispute_id, source, type, amount, won, currency, actor, detail, at, recorded_at)
			SELECT d.id, $2, $3, d.amount, d.won, d.currency, $4, $5, $6, $6 FROM disputes d WHERE d.id = $1`,
			r.DisputeID, r.OperationID, string(r.Kind)+"_"+string(r.Result), r.Actor, r.Code, now); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit_log (at, actor, action, entity, after) VALUES ($1, $2, $3, $4, $5)`, now, r.Actor, string(r.Kind), "dispute/"+r.DisputeID,
			encode(map[string]any{"operation_id": r.OperationID, "result": r.Result, "code": r.Code, "evidence": r.Evidence.Text}))
		return err
	})
	if err != nil {
		return fmt.Errorf("answer of act %s: %w", r.OperationID, pg.AsFault(err))
	}
	return nil
}
