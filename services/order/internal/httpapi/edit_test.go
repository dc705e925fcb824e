package httpapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

func (s *shop) edit(id, key, body string) *apitest.Answer {
	s.t.Helper()
	return s.staff().With("Idempotency-Key", key).Do("POST", "/v1/admin/orders/"+id+"/edits", body)
}

// editIs waits until the last edit of an order stands somewhere.
func (s *shop) editIs(id, status string) (e orderapi.Edit) {
	s.t.Helper()
	testkit.Eventually(s.t, 10*time.Second, func() error {
		var all orderapi.Edits
		s.staff().Do("GET", "/v1/admin/orders/"+id+"/edits", nil).Want(200).JSON(&all)
		if n := len(all.Items); n == 0 || all.Items[n-1].Status != status {
			return fmt.Errorf("edits: %+v", all.Items)
		}
		e = all.Items[len(all.Items)-1]
		return nil
	})
	return e
}

// mugs is a shop that has three mugs too, with an order of two shirts at 49.99.
func mugs(t *testing.T) (s *shop, id, token string) {
	t.Helper()
	s, id = open(t), newID(t)
	s.shelf.Left["mug"] = 3
	return s, id, s.place(id, 1).Order.AccessToken
}

// books are the order's books once it rests: what is on the shelf, what it costs, what went back.
func (s *shop) books(id string, shirts, mugs, total, captured, returned int64) {
	s.t.Helper()
	rec := s.reaches(id, "confirmed")
	if s.shelf.Of("shirt") != shirts || s.shelf.Of("mug") != mugs || rec.Total.Minor != total || rec.Captured.Minor != captured || rec.Returned.Minor != returned {
		s.t.Errorf("%d shirts and %d mugs left; it costs %s, captured %s, returned %s", s.shelf.Of("shirt"), s.shelf.Of("mug"), rec.Total, rec.Captured, rec.Returned)
	}
}

// One shirt less and a mug more: stock and money move by the difference, everybody sees the edited order, and the same key does it once.
func TestEdit(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	body := `{"lines":[{"line_id":"l1","quantity":1}],"add":[{"sku":"mug","quantity":1}],"expected_total":{"amount":4499,"currency":"USD"},"note":"as written"%s}`
	var preview, first orderapi.Edit
	s.edit(id, "key-0", fmt.Sprintf(body, `,"preview":true`)).Want(200).JSON(&preview)
	if preview.Status != "preview" || preview.Difference.Minor != -500 || preview.Totals.Total.Minor != 4499 || preview.Shortages != nil {
		t.Errorf("%+v", preview)
	}
	s.books(id, 8, 3, 4999, 4999, 0)
	s.edit(id, "key-1", fmt.Sprintf(body, "")).Want(201).JSON(&first)
	done := s.editIs(id, "done")
	want := []orderapi.EditedLine{{LineID: "l1", SKU: "shirt", Title: "Shirt", Before: 2, After: 1}, {LineID: "e1-1", SKU: "mug", Title: "A mug", After: 1}}
	if diff := cmp.Diff(want, done.Lines); diff != "" || done.ID != first.ID || done.RequestedBy != "staff:tester" || done.Note != "as written" {
		t.Errorf("%+v %s", done, diff)
	}
	o := s.refundIs(id, 0, "refunded")
	if r := o.Refunds[0]; r.Amount.Minor != 500 || r.Edit != 1 {
		t.Errorf("%+v", r)
	}
	s.books(id, 9, 2, 4499, 4999, 500)
	if got := s.edit(id, "key-1", fmt.Sprintf(body, "")).Want(201).Header.Get("Idempotency-Replayed"); got != "true" {
		t.Errorf("replayed: %q", got)
	}
	seen := s.order(id, token)
	if len(seen.Lines) != 2 || seen.Lines[0].Quantity != 1 || seen.Lines[0].UnitPrice.Minor != 2500 || seen.Lines[1].SKU != "mug" || len(seen.Lines[1].Fulfillments) != 1 ||
		seen.Totals.Total.Minor != 4499 || seen.PaymentStatus != "partially_refunded" {
		t.Errorf("%+v", seen)
	}
	if got := s.events(id); !slices.Equal(got, []string{orderapi.TypePlacedV1, orderapi.TypeConfirmedV1, orderapi.TypeEditedV1}) {
		t.Errorf("announced %q", got)
	}
	if all := s.staffOrder(id).Timeline; !slices.ContainsFunc(all, func(e TimelineEntry) bool {
		return e.What == "edit" && e.Actor == "staff:tester" && e.Metadata["note"] == "as written"
	}) {
		t.Errorf("%+v", all)
	}
	s.edit(id, "key-2", `{"lines":[{"line_id":"e1-1","quantity":0}]}`).Want(201)
	s.refundIs(id, 1, "refunded")
	s.books(id, 9, 3, 2499, 4999, 2500)
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if s.shelf.Of("shirt") != 10 || s.shelf.Of("mug") != 3 || rec.Returned.Minor != 4999 {
		t.Errorf("after the cancel %d shirts, %d mugs, %s", s.shelf.Of("shirt"), s.shelf.Of("mug"), rec.Returned)
	}
}

// What an edit gives back waits until the payment has settled: the order is the edited one, can be picked, and a cancel gives back all of it.
func TestEditOfWhatHasNotSettled(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "refund" {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "not-settled", Retryable: true}
		}
		return app.MoneyAnswer{}
	}
	less := `{"lines":[{"line_id":"l1","quantity":1}]}`
	other := newID(t)
	s.place(other, 1)
	for _, order := range []string{id, other} {
		s.edit(order, "key-1", less).Want(201)
		s.editIs(order, "done")
		s.reaches(order, "confirmed")
		if o := s.refundIs(order, 0, "pending"); o.PaymentStatus != "captured" || o.Totals.Total.Minor != 2499 {
			t.Errorf("%+v", o)
		}
		s.edit(order, "key-2", `{"lines":[{"line_id":"l1","quantity":2}]}`).Problem(409, "refund-in-progress")
		s.edit(order, "key-3", `{"shipping_address":{"name":"A","line1":"B","city":"C","region":"IL","postal_code":"62701","country":"US"}}`).Want(201) // this moves no money
		if e := s.editIs(order, "done"); !e.Readdressed || e.Number != 2 || !e.Difference.IsZero() {
			t.Errorf("%+v", e)
		}
		if o := s.refundIs(order, 0, "pending"); o.ShippingAddress.Line1 != "B" || o.Totals.Total.Minor != 2499 {
			t.Errorf("%+v", o)
		}
		if got := s.events(order); got[len(got)-1] != orderapi.TypeEditedV1 {
			t.Errorf("announced %q", got)
		}
	}
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if rec.Returned != ordertest.Total || rec.Refunds[0].Status != "superseded" || s.shelf.Of("shirt") != 9 {
		t.Errorf("%s, %+v, %d shirts", rec.Returned, rec.Refunds, s.shelf.Of("shirt"))
	}
	s.bring(other, "picking", 200)
	s.refundIs(other, 0, "pending")
}

// Further pieces of a line are a line of their own, at today's price and with what the shopper wrote to the first ones.
func TestEditFurtherPieces(t *testing.T) {
	t.Parallel()
	s, id := open(t), newID(t)
	snapshot := ordertest.Snapshot(id, 1)
	snapshot.Lines[0].Metadata = []byte(`{"engraving":"for a friend"}`)
	snapshot.Lines = append(snapshot.Lines, orderapi.PlaceLine{ID: "l2", SKU: "shirt", Title: "Shirt", Quantity: 1, UnitPrice: money.New(2500, "USD"), Subtotal: money.New(2500, "USD"),
		Tax: money.Zero("USD"), Total: money.New(2500, "USD")})
	snapshot.Totals.Subtotal.Minor, snapshot.Totals.Total.Minor = 7500, 7499
	if err := s.app.Place(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	s.reaches(id, "confirmed")
	s.edit(id, "key", `{"lines":[{"line_id":"l1","quantity":3},{"line_id":"l2","quantity":0}]}`).Want(201)
	s.refundIs(id, 0, "refunded")
	lines := s.reaches(id, "confirmed").Snapshot.Lines
	if len(lines) != 2 || lines[0].Quantity != 2 || lines[0].UnitPrice.Minor != 2500 || lines[1].Quantity != 1 || lines[1].UnitPrice.Minor != 2000 || string(lines[1].Metadata) != `{"engraving": "for a friend"}` {
		t.Errorf("%+v %s", lines, lines[len(lines)-1].Metadata)
	}
	if s.shelf.Of("shirt") != 7 {
		t.Errorf("%d shirts are left", s.shelf.Of("shirt"))
	}
}

// Another address costs nothing, and moves nothing.
func TestEditAddress(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	s.edit(id, "key", `{"shipping_address":{"name":"A Neighbour","line1":"2 Main Street","city":"Springfield","region":"IL","postal_code":"62701","country":"US"}}`).Want(201)
	if e := s.editIs(id, "done"); !e.Readdressed || !e.Difference.IsZero() || len(e.Lines) != 0 {
		t.Errorf("%+v", e)
	}
	s.books(id, 8, 3, 4999, 4999, 0)
	if o := s.order(id, token); o.ShippingAddress.Name != "A Neighbour" || o.BillingAddress.Name != "Sample Customer" || len(o.Refunds) != 0 {
		t.Errorf("%+v", o)
	}
}

// Short stock refuses an edit, and so does what inventory says no to: the order is as it was.
func TestEditIsRefused(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	swap := `{"lines":[{"line_id":"l1","quantity":0}],"add":[{"sku":"mug","quantity":%d}]%s}`
	s.shelf.Left["mug"] = 1
	var preview orderapi.Edit
	s.edit(id, "key-0", fmt.Sprintf(swap, 2, `,"preview":true`)).Want(200).JSON(&preview)
	if diff := cmp.Diff([]orderapi.Shortage{{SKU: "mug", Requested: 2, Available: 1}}, preview.Shortages); diff != "" {
		t.Error(diff)
	}
	s.edit(id, "key-1", fmt.Sprintf(swap, 2, "")).Want(201)
	if e := s.editIs(id, "refused"); e.Problem != "out-of-stock" || len(e.Shortages) != 1 {
		t.Errorf("%+v", e)
	}
	s.books(id, 8, 1, 4999, 4999, 0)
	var asked atomic.Int64
	s.shelf.Lie = func() error { // it was taken, and then there is a no
		if asked.Add(1) == 1 {
			return fault.New(fault.Conflict, "quantity-limit", "not so many")
		}
		return nil
	}
	s.edit(id, "key-2", fmt.Sprintf(swap, 1, "")).Want(201)
	if e := s.editIs(id, "refused"); e.Problem != "quantity-limit" || e.Number != 2 {
		t.Errorf("%+v", e)
	}
	s.books(id, 8, 1, 4999, 4999, 0)
	if got := s.events(id); slices.Contains(got, orderapi.TypeEditedV1) {
		t.Errorf("announced %q", got)
	}
}

func TestBadEdits(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
		at     []string
	}{
		"nothing":              {`{}`, 422, "edit-changes-nothing", nil},
		"as it is":             {`{"lines":[{"line_id":"l1","quantity":2}]}`, 422, "edit-changes-nothing", nil},
		"the same address":     {`{"shipping_address":{"name":"Sample Customer","line1":"1 Main Street","city":"Springfield","region":"IL","postal_code":"62701","country":"US"}}`, 422, "edit-changes-nothing", nil},
		"no line":              {`{"lines":[{"line_id":"l1","quantity":0}]}`, 409, "order-without-lines", nil},
		"unknown lines, twice": {`{"lines":[{"line_id":"x","quantity":1},{"line_id":"x","quantity":1}]}`, 422, "validation-failed", []string{"body.lines[0].line_id", "body.lines[1].line_id", "body.lines[1].line_id"}},
		"out of bounds":        {`{"lines":[{"line_id":"l1","quantity":-1}],"add":[{"sku":"mug","quantity":0},{"sku":"no sku","quantity":1000001}]}`, 422, "validation-failed", []string{"body.add[0].quantity", "body.add[1].quantity", "body.add[1].sku", "body.lines[0].quantity"}},
		"an unknown SKU":       {`{"add":[{"sku":"ghost","quantity":1}]}`, 422, "validation-failed", []string{"body.add[0].sku"}},
		"where nothing goes":   {`{"shipping_address":{"name":"A","line1":"B","city":"C","postal_code":"1","country":"AQ"}}`, 422, "validation-failed", []string{"body.shipping_address.country"}},
		"another total":        {`{"lines":[{"line_id":"l1","quantity":1}],"expected_total":{"amount":1,"currency":"USD"}}`, 409, "price-changed", nil},
		"an unknown member":    {`{"line":[]}`, 422, "validation-failed", []string{"body.line"}},
		"a card":               {`{"note":"4111 1111 1111 1111","lines":[{"line_id":"l1","quantity":1}]}`, 422, "card-number-refused", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.staff().With("Idempotency-Key", name)
			c.T = t
			got := apitest.Locations(c.Do("POST", "/v1/admin/orders/"+id+"/edits", tc.body).Problem(tc.status, tc.code))
			if diff := cmp.Diff(tc.at, got); tc.at != nil && diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("and who may not", func(t *testing.T) {
		less := `{"lines":[{"line_id":"l1","quantity":1}]}`
		path := "/v1/admin/orders/" + id + "/edits"
		s.staff().Do("POST", path, less).Problem(400, "idempotency-key-required")
		s.client.Staff(s.signer, ScopeRead).With("Idempotency-Key", "k").Do("POST", path, less).Problem(403, "forbidden")
		s.client.With("Idempotency-Key", "k").Do("POST", path, less).Problem(401, "unauthenticated")
		s.staff().With("Idempotency-Key", "k").Do("POST", "/v1/admin/orders/none/edits", less).Problem(404, "order-not-found")
		s.bring(id, "picking", 200)
		s.edit(id, "k", less).Problem(409, "order-not-editable")
		other := newID(t)
		s.place(other, 1)
		s.refund(other, "r", `{"lines":[{"line_id":"l1","quantity":1}],"reason":"torn"}`).Want(201)
		s.refundIs(other, 0, "refunded")
		s.edit(other, "k2", less).Problem(409, "lines-refunded")
		_ = token
	})
}

// While an edit runs there is neither another one, nor a refund, nor an invoice, nor picking; a cancel waits for its answer and undoes all.
func TestBesideAnEdit(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	var away atomic.Bool
	away.Store(true)
	s.shelf.Lie = func() error { // it is taken, and nobody hears of it
		if away.Load() {
			return ordertest.Unknown
		}
		return nil
	}
	swap := `{"lines":[{"line_id":"l1","quantity":0}],"add":[{"sku":"mug","quantity":2}]}`
	s.edit(id, "key-1", swap).Want(201)
	testkit.Eventually(t, 10*time.Second, func() error {
		if n := s.shelf.Of("mug"); n != 1 {
			return fmt.Errorf("%d mugs", n)
		}
		return nil
	})
	s.waitsAgain(id)
	s.edit(id, "key-2", swap).Problem(409, "edit-in-progress")
	s.refund(id, "key-3", `{"amount":{"amount":1,"currency":"USD"},"reason":"x"}`).Problem(409, "edit-in-progress")
	s.client.Do("GET", "/v1/orders/"+id+"/invoice?access_token="+token, nil).Problem(409, "edit-in-progress")
	s.bring(id, "picking", 409)
	if err := s.app.FollowMoney(t.Context(), refunded(id, 1000)); !errors.Is(err, app.ErrTooEarly) {
		t.Errorf("money that goes back meanwhile: %v", err)
	}
	if o := s.order(id, token); o.Status != "confirmed" || o.Lines[0].Quantity != 2 {
		t.Errorf("%+v", o)
	}
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	away.Store(false)
	s.turnClock(time.Minute)
	s.app.Driver().Sweep(t.Context())
	rec := s.reaches(id, "cancelled")
	if s.shelf.Of("shirt") != 10 || s.shelf.Of("mug") != 3 || rec.Returned != ordertest.Total {
		t.Errorf("%d shirts, %d mugs, %s returned", s.shelf.Of("shirt"), s.shelf.Of("mug"), rec.Returned)
	}
	if e := s.editIs(id, "refused"); e.Problem != "order-cancelled" {
		t.Errorf("%+v", e)
	}
}

// Editors and somebody who cancels at once: at most one edit at a time, whatever wins, and everything adds up.
func TestEditsRace(t *testing.T) {
	t.Parallel()
	for round := range 4 {
		s, id, token := mugs(t)
		cancelled := round%2 == 0
		for _, err := range testkit.Race(8, func(i int) error {
			if i == 5 && cancelled {
				s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
				return nil
			}
			got := s.edit(id, fmt.Sprint("key-", i), `{"lines":[{"line_id":"l1","quantity":1}],"add":[{"sku":"mug","quantity":1}]}`)
			if got.Status != 201 && got.Status != 409 && got.Status != 422 {
				return fmt.Errorf("%d %s", got.Status, got.Body)
			}
			return nil
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		if cancelled {
			rec := s.reaches(id, "cancelled")
			left := s.left(id) // a second edit costs more: it was charged
			if left != 0 || s.shelf.Of("shirt") != 10 || s.shelf.Of("mug") != 3 || rec.Returned != rec.Captured || rec.Captured.Minor < ordertest.Total.Minor {
				t.Errorf("%d shirts, %d mugs, %s of %s returned, payment has %d", s.shelf.Of("shirt"), s.shelf.Of("mug"), rec.Returned, rec.Captured, left)
			}
			continue
		}
		rec := s.reaches(id, "confirmed")
		pieces := map[string]int64{}
		for _, l := range rec.Snapshot.Lines {
			pieces[l.SKU] += l.Quantity
		}
		if s.shelf.Of("shirt") != 10-pieces["shirt"] || s.shelf.Of("mug") != 3-pieces["mug"] || rec.Captured.Minor != rec.Total.Minor+rec.Reduced.Minor {
			t.Errorf("%v; %d shirts, %d mugs left; %s of %s and %s", pieces, s.shelf.Of("shirt"), s.shelf.Of("mug"), rec.Captured, rec.Total, rec.Reduced)
		}
	}
}

// Every answer of an edit is lost once, and the process dies after each step: it is done once all the same.
func TestEditsSurvive(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	var asked atomic.Int64
	s.shelf.Lie = func() error {
		if asked.Add(1)%2 == 1 {
			return ordertest.Unknown
		}
		return nil
	}
	rec, err := s.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.app.Propose(t.Context(), s.prices, rec, app.EditRequest{ID: "e", Lines: []orderapi.EditLine{{LineID: "l1", Quantity: 1}}, Add: []orderapi.AddLine{{SKU: "mug", Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.dead().Edit(t.Context(), id, "staff:tester", p); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, 20*time.Second, func() error {
		s.turnClock(time.Minute)
		s.app.Driver().Sweep(t.Context())
		rec, err := s.store.Load(t.Context(), id)
		if err == nil && (rec.State != "confirmed" || rec.Returned.Minor != 500) {
			err = fmt.Errorf("%s, %s returned", rec.State, rec.Returned)
		}
		return err
	})
	s.books(id, 9, 2, 4499, 4999, 500)
	if ran := s.bank.Executed(); len(ran) != 3 {
		t.Errorf("%q", ran)
	}
}

// An invoice of before an edit stays as it is, and what was removed has a credit note; what would be added has to be ordered anew. Without
// one, the invoice is of the edited order, and what the edit gave back is none of its credit notes.
func TestInvoicesOfEditedOrders(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		s := open(t)
		id, token := s.buyTaxed()
		s.shelf.Left["mug"], s.prices.Rates = 3, map[string]int64{"shirt": 1900, "book": 700}
		path, query := "/v1/orders/"+id, "?access_token="+token
		var before []byte
		if early {
			before = s.client.Do("GET", path+"/invoice"+query, nil).Want(200).Body
			s.edit(id, "key-0", `{"lines":[{"line_id":"l1","quantity":0}],"add":[{"sku":"mug","quantity":1}]}`).Problem(409, "order-invoiced")
		}
		stale := s.reaches(id, "confirmed") // of who asks for the invoice while the edit is made
		s.edit(id, "key-1", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
		o := s.refundIs(id, 0, "refunded")
		rec := s.reaches(id, "confirmed")
		sheet, err := s.app.Invoice(t.Context(), s.store, s.entity(), stale)
		if err != nil {
			t.Fatal(err)
		}
		note := path + "/credit-notes/" + o.Refunds[0].ID + query
		if !early {
			if sheet.Total != rec.Total || sheet.Lines[0].Quantity != 1 {
				t.Errorf("the invoice is of %s: %+v", sheet.Total, sheet.Lines)
			}
			s.client.Do("GET", note, nil).Problem(404, "refund-not-found")
			continue
		}
		if again := s.client.Do("GET", path+"/invoice"+query, nil).Want(200).Body; !bytes.Equal(before, again) {
			t.Error("the invoice is another one after the edit")
		}
		s.client.Do("GET", note, nil).Want(200)
		credit, err := s.app.CreditNote(t.Context(), s.store, s.entity(), rec, o.Refunds[0].ID)
		if err != nil || credit.Total != money.New(sheet.Total.Minor-rec.Total.Minor, "USD") {
			t.Errorf("credited %s of %s, the order costs %s (%v)", credit.Total, sheet.Total, rec.Total, err)
		}
		var taxes, lines []string
		for _, x := range credit.Taxes {
			taxes = append(taxes, fmt.Sprint(x.Name, " ", x.Net.Minor, " ", x.Tax.Minor))
		}
		for _, l := range credit.Lines {
			lines = append(lines, fmt.Sprint(l.SKU, " ", l.Quantity, " ", l.Amount.Minor))
		}
		if want := []string{"19.00 % 1000 190", "Shipping 500 95"}; !slices.Equal(taxes, want) { // and nothing of the book's
			t.Errorf("credited taxes %q, want %q", taxes, want)
		}
		if want := []string{"shirt 1 1190", " 1 595"}; !slices.Equal(lines, want) {
			t.Errorf("credited lines %q, want %q", lines, want)
		}
		s.client.Do("POST", path+"/cancel"+query, `{"reason":"changed my mind"}`).Want(200)
		rest, err := s.app.CreditNote(t.Context(), s.store, s.entity(), s.reaches(id, "cancelled"), app.Cancellation)
		if err != nil || rest.Total.Minor+credit.Total.Minor != sheet.Total.Minor {
			t.Errorf("credited %s and %s of %s (%v)", credit.Total, rest.Total, sheet.Total, err)
		}
	}
}
