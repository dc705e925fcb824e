package app

import (
	"context"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Cancellation stands where a refund's id would: the credit note of what was left of the invoice when its order was cancelled.
const Cancellation = "cancellation"

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
