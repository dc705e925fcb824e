package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
)

// Issue implements app.Documents. The counter of a series is a row that stays locked until the document is kept: a transaction that fails
// takes its number back, so that there is no gap, and two that issue one document meet at its unique index.
func (s *Store) Issue(ctx context.Context, e app.Entity, orderID, refundID string, now time.Time) (app.Document, error) {
	doc, err := s.document(ctx, orderID, refundID)
	if !errors.Is(err, pgx.ErrNoRows) {
		return doc, err
	}
	prefix := e.InvoicePrefix
	if refundID != "" {
		prefix = e.CreditNotePrefix
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, `INSERT INTO document_series AS s (entity, prefix, last) VALUES ($1, $2, 1)
			ON CONFLICT (entity, prefix) DO UPDATE SET last = s.last + 1 RETURNING last`, e.ID, prefix).Scan(&last); err != nil {
			return err
		}
		edition := 0
		if refundID == "" { // an edit that begins now sees that there is an invoice; one that is under way is waited for
			var edit order.EditStage
			if err := tx.QueryRow(ctx, `UPDATE orders SET invoiced = true WHERE id = $1 RETURNING edit_number, edit`, orderID).Scan(&edition, &edit); err != nil {
				return err
			}
			if edit != "" {
				return order.ErrEditing
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO documents (entity_id, prefix, sequence, number, order_id, refund_id, entity, issued_at, edition) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.ID, prefix, last, fmt.Sprintf("%s%06d", prefix, last), orderID, refundID, encoded(e), now, edition)
		return err
	})
	if err != nil && !pg.Violates(err, "documents_once") {
		return doc, fmt.Errorf("issue a document of order %s: %w", orderID, pg.AsFault(err))
	}
	return s.document(ctx, orderID, refundID)
}

func (s *Store) document(ctx context.Context, orderID, refundID string) (doc app.Document, err error) {
	var entity []byte
	err = s.pool.QueryRow(ctx, `SELECT number, issued_at, entity, edition FROM documents WHERE order_id = $1 AND refund_id = $2`, orderID, refundID).Scan(&doc.Number, &doc.IssuedAt, &entity, &doc.Edition)
	if errors.Is(err, pgx.ErrNoRows) {
		return doc, err
	}
	if err != nil {
		return doc, fmt.Errorf("document of order %s: %w", orderID, pg.AsFault(err))
	}
	return doc, json.Unmarshal(entity, &doc.Entity)
}
