package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Entity is who sells: the legal entity whose invoices these are, with a number series of its own. It is kept with each document.
type Entity struct {
	ID               string   `yaml:"id" json:"id"`
	Name             string   `yaml:"name" json:"name"`
	Address          []string `yaml:"address" json:"address"`
	TaxID            string   `yaml:"tax_id" json:"tax_id"`
	InvoicePrefix    string   `yaml:"invoice_prefix" json:"invoice_prefix"`
	CreditNotePrefix string   `yaml:"credit_note_prefix" json:"credit_note_prefix"`
	Footer           string   `yaml:"footer" json:"footer"`
}

// EntityFile is a setting: the file of the legal entity, which is read with the settings.
type EntityFile struct{ Entity Entity }

// UnmarshalText implements encoding.TextUnmarshaler. All faults come at once.
func (f *EntityFile) UnmarshalText(text []byte) error {
	data, err := os.ReadFile(string(text))
	if err != nil {
		return fmt.Errorf("legal entity: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f.Entity); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("legal entity %s: %w", text, err)
	}
	e := f.Entity
	var c fault.Collector
	c.Check(e.ID != "", "id", "must be given", nil)
	c.Check(e.Name != "", "name", "must be given", nil)
	c.Check(len(e.Address) > 0, "address", "must have lines", nil)
	c.Check(e.InvoicePrefix != "" && e.InvoicePrefix != e.CreditNotePrefix && e.CreditNotePrefix != "", "invoice_prefix, credit_note_prefix", "must be given, and differ", nil)
	if err := c.Err(); err != nil {
		return fmt.Errorf("legal entity %s: %w", text, err)
	}
	return nil
}

// Document is an invoice, or the credit note of a refund. What it shows follows from it and from the order as it was at that edition, which
// is never changed: it is the same each time.
type Document struct {
	Number   string
	Entity   Entity
	IssuedAt time.Time
	Of       string // of a credit note: the number of the invoice
	Edition  int    // of an invoice: the number of the last edit that it takes in
}

// Documents issues documents: each once, numbered without gaps.
type Documents interface {
	Issue(ctx context.Context, e Entity, orderID, refundID string, now time.Time) (Document, error)
}

// Sheet is all that a document shows.
type Sheet struct {
	Document
	OrderNumber string
	PlacedAt    time.Time
	Billing     orderapi.Address
	Lines       []SheetLine
	Taxes       []SheetTax // by rate, in their order; shipping last
	Total       money.Amount
	TaxIncluded bool // in the amounts of the lines
}

// SheetLine is a row of a document.
type SheetLine struct {
	Title, SKU string
	Quantity   int64
	Amount     money.Amount // on an invoice as quoted; on a credit note with tax
}

// SheetTax is what a rate comes to.
type SheetTax struct {
	Name       string
	Net, Tax   money.Amount
	gross      money.Amount
	basisPoint int64
}

// The refusals of documents.
var (
	ErrNoEntity     = fault.New(fault.Conflict, "invoices-not-configured", "This shop issues no invoices.")
	ErrNotInvoiced  = fault.New(fault.Conflict, "not-captured", "An order that is not paid has no invoice yet.")
	ErrNoCreditNote = fault.New(fault.NotFound, "refund-not-found", "There is no such refund, or it is not done.")
)

// Invoice returns the invoice of an order, issued now if it was not before.
func (a *App) Invoice(ctx context.Context, docs Documents, e Entity, rec Record) (Sheet, error) {
	switch {
	case e.ID == "":
		return Sheet{}, ErrNoEntity
	case rec.CapturedAt.IsZero():
		return Sheet{}, ErrNotInvoiced
	}
	doc, err := docs.Issue(ctx, e, rec.ID, "", a.now())
	if err != nil {
		return Sheet{}, err
	}
	if rec, err = a.asOf(ctx, rec, doc.Edition); err != nil {
		return Sheet{}, err
	}
	s, err := rec.sheet(doc)
	if err != nil {
		return s, err
	}
	for _, l := range rec.Snapshot.Lines {
		s.Lines = append(s.Lines, SheetLine{Title: l.Title, SKU: l.SKU, Quantity: l.Quantity, Amount: l.Total})
	}
	shipping, fee := rec.Snapshot.Totals.Shipping, rec.Snapshot.Totals.PaymentFee
	shipping.Minor -= fee.Minor // which is a part of it
	s.Lines = append(s.Lines, SheetLine{Title: "Shipping: " + rec.Snapshot.ShippingOption.Label, Quantity: 1, Amount: shipping})
	if fee.IsPositive() {
		s.Lines = append(s.Lines, SheetLine{Title: "Fee: cash on delivery", Quantity: 1, Amount: fee})
	}
	return s, nil
}

// Cancellation stands where a refund's id would: the credit note of what was left of the invoice when its order was cancelled.
const Cancellation = "cancellation"

// asOf is the order as an invoice has it. An edit may have been made after rec was read, and before the invoice was issued.
func (a *App) asOf(ctx context.Context, rec Record, edition int) (Record, error) {
	var err error
	if edition > 0 {
		if rec, err = a.Store.Load(ctx, rec.ID); err != nil {
			return rec, err
		}
	}
	now := rec.Snapshot // it stands behind the last edit, as if another had come
	rec.Edits = append(slices.Clone(rec.Edits), edit{Edit: orderapi.Edit{Number: rec.EditNumber + 1}, Before: &now})
	rec.Snapshot = rec.at(edition)
	return rec, nil
}

// at is the order as the edit of a number left it.
func (r Record) at(edition int) orderapi.PlaceRequest {
	for _, e := range r.Edits {
		if e.Number > edition && e.Before != nil {
			return *e.Before
		}
	}
	return r.Snapshot
}

// credited is what credit notes are of, in the order in which it went back. What comes before one of them never changes. What an edit gave
// back is none when the invoice has it already, nor is what went back later of what such an edit took off and payment had refused; the snapshot is
// that of the invoice.
func (r Record) credited(edition int) Refunds {
	var all Refunds
	var last time.Time
	left, owed := r.Snapshot.Totals.Total, int64(0)
	for _, f := range r.Refunds {
		if f.DoneAt != nil {
			owed, last = max(0, owed-r.offCharges(last, *f.DoneAt)), *f.DoneAt
		}
		known := f.Edit > 0 && f.Edit <= edition
		switch {
		case known && (f.Status == orderapi.RefundRefused || f.Status == orderapi.RefundSuperseded):
			owed += f.Amount.Minor
			continue
		case known || f.Status != orderapi.RefundDone:
			continue
		case f.Edit == 0:
			off := min(owed, f.Amount.Minor)
			owed -= off
			f.Amount.Minor -= off
		}
		if f.Amount.IsPositive() {
			all = append(all, f)
			left.Minor -= f.Amount.Minor
		}
	}
	if !r.CancelledAt.IsZero() && left.IsPositive() {
		all = append(all, orderapi.Refund{ID: Cancellation, Amount: left})
	}
	return all
}

// offCharges is how much of what was owed edits that cost more have taken off what they charged, after one time until another.
func (r Record) offCharges(after, until time.Time) (sum int64) {
	for _, e := range r.Edits {
		if e.Status != orderapi.EditDone || !e.Difference.IsPositive() || !e.DoneAt.After(after) || e.DoneAt.After(until) {
			continue
		}
		if sum += e.Difference.Minor; e.Charged != nil {
			sum -= e.Charged.Minor
		}
	}
	return sum
}

// CreditNote returns the credit note of a refund that is done, or of the cancellation; the invoice is issued before it if need be.
func (a *App) CreditNote(ctx context.Context, docs Documents, e Entity, rec Record, refundID string) (Sheet, error) {
	first := rec
	first.Snapshot = rec.at(0)
	if first.credited(0).at(refundID) < 0 && rec.credited(rec.EditNumber).at(refundID) < 0 { // then no invoice is issued for it
		return Sheet{}, ErrNoCreditNote
	}
	invoice, err := a.Invoice(ctx, docs, e, rec)
	if err != nil {
		return Sheet{}, err
	}
	if rec, err = a.asOf(ctx, rec, invoice.Edition); err != nil {
		return Sheet{}, err
	}
	all := rec.credited(invoice.Edition)
	i := all.at(refundID)
	if i < 0 {
		return Sheet{}, ErrNoCreditNote
	}
	doc, err := docs.Issue(ctx, invoice.Entity, rec.ID, refundID, a.now())
	if err != nil {
		return Sheet{}, err
	}
	doc.Of = invoice.Number
	return rec.credit(invoice, doc, all[:i+1])
}

// sheet is what invoice and credit note share: the order, and its taxes by rate. What the lines' taxes leave is that of shipping.
func (r Record) sheet(doc Document) (Sheet, error) {
	t := r.Snapshot.Totals
	s := Sheet{Document: doc, OrderNumber: r.Number, PlacedAt: r.PlacedAt, Billing: r.Snapshot.BillingAddress, Total: t.Total, TaxIncluded: t.TaxIncluded}
	add := func(name string, bp, amount, tax int64) {
		i := slices.IndexFunc(s.Taxes, func(x SheetTax) bool { return x.Name == name })
		if i < 0 {
			zero := money.Zero(t.Total.Currency)
			s.Taxes = append(s.Taxes, SheetTax{Name: name, Net: zero, Tax: zero, gross: zero, basisPoint: bp})
			i = len(s.Taxes) - 1
		}
		x := &s.Taxes[i]
		x.Tax.Minor += tax
		if x.Net.Minor += amount; t.TaxIncluded {
			x.Net.Minor -= tax
		}
		x.gross.Minor = x.Net.Minor + x.Tax.Minor
	}
	left := t.Tax.Minor
	for _, l := range r.Snapshot.Lines {
		add(rate(l.TaxRateBP), l.TaxRateBP, l.Total.Minor, l.Tax.Minor)
		left -= l.Tax.Minor
	}
	slices.SortFunc(s.Taxes, func(x, y SheetTax) int { return int(x.basisPoint - y.basisPoint) })
	if t.Shipping.IsPositive() || left != 0 {
		add("Shipping", 0, t.Shipping.Minor, left)
	}
	sum := int64(0)
	for _, x := range s.Taxes {
		sum += x.gross.Minor
	}
	if sum != t.Total.Minor {
		return s, fault.Newf(fault.Internal, "invoice-does-not-add-up", "the rates of order %s come to %d of %s", r.ID, sum, t.Total)
	}
	return s, nil
}

func rate(bp int64) string { return fmt.Sprintf("%d.%02d %%", bp/100, bp%100) }

// credit is the last of what was credited. A tax's part of it is what the tax of all that was credited until then comes to, less what it
// came to before, so that the notes together never show another tax than the invoice.
func (r Record) credit(invoice Sheet, doc Document, credited Refunds) (Sheet, error) {
	s := invoice
	f := credited[len(credited)-1]
	s.Document, s.Total, s.Taxes = doc, f.Amount, nil
	s.TaxIncluded = true // what goes back is what was paid
	before, until, lines, err := r.shares(invoice.Taxes, credited)
	if err != nil {
		return s, err
	}
	if s.Lines = lines; len(lines) == 0 {
		title := "Refund of order "
		if f.ID == Cancellation {
			title = "Cancellation of order "
		}
		s.Lines = []SheetLine{{Title: title + r.Number, Quantity: 1, Amount: f.Amount}}
	}
	for i, x := range invoice.Taxes {
		if until[i] == before[i] {
			continue
		}
		tax, err := x.Tax.Ratio(until[i], x.gross.Minor, money.HalfUp)
		if err != nil {
			return s, err
		}
		known, err := x.Tax.Ratio(before[i], x.gross.Minor, money.HalfUp)
		if err != nil {
			return s, err
		}
		tax.Minor -= known.Minor
		s.Taxes = append(s.Taxes, SheetTax{Name: x.Name, Net: money.New(until[i]-before[i]-tax.Minor, tax.Currency), Tax: tax})
	}
	return s, nil
}

// shares is how much of each rate was credited before the last and with it, and the lines of the last. Pieces are of their rate as far as
// there is anything left of it, and so is what an edit took off; an amount is of what is left of all.
func (r Record) shares(taxes []SheetTax, credited Refunds) (before, until []int64, lines []SheetLine, err error) {
	until = make([]int64, len(taxes))
	pieces := map[string]int64{}
	for _, f := range credited {
		before, lines = slices.Clone(until), nil
		rest := f.Amount
		give := func(name string, minor int64) {
			i := slices.IndexFunc(taxes, func(x SheetTax) bool { return x.Name == name })
			if i < 0 {
				return
			}
			part := max(0, min(minor, taxes[i].gross.Minor-until[i], rest.Minor))
			until[i] += part
			rest.Minor -= part
		}
		if f.Edit > 0 {
			var less []SheetTax
			if less, lines, err = r.takenOff(f); err != nil {
				return nil, nil, nil, err
			}
			for _, x := range less {
				give(x.Name, x.gross.Minor)
			}
		}
		of := r // as the pieces were of it
		of.Snapshot = r.at(f.Edition)
		for _, piece := range f.Lines {
			i := slices.IndexFunc(of.Snapshot.Lines, func(l orderapi.PlaceLine) bool { return l.ID == piece.LineID })
			if i < 0 { // refunded before editions were kept: by share
				continue
			}
			line := of.Snapshot.Lines[i]
			worth, err := of.worth(line, pieces[line.ID], piece.Quantity)
			if err != nil {
				return nil, nil, nil, err
			}
			pieces[line.ID] += piece.Quantity
			lines = append(lines, SheetLine{Title: line.Title, SKU: line.SKU, Quantity: piece.Quantity, Amount: worth})
			give(rate(line.TaxRateBP), worth.Minor)
		}
		sum := int64(0)
		for _, l := range lines {
			sum += l.Amount.Minor
		}
		if sum != f.Amount.Minor { // it is not all of the pieces
			lines = nil
		}
		left := make([]int64, len(taxes))
		for i, x := range taxes {
			left[i] = x.gross.Minor - until[i]
		}
		parts, err := rest.Allocate(left)
		if err != nil {
			return nil, nil, nil, err
		}
		for i, part := range parts {
			until[i] += part.Minor
		}
	}
	return before, until, lines, nil
}

// takenOff is what an edit took off an order, by rate and by line, taxes included.
func (r Record) takenOff(f orderapi.Refund) (rates []SheetTax, lines []SheetLine, err error) {
	was, is := r, r
	was.Snapshot, is.Snapshot = r.at(f.Edit-1), r.at(f.Edit)
	before, err := was.sheet(Document{})
	if err != nil {
		return nil, nil, err
	}
	after, err := is.sheet(Document{})
	if err != nil {
		return nil, nil, err
	}
	for _, x := range before.Taxes {
		if i := slices.IndexFunc(after.Taxes, func(y SheetTax) bool { return y.Name == x.Name }); i >= 0 {
			x.gross.Minor -= after.Taxes[i].gross.Minor
		}
		rates = append(rates, x)
	}
	rest := f.Amount
	for _, l := range was.Snapshot.Lines {
		less, err := was.worth(l, 0, l.Quantity)
		if err != nil {
			return nil, nil, err
		}
		pieces := l.Quantity
		if i := slices.IndexFunc(is.Snapshot.Lines, func(x orderapi.PlaceLine) bool { return x.ID == l.ID }); i >= 0 {
			stays := is.Snapshot.Lines[i]
			worth, err := is.worth(stays, 0, stays.Quantity)
			if err != nil {
				return nil, nil, err
			}
			pieces -= stays.Quantity
			less.Minor -= worth.Minor
		}
		if pieces > 0 {
			lines = append(lines, SheetLine{Title: l.Title, SKU: l.SKU, Quantity: pieces, Amount: less})
			rest.Minor -= less.Minor
		}
	}
	if rest.Minor != 0 {
		lines = append(lines, SheetLine{Title: "Shipping and discounts", Quantity: 1, Amount: rest})
	}
	return rates, lines, nil
}
