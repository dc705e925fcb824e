package httpapi_test

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/pdf"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

func (s *shop) entity() app.Entity {
	s.t.Helper()
	var f app.EntityFile
	if err := f.UnmarshalText([]byte("../../../../docs/examples/legal-entity.yaml")); err != nil {
		s.t.Fatal(err)
	}
	return f.Entity
}

// taxed is an order of two rates and shipping, taxes on top, for a customer with a name that is not ASCII.
func taxed(id string) orderapi.PlaceRequest {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	p := ordertest.Snapshot(id, 1)
	p.BillingAddress.Name, p.BillingAddress.City = "Żółć Ελληνικά Щука", "Łódź"
	p.Lines = []orderapi.PlaceLine{
		{ID: "l1", SKU: "shirt", Title: "Shirt, with a title that is so long that it takes more than one line on paper", Quantity: 2, UnitPrice: usd(1000), Subtotal: usd(2000), Tax: usd(380), TaxRateBP: 1900, Total: usd(2000)},
		{ID: "l2", SKU: "book", Title: "Book 漢", Quantity: 1, UnitPrice: usd(999), Subtotal: usd(999), Tax: usd(70), TaxRateBP: 700, Total: usd(999)}}
	p.Promotions = nil
	p.Totals.Subtotal, p.Totals.Discount, p.Totals.Shipping, p.Totals.Tax, p.Totals.Total = usd(2999), usd(0), usd(500), usd(545), usd(4044)
	return p
}

func (s *shop) buyTaxed() (id, token string) {
	s.t.Helper()
	s.shelf.Left["book"] = 100
	s.shelf.Left["shirt"] = 100
	id = newID(s.t)
	if err := s.app.Place(s.t.Context(), taxed(id)); err != nil {
		s.t.Fatal(err)
	}
	return id, s.reaches(id, "confirmed").AccessToken
}

// The invoice is issued once, its bytes are the same each time; a stranger gets none; a refund that is done has a credit note.
func TestInvoiceAndCreditNote(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, token := s.buyTaxed()
	path := "/v1/orders/" + id
	first := s.client.Do("GET", path+"/invoice?access_token="+token, nil).Want(200)
	if first.Header.Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(first.Body, []byte("%PDF-")) || first.Header.Get("Content-Disposition") != `inline; filename="INV-000001.pdf"` {
		t.Errorf("%v", first.Header)
	}
	if again := s.client.Do("GET", path+"/invoice?access_token="+token, nil).Want(200); !bytes.Equal(first.Body, again.Body) {
		t.Error("the second time it is another document")
	}
	s.staff().Do("GET", path+"/invoice", nil).Want(200)
	s.client.Do("GET", path+"/invoice?access_token=x", nil).Want(404)
	s.client.Do("GET", path+"/invoice", nil).Want(404)
	s.client.Do("GET", path+"/credit-notes/none?access_token="+token, nil).Want(404)
	s.bring(id, "picking", 200)
	s.refund(id, "key", `{"lines":[{"line_id":"l1","quantity":1}],"reason":"torn"}`).Want(201)
	o := s.refundIs(id, 0, "refunded")
	note := s.client.Do("GET", path+"/credit-notes/"+o.Refunds[0].ID+"?access_token="+token, nil).Want(200)
	if note.Header.Get("Content-Disposition") != `inline; filename="CN-000001.pdf"` {
		t.Errorf("%v", note.Header)
	}
	if dir := os.Getenv("SIDECART_PAPERS"); dir != "" { // to look at
		for name, body := range map[string][]byte{"invoice.pdf": first.Body, "note.pdf": note.Body} {
			if err := os.WriteFile(dir+"/"+name, body, 0o600); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a document says adds up: by rate, with what is left for shipping; a credit note has the share of each.
func TestTaxesOfDocuments(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, _ := s.buyTaxed()
	rec := s.reaches(id, "confirmed")
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	taxes := func(sheet app.Sheet, err error) (all []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range sheet.Taxes {
			all = append(all, x.Name+": "+x.Net.String()+" + "+x.Tax.String())
		}
		return all
	}
	if diff := cmp.Diff([]string{"7.00 %: 9.99 USD + 0.70 USD", "19.00 %: 20.00 USD + 3.80 USD", "Shipping: 5.00 USD + 0.95 USD"}, taxes(s.app.Invoice(t.Context(), s.store, s.entity(), rec))); diff != "" {
		t.Error(diff)
	}
	rec.Refunds = app.Refunds{{ID: "piece", Amount: usd(1190), Lines: []orderapi.RefundLine{{LineID: "l1", Quantity: 1}}, Status: "refunded"}, {ID: "part", Amount: usd(2022), Status: "refunded"},
		{ID: "pending", Amount: usd(1), Status: "pending"}}
	if diff := cmp.Diff([]string{"19.00 %: 10.00 USD + 1.90 USD"}, taxes(s.app.CreditNote(t.Context(), s.store, s.entity(), rec, "piece"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"7.00 %: 7.07 USD + 0.50 USD", "19.00 %: 7.08 USD + 1.35 USD", "Shipping: 3.55 USD + 0.67 USD"}, taxes(s.app.CreditNote(t.Context(), s.store, s.entity(), rec, "part"))); diff != "" {
		t.Error(diff)
	}
	if _, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, "pending"); err == nil {
		t.Error("a refund that is not done has a credit note")
	}
	if _, err := s.app.Invoice(t.Context(), s.store, app.Entity{}, rec); err == nil {
		t.Error("an invoice of nobody")
	}
}

// However a line goes back, by pieces, by amounts or by a cancel, its notes show each cent of tax once, and each line what was paid.
func TestCreditNotesAddUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, _ := s.buyTaxed()
	rec := s.reaches(id, "confirmed")
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	rec.Snapshot.Lines = []orderapi.PlaceLine{{ID: "l1", SKU: "shirt", Title: "Shirt", Quantity: 7, Tax: usd(80), TaxRateBP: 800, Total: usd(1000)}}
	rec.Snapshot.Totals.Shipping, rec.Snapshot.Totals.Tax, rec.Snapshot.Totals.Total = usd(0), usd(80), usd(1080)
	notes := func(rec app.Record, ids ...string) (tax int64) {
		t.Helper()
		for _, id := range ids {
			note, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, id)
			if err != nil {
				t.Fatal(err)
			}
			lines, taxes := int64(0), int64(0)
			for _, l := range note.Lines {
				lines += l.Amount.Minor
			}
			for _, x := range note.Taxes {
				taxes += x.Net.Minor + x.Tax.Minor
				tax += x.Tax.Minor
			}
			if lines != note.Total.Minor || taxes != note.Total.Minor || !note.TaxIncluded {
				t.Errorf("note %s of %s: lines of %d, rates of %d", id, note.Total, lines, taxes)
			}
		}
		return tax
	}
	var ids []string
	for n := range int64(7) { // at 154.28… each
		ids = append(ids, string(rune('a'+n)))
		rec.Refunds = append(rec.Refunds, orderapi.Refund{ID: ids[n], Amount: usd((n+1)*1080/7 - n*1080/7), Lines: []orderapi.RefundLine{{LineID: "l1", Quantity: 1}}, Status: "refunded"})
	}
	if tax := notes(rec, ids...); tax != 80 {
		t.Errorf("by pieces, the notes show a tax of %d", tax)
	}
	mixed := rec
	mixed.Refunds = app.Refunds{{ID: "x", Amount: usd(333), Status: "refunded"}, {ID: "refused", Amount: usd(1), Status: "refused"}, rec.Refunds[0]}
	mixed.CancelledAt = time.Now()
	if tax := notes(mixed, "x", "a", app.Cancellation); tax != 80 {
		t.Errorf("by an amount, a piece and a cancel, the notes show a tax of %d", tax)
	}
	two := taxed(id) // an amount of all takes from a rate what its pieces would
	rec.Snapshot.Lines, rec.Snapshot.Totals, rec.CancelledAt = two.Lines, two.Totals, time.Now()
	rec.Refunds = app.Refunds{{ID: "half", Amount: usd(2000), Status: "refunded"}, {ID: "all", Amount: usd(1069), Lines: []orderapi.RefundLine{{LineID: "l2", Quantity: 1}}, Status: "refunded"}}
	if tax := notes(rec, "half", "all", app.Cancellation); tax != 545 {
		t.Errorf("of two rates, the notes show a tax of %d", tax)
	}
}

// What goes back by a cancel, or in payment, has its credit note too; what was never captured has none.
func TestCreditNotesOfWhatOthersGaveBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, token := s.buyTaxed()
	note := func(of string) *apitest.Answer {
		return s.client.Do("GET", "/v1/orders/"+id+"/credit-notes/"+of+"?access_token="+token, nil)
	}
	s.hears(refunded(id, 1000), refunded(id, 1500), refunded(id, 1000))
	o := s.order(id, token)
	if len(o.Refunds) != 2 || o.Refunds[0].Amount.Minor != 1000 || o.Refunds[1].Amount.Minor != 500 || o.Refunds[1].Status != "refunded" || o.Refunds[1].Reason != "" {
		t.Fatalf("%+v", o.Refunds)
	}
	first := note(o.Refunds[0].ID).Want(200)
	note(app.Cancellation).Want(404)
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"no"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if len(rec.Refunds) != 2 {
		t.Errorf("a cancel is no refund: %+v", rec.Refunds)
	}
	note(app.Cancellation).Want(200)
	if sheet, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, app.Cancellation); err != nil || sheet.Total.Minor != 4044-1500 {
		t.Errorf("%s: %v", sheet.Total, err)
	}
	if again := note(o.Refunds[0].ID).Want(200); !bytes.Equal(first.Body, again.Body) {
		t.Error("after the cancel it is another document")
	}
}

// Many at once, some of one order, some that fail after they have drawn their number: no gap and no double.
func TestNumbersWithoutGaps(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, postgres.Migrations()...)
	s := openOn(t, pool, "")
	store, entity := s.store, s.entity()
	s.shelf.Left["shirt"] = 100
	for _, id := range []string{"a", "b", "broken", "c", "d", "e", "f", "g"} {
		s.place(id, 1)
	}
	if _, err := pool.Exec(t.Context(), `ALTER TABLE documents ADD CONSTRAINT never CHECK (order_id <> 'broken')`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		for _, order := range []string{"a", "b", "broken", "c", "d", "e", "f", "g"} {
			all.Go(func() {
				if _, err := store.Issue(t.Context(), entity, order, "", time.Now().UTC().Truncate(time.Microsecond)); (err != nil) != (order == "broken") {
					t.Errorf("%s: %v", order, err)
				}
			})
		}
	}
	all.Wait()
	var n, last, orders int64
	if err := pool.QueryRow(t.Context(), `SELECT count(*), max(sequence), count(DISTINCT order_id) FROM documents`).Scan(&n, &last, &orders); err != nil || n != 7 || last != 7 || orders != 7 {
		t.Errorf("%d documents of %d orders, the last is number %d: %v", n, orders, last, err)
	}
}

func TestADocumentIsDrawnTheSame(t *testing.T) {
	t.Parallel()
	var sheet app.Sheet
	sheet.Number, sheet.Total, sheet.IssuedAt = "INV-1", money.New(1, "USD"), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 200 {
		sheet.Lines = append(sheet.Lines, app.SheetLine{Title: "Ναι, и да", SKU: "x", Quantity: int64(i), Amount: money.New(1, "USD")})
	}
	one, err := pdf.Draw(sheet)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := pdf.Draw(sheet); err != nil || !bytes.Equal(one, two) {
		t.Errorf("two drawings differ: %v", err)
	}
	press := pdf.NewPress()
	kept, err := press.Draw(sheet)
	if err != nil || !bytes.Equal(one, kept) {
		t.Fatalf("a press draws another one: %v", err)
	}
	if again, err := press.Draw(sheet); err != nil || &again[0] != &kept[0] {
		t.Errorf("what was drawn is drawn again: %v", err)
	}
	sheet.Lines[199].Amount.Minor++
	if other, err := press.Draw(sheet); err != nil || bytes.Equal(one, other) {
		t.Errorf("another document has the bytes of the first: %v", err)
	}
}
