package postgres

import (
	"reflect"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// partRow is a row of payment_parts, as it is read with its payment.
type partRow struct {
	TransactionID string         `json:"transaction_id"`
	OperationID   string         `json:"operation_id"`
	Status        string         `json:"status"`
	Currency      money.Currency `json:"currency"`
	Amount        int64          `json:"amount"`
	Refunded      int64          `json:"refunded"`
	RefundIDs     []string       `json:"refund_ids"`
}

func partsOf(rows []partRow) (out []payment.Part) {
	for _, r := range rows {
		x := payment.Part{TransactionID: r.TransactionID, OperationID: r.OperationID, Status: payment.PartStatus(r.Status),
			Amount: money.New(r.Amount, r.Currency), Refunded: money.New(r.Refunded, r.Currency)}
		if len(r.RefundIDs) > 0 {
			x.RefundIDs = r.RefundIDs
		}
		out = append(out, x)
	}
	return out
}

// queueParts writes the parts of a payment that an event has made or changed.
func queueParts(batch *pgx.Batch, before, after payment.Payment) {
	for i, x := range after.Parts {
		if i < len(before.Parts) && reflect.DeepEqual(before.Parts[i], x) {
			continue
		}
		batch.Queue(`INSERT INTO payment_parts (payment_id, number, transaction_id, operation_id, status, currency, amount, refunded, refund_ids)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (payment_id, number) DO UPDATE SET status = excluded.status, refunded = excluded.refunded, refund_ids = excluded.refund_ids`,
			after.ID, i+1, x.TransactionID, x.OperationID, string(x.Status), string(x.Amount.Currency), x.Amount.Minor, x.Refunded.Minor, append([]string{}, x.RefundIDs...))
	}
}

// changeRow is the form of payment.PartChange in a column.
type changeRow struct {
	TransactionID string `json:"transaction_id"`
	Amount        int64  `json:"amount"`
	RefundID      string `json:"refund_id,omitempty"`
	Voided        bool   `json:"voided,omitempty"`
}

// changesOf writes no changes of parts as NULL.
func changesOf(all []payment.PartChange) any {
	if len(all) == 0 {
		return nil
	}
	rows := make([]changeRow, len(all))
	for i, c := range all {
		rows[i] = changeRow(c)
	}
	return rows
}

func changesFrom(rows []changeRow) (all []payment.PartChange) {
	for _, r := range rows {
		all = append(all, payment.PartChange(r))
	}
	return all
}
