package httpapi_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/order/internal/app"
)

// adds sums an invoice or a credit note, which must come to its total by lines and by rates, and returns what it says.
func adds(t *testing.T, sheet app.Sheet, err error) (tax int64, taxes, lines []string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	byLine, byRate := int64(0), int64(0)
	for _, l := range sheet.Lines {
		byLine += l.Amount.Minor
		lines = append(lines, fmt.Sprint(l.SKU, " ", l.Quantity, " ", l.Amount.Minor))
	}
	for _, x := range sheet.Taxes {
		byRate += x.Net.Minor + x.Tax.Minor
		tax += x.Tax.Minor
		taxes = append(taxes, fmt.Sprint(x.Name, " ", x.Net.Minor, " ", x.Tax.Minor))
	}
	if !sheet.TaxIncluded {
		byLine += tax
	}
	if byLine != sheet.Total.Minor || byRate != sheet.Total.Minor {
		t.Errorf("%s of %s: lines of %d, rates of %d", sheet.Number, sheet.Total, byLine, byRate)
	}
	return tax, taxes, lines
}

// Pieces of an edited order that are refunded are credited as pieces, at their own taxes, whether it was invoiced before the edit or after it.
func TestPiecesOfEditedOrdersAreCredited(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		s := open(t)
		id, token := s.buyTaxed()
		s.prices.Rates = map[string]int64{"shirt": 1900, "book": 700}
		if early {
			s.client.Do("GET", "/v1/orders/"+id+"/invoice?access_token="+token, nil).Want(200)
		}
		s.edit(id, "key-1", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
		s.refundIs(id, 0, "refunded")
		s.refund(id, "r", `{"lines":[{"line_id":"l1","quantity":1}],"reason":"torn"}`).Want(201)
		o := s.refundIs(id, 1, "refunded")
		rec := s.reaches(id, "confirmed")
		sheet, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, o.Refunds[1].ID)
		_, taxes, lines := adds(t, sheet, err)
		if !slices.Equal(taxes, []string{"19.00 % 1000 190"}) || !slices.Equal(lines, []string{"shirt 1 1190"}) {
			t.Errorf("credited %q and %q", taxes, lines)
		}
	}
}

// The invoice of an order that an edit made cost more is of all of it, though two payments paid it; a refund over both has one credit note, and with
// that of the cancellation each cent of tax is credited once. What is charged for an edit that is not made is in none of them.
func TestTheInvoiceOfAnEditThatWasCharged(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{true, false} {
		s := open(t)
		id, token := s.buyTaxed()
		s.shelf.Left["mug"], s.prices.Rates = 3, map[string]int64{"shirt": 1900, "book": 700, "mug": 1900}
		ordered := s.reaches(id, "confirmed").Total
		var away atomic.Bool
		away.Store(!made)
		s.bank.Next = func(step string, _ app.MoneyCommand) (answer app.MoneyAnswer) {
			if step == "capture" && away.Load() { // nobody knows yet
				answer = app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: time.Minute}
			}
			return answer
		}
		s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
		if made {
			s.editIs(id, "done")
			s.reaches(id, "confirmed")
			s.refund(id, "r", `{"amount":{"amount":3000,"currency":"USD"},"reason":"torn"}`).Want(201)
			s.refundIs(id, 0, "refunded")
		} else {
			s.reaches(id, "editing_money")
			s.waitsAgain(id)
		}
		s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
		away.Store(false)
		s.turnClock(2 * time.Minute)
		s.app.Driver().Sweep(t.Context())
		rec := s.reaches(id, "cancelled")
		if left := s.left(id); left != 0 || rec.Returned != rec.Captured || rec.Captured.Minor <= ordered.Minor || s.shelf.Of("mug") != 3 {
			t.Errorf("%s of %s went back, payment has %d", rec.Returned, rec.Captured, left)
		}
		invoice, err := s.app.Invoice(t.Context(), s.store, s.entity(), rec)
		tax, _, _ := adds(t, invoice, err)
		if invoice.Total != rec.Total || made != (rec.Total.Minor > ordered.Minor) || (s.editIs(id, map[bool]string{true: "done", false: "refused"}[made]).Charged == nil) {
			t.Errorf("the invoice is of %s, the order cost %s and costs %s", invoice.Total, ordered, rec.Total)
		}
		notes := []string{app.Cancellation}
		if made {
			notes = []string{rec.Refunds[0].ID, app.Cancellation}
		}
		credited := int64(0)
		for _, id := range notes {
			note, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, id)
			part, _, _ := adds(t, note, err)
			tax, credited = tax-part, credited+note.Total.Minor
		}
		if tax != 0 || credited != invoice.Total.Minor {
			t.Errorf("%d credited of %s, %d of its taxes are not", credited, invoice.Total, tax)
		}
	}
}

// What an edit took off and payment refused goes back later, by a refund or in payment: an invoice of the edited order never had it, so it is credited
// only against one that was issued before. Invoice and credit notes come to what the shop has.
func TestWhatWasOwedIsNotCredited(t *testing.T) {
	t.Parallel()
	refund := func(s *shop, id, key string, minor int64) {
		s.bank.Next = nil
		s.refund(id, key, fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"reason":"what the edit took off"}`, minor)).Want(201)
	}
	edited := func(s *shop, id, key, body string, refused int) {
		s.edit(id, key, body).Want(201)
		s.refundIs(id, refused, "refused")
	}
	const shirts, shirt = `{"lines":[{"line_id":"l1","quantity":0}]}`, `{"lines":[{"line_id":"l1","quantity":1}]}`
	for name, c := range map[string]struct {
		do    func(s *shop, id string, invoice func())
		notes []int64
	}{ // without shirts it costs 29.75 less, with one 17.85
		"by a refund": {do: func(s *shop, id string, _ func()) {
			edited(s, id, "e", shirts, 0)
			refund(s, id, "r", 2975)
		}},
		"in payment": {do: func(s *shop, id string, _ func()) {
			edited(s, id, "e", shirts, 0)
			s.bank.Next = nil
			s.staffGiveBack(id, 1, 2975)
		}},
		"with goodwill": {do: func(s *shop, id string, _ func()) {
			edited(s, id, "e", shirts, 0)
			refund(s, id, "r", 3975)
		}, notes: []int64{1000}},
		"with a piece": {do: func(s *shop, id string, _ func()) {
			edited(s, id, "e", shirt, 0)
			refund(s, id, "r", 1595)
			s.refundIs(id, 1, "refunded")
			s.refund(id, "p", `{"lines":[{"line_id":"l1","quantity":1}],"reason":"torn"}`).Want(201)
			s.refundIs(id, 2, "refunded")
		}, notes: []int64{1000}},
		"taken off a charge, and the rest with goodwill": {do: func(s *shop, id string, _ func()) {
			edited(s, id, "e", shirts, 0)
			s.edit(id, "more", `{"add":[{"sku":"book","quantity":1}]}`).Want(201) // 21.40 of it
			s.editIs(id, "done")
			s.reaches(id, "confirmed")
			refund(s, id, "r", 1595)
		}, notes: []int64{760}},
		"invoiced before": {do: func(s *shop, id string, invoice func()) {
			invoice()
			edited(s, id, "e", shirts, 0)
			refund(s, id, "r", 2975)
		}, notes: []int64{2975}},
		"invoiced in between": {do: func(s *shop, id string, invoice func()) {
			edited(s, id, "e", shirt, 0)
			invoice()
			edited(s, id, "f", shirts, 1)
			refund(s, id, "r", 2975)
		}, notes: []int64{1190}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id, token := s.buyTaxed()
			s.prices.Rates = map[string]int64{"shirt": 1900, "book": 700}
			s.declines("refund", "", "91506")
			c.do(s, id, func() { s.client.Do("GET", "/v1/orders/"+id+"/invoice?access_token="+token, nil).Want(200) })
			s.itsMoneyRests(id)
			s.owes(id, 0)
			rec := s.reaches(id, "confirmed")
			invoice, err := s.app.Invoice(t.Context(), s.store, s.entity(), rec)
			adds(t, invoice, err)
			var notes []int64
			left := invoice.Total.Minor
			for _, f := range rec.Refunds {
				note, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, f.ID)
				if errors.Is(err, app.ErrNoCreditNote) {
					continue
				}
				adds(t, note, err)
				notes = append(notes, note.Total.Minor)
				left -= note.Total.Minor
			}
			if !slices.Equal(notes, c.notes) || left != rec.Captured.Minor-rec.Returned.Minor {
				t.Errorf("%v credited of %s; captured %s, returned %s", notes, invoice.Total, rec.Captured, rec.Returned)
			}
		})
	}
}
