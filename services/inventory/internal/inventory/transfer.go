package inventory

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The states of a transfer of goods from one location to another.
//
//	draft ──send──▶ in_transit ──receive──▶ in_transit, received when all of it or the last of it has come
//	draft ──cancel──▶ cancelled
//	in_transit ──cancel──▶ cancelled      while nothing has come: the goods are back where they were
const (
	TransferDraft     = "draft"
	TransferInTransit = "in_transit"
	TransferReceived  = "received"
	TransferCancelled = "cancelled"
)

// Transfer is goods on their way. What is in transit lies at neither location.
type Transfer struct {
	ID, From, To, Note, Status string
	Lines                      []TransferLine
	CreatedAt, SentAt, EndedAt time.Time // zero: not yet
}

// TransferLine is a quantity of a SKU, and how much of it has arrived.
type TransferLine struct {
	SKU                string
	Quantity, Received int64
	Mark               // which pieces travel; ExpiresOn is known once it is planned
}

// What transfers are refused with.
var (
	ErrTransferState   = fault.New(fault.Conflict, "transfer-state", "The transfer is past that.")
	ErrTransferDiffers = fault.New(fault.Conflict, "transfer-differs", "The id has a transfer of other goods.")
)

// Check reports all faults of a new transfer at once.
func (t Transfer) Check() error {
	var c fault.Collector
	c.Check(ValidID(t.ID), "path.id", "must be 1 to 80 letters, digits, . _ ~ : or -", t.ID)
	c.Check(t.From != t.To, "body.to", "must be another location than from", t.To)
	c.Check(len(t.Note) <= 500, "body.note", "must have at most 500 bytes", nil)
	c.Check(len(t.Lines) >= 1 && len(t.Lines) <= MaxBooking, "body.lines", fmt.Sprintf("must have 1 to %d entries", MaxBooking), len(t.Lines))
	checkGoods(&c, t.Lines)
	return c.Err()
}

func checkGoods(c *fault.Collector, lines []TransferLine) {
	seen := make(map[string]bool, len(lines))
	for i, l := range lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(ValidSKU(l.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(!seen[l.SKU], at+".sku", "stands twice", l.SKU)
		c.Check(l.Quantity >= 1 && l.Quantity <= MaxStock, at+".quantity", fmt.Sprintf("must be from 1 to %d", int64(MaxStock)), l.Quantity)
		c.Check(l.Lot == "" || ValidLot(l.Lot), at+".lot", "must be 1 to 64 letters, digits, . _ / or -", l.Lot)
		seen[l.SKU] = true
	}
}

// Same says whether another transfer is of the same goods between the same places.
func (t Transfer) Same(o Transfer) bool {
	if t.From != o.From || t.To != o.To || len(t.Lines) != len(o.Lines) {
		return false
	}
	for i, l := range t.Lines {
		if l.SKU != o.Lines[i].SKU || l.Quantity != o.Lines[i].Quantity || l.Lot != o.Lines[i].Lot {
			return false
		}
	}
	return true
}

// Send takes the goods from their location. It returns what changes there; nothing when they are on their way already.
func (t Transfer) Send(now time.Time) (Transfer, []BookingLine, error) {
	switch t.Status {
	case TransferDraft:
		t.Status, t.SentAt = TransferInTransit, now
		return t, t.at(t.From, -1), nil
	case TransferInTransit:
		return t, nil, nil
	}
	return t, nil, ErrTransferState.With("status", t.Status)
}

// Cancel takes a transfer back of which nothing has come.
func (t Transfer) Cancel(now time.Time) (Transfer, []BookingLine, error) {
	before := t.Status
	switch {
	case before == TransferCancelled:
		return t, nil, nil
	case before == TransferReceived || t.arrived() > 0:
		return t, nil, ErrTransferState.With("status", before)
	}
	t.Status, t.EndedAt = TransferCancelled, now
	if before == TransferDraft {
		return t, nil, nil
	}
	return t, t.at(t.From, 1), nil
}

// Receive adds what has come. Last says that nothing more is awaited: what is missing then is lost. No more comes than was sent.
func (t Transfer) Receive(come []TransferLine, last bool, now time.Time) (Transfer, []BookingLine, error) {
	var c fault.Collector
	checkGoods(&c, come)
	c.Check(len(come) > 0 || last, "body.lines", "must name what has come", nil)
	lines, at := make([]TransferLine, len(t.Lines)), make(map[string]int, len(t.Lines))
	for i, l := range t.Lines {
		lines[i], at[l.SKU] = l, i
	}
	var booked []BookingLine
	for i, l := range come {
		j, known := at[l.SKU]
		if !known {
			c.Check(false, fmt.Sprintf("body.lines[%d].sku", i), "is not in the transfer", l.SKU)
			continue
		}
		lines[j].Received += l.Quantity
		c.Check(lines[j].Received <= lines[j].Quantity, fmt.Sprintf("body.lines[%d].quantity", i), "is more than is on its way: book the rest as a receipt", l.Quantity)
		booked = append(booked, BookingLine{Place: Place{l.SKU, t.To}, Quantity: l.Quantity, Mark: t.Lines[j].Mark})
	}
	if err := c.Err(); err != nil {
		return t, nil, err
	}
	if t.Status != TransferInTransit {
		return t, nil, ErrTransferState.With("status", t.Status)
	}
	t.Lines = lines
	if last || t.arrived() == t.sent() {
		t.Status, t.EndedAt = TransferReceived, now
	}
	return t, booked, nil
}

func (t Transfer) at(location string, sign int64) []BookingLine {
	lines := make([]BookingLine, len(t.Lines))
	for i, l := range t.Lines {
		lines[i] = BookingLine{Place: Place{l.SKU, location}, Quantity: sign * l.Quantity, Mark: l.Mark}
	}
	return lines
}

func (t Transfer) sent() (n int64) {
	for _, l := range t.Lines {
		n += l.Quantity
	}
	return n
}

func (t Transfer) arrived() (n int64) {
	for _, l := range t.Lines {
		n += l.Received
	}
	return n
}

// HashOf tells one receipt of a transfer from another.
func HashOf(id string, come []TransferLine, last bool) []byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %t", id, last) // never fails
	for _, l := range come {
		_, _ = fmt.Fprintf(h, " %q %d", l.SKU, l.Quantity)
	}
	return h.Sum(nil)
}
