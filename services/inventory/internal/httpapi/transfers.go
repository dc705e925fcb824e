package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func registerTransfers(s *httpx.Server, a *api) {
	const path = "/v1/admin/stock/transfers"
	op := func(method, path, id, summary, scope string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope), DefaultStatus: http.StatusOK}
	}
	httpx.Register(s, op(http.MethodGet, path, "list-transfers", "Transfers, the newest first", ScopeRead), a.transfers)
	httpx.Register(s, op(http.MethodGet, path+"/{id}", "get-transfer", "A transfer", ScopeRead), a.transfer)
	httpx.Register(s, op(http.MethodPut, path+"/{id}", "put-transfer", "Plan a transfer, once per id", ScopeWrite), a.putTransfer)
	httpx.Register(s, op(http.MethodPost, path+"/{id}/send", "send-transfer", "Take the goods of a transfer from their location", ScopeWrite), moveTransfer(a.Staff.SendTransfer))
	httpx.Register(s, op(http.MethodPost, path+"/{id}/receive", "receive-transfer", "Book what has come of a transfer, once per reference", ScopeWrite), a.receiveTransfer)
	httpx.Register(s, op(http.MethodPost, path+"/{id}/cancel", "cancel-transfer", "Take back a transfer of which nothing has come", ScopeWrite), moveTransfer(a.Staff.CancelTransfer))
}

// TransferView is a transfer as staff see it. Missing is what has not come; once the transfer is received, it is lost.
type TransferView struct {
	ID        string             `json:"id"`
	From      string             `json:"from"`
	To        string             `json:"to"`
	Note      string             `json:"note,omitempty"`
	Status    string             `json:"status" enum:"draft,in_transit,received,cancelled"`
	Lines     []TransferLineView `json:"lines"`
	CreatedAt time.Time          `json:"created_at"`
	SentAt    *time.Time         `json:"sent_at,omitempty"`
	EndedAt   *time.Time         `json:"ended_at,omitempty"`
}

// TransferLineView is a quantity of a SKU.
type TransferLineView struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Received int64  `json:"received"`
	Lot      string `json:"lot,omitempty"`
	Missing  int64  `json:"missing"`
}

func transferView(t inventory.Transfer) TransferView {
	v := TransferView{ID: t.ID, From: t.From, To: t.To, Note: t.Note, Status: t.Status, Lines: make([]TransferLineView, len(t.Lines)),
		CreatedAt: t.CreatedAt.UTC(), SentAt: orNull(t.SentAt), EndedAt: orNull(t.EndedAt)}
	for i, l := range t.Lines {
		v.Lines[i] = TransferLineView{SKU: l.SKU, Quantity: l.Quantity, Received: l.Received, Missing: l.Quantity - l.Received, Lot: l.Lot}
	}
	return v
}

func transferOr(t inventory.Transfer, err error) (*bodyOf[TransferView], error) {
	if err != nil {
		return nil, err
	}
	return body(transferView(t)), nil
}

type transfersQuery struct {
	httpx.PageQuery
	Status string `query:"status" enum:"draft,in_transit,received,cancelled"`
}

type transferCursor struct {
	At time.Time
	ID string
}

func (a *api) transfers(ctx context.Context, in *transfersQuery) (*bodyOf[httpx.Page[TransferView]], error) {
	after, _, err := httpx.DecodeCursor[transferCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := a.Reader.Transfers(ctx, in.Status, inventory.Transfer{ID: after.ID, CreatedAt: after.At}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]TransferView, len(all))
	for i, t := range all {
		views[i] = transferView(t)
	}
	return body(httpx.NewPage(views, in.Limit, func(t TransferView) string { return httpx.EncodeCursor(transferCursor{t.CreatedAt, t.ID}) })), nil
}

// TransferID names a transfer by the path.
type TransferID struct {
	ID string `path:"id" maxLength:"80"`
}

func (a *api) transfer(ctx context.Context, in *TransferID) (*bodyOf[TransferView], error) {
	return transferOr(a.Reader.Transfer(ctx, in.ID))
}

type putTransferInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body inventoryapi.TransferInput
}

func (a *api) putTransfer(ctx context.Context, in *putTransferInput) (*bodyOf[TransferView], error) {
	return transferOr(a.Staff.PutTransfer(ctx, auth.Actor(ctx), inventory.Transfer{ID: in.ID, From: in.Body.From, To: in.Body.To, Note: in.Body.Note, Lines: goods(in.Body.Lines)}))
}

func goods(lines []inventoryapi.TransferLine) []inventory.TransferLine {
	out := make([]inventory.TransferLine, len(lines))
	for i, l := range lines {
		out[i] = inventory.TransferLine{SKU: l.SKU, Quantity: l.Quantity, Mark: inventory.Mark{Lot: l.Lot}}
	}
	return out
}

// MoveTransferInput names a transfer that is moved.
type MoveTransferInput struct {
	TransferID
	httpx.IdempotencyHeader
}

type movedTransfer struct {
	httpx.ReplayedHeader
	Body TransferView
}

// moveTransfer makes a handler of a move that says nothing more.
func moveTransfer(move func(ctx context.Context, actor, id string, key idem.Key) (inventory.Transfer, bool, error)) func(context.Context, *MoveTransferInput) (*movedTransfer, error) {
	return func(ctx context.Context, in *MoveTransferInput) (*movedTransfer, error) {
		key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
		if err != nil {
			return nil, err
		}
		return movedOr(move(ctx, auth.Actor(ctx), in.ID, idem.Key(key)))
	}
}

func movedOr(t inventory.Transfer, replayed bool, err error) (*movedTransfer, error) {
	if err != nil {
		return nil, err
	}
	return &movedTransfer{ReplayedHeader: httpx.Replayed(replayed), Body: transferView(t)}, nil
}

type receiveTransferInput struct {
	MoveTransferInput
	Body inventoryapi.TransferReceiptInput
}

func (a *api) receiveTransfer(ctx context.Context, in *receiveTransferInput) (*movedTransfer, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return movedOr(a.Staff.ReceiveTransfer(ctx, auth.Actor(ctx), in.ID,
		app.Receipt{Reference: in.Body.Reference, Lines: goods(in.Body.Lines), Last: in.Body.Last}, idem.Key(key)))
}
