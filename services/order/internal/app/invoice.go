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
