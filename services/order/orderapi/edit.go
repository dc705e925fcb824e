package orderapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// TypeEditedV1 is the type of EditedV1.
const TypeEditedV1 = "order.edited.v1"

// Edit is a change of what is ordered, or of where it goes, before it is picked.
type Edit struct {
	ID          string        `json:"id"`
	Number      int           `json:"number"` // of the order's edits
	Status      string        `json:"status" enum:"preview,pending,done,refused"`
	Problem     string        `json:"problem,omitempty"`      // why it was refused: the code of a problem
	DeclineCode string        `json:"decline_code,omitempty"` // of payment, when what it costs more could not be charged
	Detail      string        `json:"detail,omitempty"`       // the problem for people, where there is more to say
	Shortages   []Shortage    `json:"shortages,omitempty"`
	Lines       []EditedLine  `json:"lines"`                 // that it changes
	Readdressed bool          `json:"readdressed,omitempty"` // it goes elsewhere
	TotalBefore money.Amount  `json:"total_before"`
	TotalAfter  money.Amount  `json:"total_after"`
	Difference  money.Amount  `json:"difference"`        // after less before: below zero it is given back, above charged, less what is owed of earlier ones
	Charged     *money.Amount `json:"charged,omitempty"` // what was captured for it, by a payment of its own
	Unpaid      bool          `json:"unpaid,omitempty"`  // the bank did not pay that
	Note        string        `json:"note,omitempty"`
	RequestedBy string        `json:"requested_by,omitempty"`
	RequestedAt time.Time     `json:"requested_at"`
	DoneAt      *time.Time    `json:"done_at,omitempty"`

	Totals *pricingapi.Totals `json:"totals,omitempty"` // of a preview: what the order would cost
}

// Where an edit stands.
const (
	EditPreview = "preview"
	EditPending = "pending"
	EditDone    = "done"
	EditRefused = "refused"
)

// EditedLine is a line that an edit changes. Before is zero for one that it adds, After for one that it removes.
type EditedLine struct {
	LineID string `json:"line_id"`
	SKU    string `json:"sku"`
	Title  string `json:"title"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// EditLine is a line with the quantity that it shall have; 0 removes it.
type EditLine struct {
	LineID   string `json:"line_id" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"0" maximum:"1000000"`
}

// AddLine is a quantity of a SKU.
type AddLine struct {
	SKU      string `json:"sku" pattern:"^[A-Za-z0-9._-]{1,64}$"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000"`
}

// Edits are those of an order, oldest first.
type Edits struct {
	Items []Edit `json:"items"`
}

// EditedV1 tells that an order was edited before it was picked: what it has now, and what it had. A difference that is below zero is on its way
// back, one that is above was charged, or taken off what was still owed of earlier ones.
type EditedV1 struct {
	Sequence     int64                  `json:"sequence"`
	OrderID      string                 `json:"order_id"`
	Number       string                 `json:"number"`
	Edit         int                    `json:"edit"`
	CustomerID   string                 `json:"customer_id,omitempty"`
	Country      string                 `json:"country"`
	Channel      string                 `json:"channel,omitempty"`
	Lines        []LineV1               `json:"lines"`
	LinesBefore  []LineV1               `json:"lines_before"`
	Promotions   []pricingapi.Promotion `json:"promotions"`
	Totals       pricingapi.Totals      `json:"totals"`
	TotalsBefore pricingapi.Totals      `json:"totals_before"`
	EditedAt     time.Time              `json:"edited_at"`
}

// LinesV1 are lines as events have them.
func LinesV1(lines []PlaceLine) []LineV1 {
	all := make([]LineV1, len(lines))
	for i, l := range lines {
		all[i] = LineV1{LineID: l.ID, SKU: l.SKU, ProductID: l.ProductID, Quantity: l.Quantity, Total: l.Total}
	}
	return all
}
