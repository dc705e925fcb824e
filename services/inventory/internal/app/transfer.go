package app

import (
	"context"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// ErrNoTransfer answers for an id without a transfer.
var ErrNoTransfer = fault.New(fault.NotFound, "transfer-not-found", "There is no such transfer.")

// TransferMove is an event of a transfer. Decide returns what becomes of it and what that moves at locations, which is booked as Kind. A
// Reference, where there is one, is booked once: what it has booked before, by its Hash, is not moved again.
type TransferMove struct {
	ID, Kind, Reference string
	Hash                []byte
	Decide              func(t inventory.Transfer) (after inventory.Transfer, lines []inventory.BookingLine, err error)
}

// TransferStore keeps transfers; each write is one transaction with its audit entry.
type TransferStore interface {
	// PutTransfer makes a draft, or returns the transfer that has the id, whatever it is.
	PutTransfer(ctx context.Context, t inventory.Transfer, by Change) (inventory.Transfer, error)
	// MoveTransfer changes a transfer and the levels with it. ErrNoTransfer for an unknown id, ErrReferenceUsed for another receipt.
	MoveTransfer(ctx context.Context, m TransferMove, by Change, key idem.Key) (t inventory.Transfer, replayed bool, err error)
}

// PutTransfer plans a transfer, once per id.
func (s *Staff) PutTransfer(ctx context.Context, actor string, t inventory.Transfer) (inventory.Transfer, error) {
	if err := t.Check(); err != nil {
		return t, err
	}
	by := stamp(actor, s.Now())
	t.Status, t.CreatedAt = inventory.TransferDraft, by.At
	got, err := s.Store.PutTransfer(ctx, t, by)
	if err == nil && !got.Same(t) {
		err = inventory.ErrTransferDiffers
	}
	return got, err
}

// SendTransfer takes the goods from their location. Again it changes nothing.
func (s *Staff) SendTransfer(ctx context.Context, actor, id string, key idem.Key) (inventory.Transfer, bool, error) {
	by := stamp(actor, s.Now())
	return s.Store.MoveTransfer(ctx, TransferMove{ID: id, Kind: inventory.KindTransferOut,
		Decide: func(t inventory.Transfer) (inventory.Transfer, []inventory.BookingLine, error) { return t.Send(by.At) }}, by, key)
}

// CancelTransfer takes back a transfer of which nothing has come. Again it changes nothing.
func (s *Staff) CancelTransfer(ctx context.Context, actor, id string, key idem.Key) (inventory.Transfer, bool, error) {
	by := stamp(actor, s.Now())
	return s.Store.MoveTransfer(ctx, TransferMove{ID: id, Kind: inventory.KindTransferIn,
		Decide: func(t inventory.Transfer) (inventory.Transfer, []inventory.BookingLine, error) {
			return t.Cancel(by.At)
		}}, by, key)
}

// Receipt is what has come of a transfer. Last says that nothing more is awaited.
type Receipt struct {
	Reference string
	Lines     []inventory.TransferLine
	Last      bool
}

// ReceiveTransfer books what has come, once per reference.
func (s *Staff) ReceiveTransfer(ctx context.Context, actor, id string, r Receipt, key idem.Key) (inventory.Transfer, bool, error) {
	var c fault.Collector
	c.Check(r.Reference != "" && len(r.Reference) <= 100, "body.reference", "must have 1 to 100 bytes", nil)
	if err := c.Err(); err != nil {
		return inventory.Transfer{}, false, err
	}
	by := stamp(actor, s.Now())
	return s.Store.MoveTransfer(ctx, TransferMove{ID: id, Kind: inventory.KindTransferIn, Reference: r.Reference, Hash: inventory.HashOf(id, r.Lines, r.Last),
		Decide: func(t inventory.Transfer) (inventory.Transfer, []inventory.BookingLine, error) {
			return t.Receive(r.Lines, r.Last, by.At)
		}}, by, key)
}
