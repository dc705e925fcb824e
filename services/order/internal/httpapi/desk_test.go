package httpapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

func (s *shop) staff() apitest.Client { return s.client.Staff(s.signer, ScopeRead, ScopeWrite) }

func (s *shop) refund(id, key, body string) *apitest.Answer {
	s.t.Helper()
	return s.staff().With("Idempotency-Key", key).Do("POST", "/v1/admin/orders/"+id+"/refunds", body)
}

// refundIs waits until the n-th refund of an order stands somewhere.
func (s *shop) refundIs(id string, n int, status string) orderapi.Order {
	s.t.Helper()
	var seen StaffOrder
	testkit.Eventually(s.t, 10*time.Second, func() error {
		if seen = s.staffOrder(id); len(seen.Refunds) <= n || seen.Refunds[n].Status != status {
			return fmt.Errorf("refunds: %+v", seen.Refunds)
		}
		return nil
	})
	return seen.Order
}

// Pieces are worth their share, all pieces together the whole; the payment status follows; the same key gives back once.
func TestStaffRefundPieces(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	s.bring(id, "picking", 200)
	piece := `{"lines":[{"line_id":"l1","quantity":1}],"reason":"torn"}`
	var first orderapi.Refund
	s.refund(id, "key-1", piece).Want(201).JSON(&first)
	if first.Amount != money.New(2499, "USD") {
		t.Errorf("%+v", first)
	}
	s.refundIs(id, 0, "refunded")
	if got := s.refund(id, "key-1", piece).Want(201).Header.Get("Idempotency-Replayed"); got != "true" {
		t.Errorf("replayed: %q", got)
	}
	s.refund(id, "key-1", `{"amount":{"amount":1,"currency":"USD"},"reason":"torn"}`).Want(422)
	if o := s.order(id, token); o.PaymentStatus != "partially_refunded" || len(o.Refunds) != 1 || o.Refunds[0].Reason != "" {
		t.Errorf("the shopper sees %s, %+v", o.PaymentStatus, o.Refunds)
	}
	s.refund(id, "key-2", `{"lines":[{"line_id":"l1","quantity":2}],"reason":"torn"}`).Want(422)
	s.refund(id, "key-3", piece).Want(201)
	o := s.refundIs(id, 1, "refunded")
	if o.PaymentStatus != "refunded" || o.Status != "picking" || o.Refunds[1].Amount != money.New(2500, "USD") || o.Refunds[1].Reason != "torn" {
		t.Errorf("%+v", o)
	}
	s.refund(id, "key-4", `{"amount":{"amount":1,"currency":"USD"},"reason":"torn"}`).Want(409)
	if ran := s.bank.Executed(); len(ran) != 4 { // authorise, capture, two refunds
		t.Errorf("%q", ran)
	}
	if last := s.staffOrder(id).Timeline; !slices.ContainsFunc(last, func(e TimelineEntry) bool {
		return e.What == "refund" && e.Actor == "staff:tester" && e.Metadata["reason"] == "torn"
	}) {
		t.Errorf("%+v", last)
	}
}

// All of it before picking cancels the order and frees its stock.
func TestRefundOfAllBeforePicking(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	s.refund(id, "key", `{"amount":{"amount":4999,"currency":"USD"},"reason":"gone"}`).Want(201)
	s.reaches(id, "cancelled")
	if o := s.order(id, token); o.PaymentStatus != "refunded" || s.shelf.Of("shirt") != 10 || o.Refunds[0].Status != "refunded" {
		t.Errorf("%+v", o)
	}
}

// What is not settled waits and is asked again as a new operation; meanwhile there is no second refund; a cancel takes its place.
func TestUnsettledRefundsWait(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	var mu sync.Mutex
	var asked []string
	settled := false
	s.bank.Next = func(step string, c app.MoneyCommand) app.MoneyAnswer {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, c.OperationID)
		if step == "refund" && !settled {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "not-settled", Retryable: true}
		}
		return app.MoneyAnswer{}
	}
	const part = `{"amount":{"amount":100,"currency":"USD"},"reason":"late"}`
	s.refund(id, "key-1", part).Want(201)
	waits := func(n int) {
		t.Helper()
		testkit.Eventually(t, 10*time.Second, func() error {
			var due time.Time
			err := s.pool.QueryRow(t.Context(), `SELECT due_at FROM order_effects WHERE order_id = $1 AND kind = 'refund' AND lease_until IS NULL`, id).Scan(&due)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && len(asked) != n {
				err = fmt.Errorf("asked %q", asked)
			}
			return err
		})
	}
	waits(1)
	s.refund(id, "key-2", part).Want(409)
	s.turnClock(61 * time.Minute)
	s.app.Driver().Sweep(t.Context())
	waits(2)
	if asked[0] == asked[1] {
		t.Errorf("asked again as the same operation, which payment has declined: %q", asked)
	}
	s.bring(id, "picking", 200) // the refund does not hold the order up
	mu.Lock()
	settled = true
	mu.Unlock()
	s.turnClock(61 * time.Minute)
	s.app.Driver().Sweep(t.Context())
	if o := s.refundIs(id, 0, "refunded"); o.Status != "picking" || o.PaymentStatus != "partially_refunded" {
		t.Errorf("%+v", o)
	}

	mu.Lock()
	settled = false
	mu.Unlock()
	other := newID(t)
	token := s.place(other, 1).Order.AccessToken
	s.refund(other, "key-3", part).Want(201)
	s.client.Do("POST", "/v1/orders/"+other+"/cancel?access_token="+token, `{"reason":"no"}`).Want(200)
	rec := s.reaches(other, "cancelled")
	if rec.Returned != ordertest.Total || rec.Refunds[0].Status != "superseded" {
		t.Errorf("%s, %+v", rec.Returned, rec.Refunds)
	}
}

// A refund that the gateway refuses for good is over, and rings an alarm. One whose effect was lost is found.
func TestRefusedAndLostRefunds(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	s.declines("refund", "", "91506")
	s.refund(id, "key-1", `{"amount":{"amount":100,"currency":"USD"},"reason":"late"}`).Want(201)
	if o := s.refundIs(id, 0, "refused"); o.Refunds[0].DeclineCode != "91506" || o.PaymentStatus != "captured" || s.metric("order_alarms_total", "refund-refused") != 1 {
		t.Errorf("%+v", o)
	}
	s.bank.Next = nil
	if _, err := s.dead().Refund(t.Context(), id, "staff:7", app.RefundRequest{ID: "r2", Amount: &money.Amount{Minor: 100, Currency: "USD"}, Reason: "again"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM order_effects WHERE order_id = $1`, id); err != nil {
		t.Fatal(err)
	}
	s.turnClock(time.Minute)
	if err := app.NewReconciler(s.app, s.store, s.bank, s.bank, nil).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.app.Driver().Sweep(t.Context())
	s.refundIs(id, 1, "refunded")
}

// Many at once: one wins, the sum is never above what was captured.
func TestRefundsRace(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	s.bring(id, "picking", 200)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s.refund(id, fmt.Sprint("key-", i), `{"lines":[{"line_id":"l1","quantity":1}],"reason":"race"}`)
		})
	}
	all.Wait()
	testkit.Eventually(t, 10*time.Second, func() error {
		rec, err := s.store.Load(t.Context(), id)
		if err == nil && rec.Refunding.IsPositive() {
			err = errors.New("still on its way")
		}
		return err
	})
	rec := s.reaches(id, "picking")
	refunds := 0
	for _, ran := range s.bank.Executed() {
		if strings.HasPrefix(ran, "refund") {
			refunds++
		}
	}
	if n := len(rec.Refunds); n < 1 || n > 2 || refunds != n || rec.Returned.Minor != []int64{0, 2499, 4999}[n] {
		t.Errorf("%d refunds recorded, %d done, %s returned", n, refunds, rec.Returned)
	}
}

func TestBadRefunds(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	const good = `{"amount":{"amount":100,"currency":"USD"},"reason":"late"}`
	path := "/v1/admin/orders/" + id + "/refunds"
	s.staff().Do("POST", path, good).Want(400)
	s.client.With("Idempotency-Key", "k").Do("POST", path, good).Want(401)
	s.client.Staff(s.signer, ScopeRead).With("Idempotency-Key", "k").Do("POST", path, good).Want(403)
	s.refund(newID(t), "k", good).Want(404)
	for i, body := range []string{`{}`, `{"reason":"x"}`, `{"amount":{"amount":100,"currency":"USD"}}`, `{"amount":{"amount":100,"currency":"USD"},"reason":" "}`,
		`{"amount":{"amount":1.5,"currency":"USD"},"reason":"x"}`, `{"amount":{"amount":100,"currency":"USD"},"lines":[{"line_id":"l1","quantity":1}],"reason":"x"}`,
		`{"lines":[],"reason":"x"}`, `{"lines":[{"line_id":"l1","quantity":0}],"reason":"x"}`, `{"lines":[{"line_id":"l9","quantity":1}],"reason":"x"}`,
		`{"lines":[{"line_id":"l1","quantity":1},{"line_id":"l1","quantity":1}],"reason":"x"}`, `{"lines":[{"line_id":"l1","quantity":3}],"reason":"x"}`, `{"all":true,"reason":"x"}`} {
		s.refund(id, fmt.Sprint("bad-", i), body).Want(422)
	}
	for i, odd := range []struct{ body, location string }{{`{"amount":{"amount":-5,"currency":"USD"},"reason":"x"}`, "body.amount.amount"},
		{`{"amount":{"amount":0,"currency":"USD"},"reason":"x"}`, "body.amount.amount"}, {`{"amount":{"amount":100,"currency":"EUR"},"reason":"x"}`, "body.amount.currency"}} {
		if got := apitest.Locations(s.refund(id, fmt.Sprint("odd-", i), odd.body).Problem(422, "validation-failed")); !slices.Equal(got, []string{odd.location}) {
			t.Errorf("%s: %v", odd.body, got)
		}
	}
	s.refund(id, "much", `{"amount":{"amount":5000,"currency":"USD"},"reason":"x"}`).Problem(409, "refund-above-captured")
	if rec := s.reaches(id, "confirmed"); len(rec.Refunds) != 0 || rec.Version != 4 {
		t.Errorf("%+v", rec.Refunds)
	}
}

// No door of people takes a card number in, whatever it stands in: nothing of it is kept.
func TestCardNumbersAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	const card = "card 4111 1111 1111 1111"
	guest, staff := "/v1/orders/"+id, "/v1/admin/orders/"+id
	for path, body := range map[string]string{
		staff + "/notes": `{"text":"` + card + `"}`, staff + "/refunds": `{"amount":{"amount":1,"currency":"USD"},"reason":"` + card + `"}`,
		staff + "/transitions": `{"to":"picking","note":"` + card + `"}`, guest + "/cancel?access_token=" + token: `{"reason":"411\u0031 1111 1111 1111"}`,
	} {
		client := s.client
		if strings.HasPrefix(path, staff) {
			client = s.staff()
		}
		client.With("Idempotency-Key", "key").Do("POST", path, body).Problem(422, "card-number-refused")
	}
	s.staff().With("Idempotency-Key", "4111111111111111").Do("POST", staff+"/notes", `{"text":"late"}`).Want(422)
	kept := 0
	if err := s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM order_notes) + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM idempotency_keys)`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d rows are kept: %v", kept, err)
	}
	if rec := s.reaches(id, "confirmed"); rec.Version != 4 {
		t.Errorf("%+v", rec.Order)
	}
}

// Notes are for staff alone, oldest first, once per key.
func TestNotes(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	path := "/v1/admin/orders/" + id + "/notes"
	for _, text := range []string{"first", "second", "second"} {
		s.staff().With("Idempotency-Key", "note-"+text).Do("POST", path, fmt.Sprintf(`{"text":%q}`, text)).Want(201)
	}
	var page httpx.Page[Note]
	s.staff().Do("GET", path+"?limit=1", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].Text != "first" || page.Items[0].Actor != "staff:tester" || page.NextCursor == nil {
		t.Fatalf("%+v", page)
	}
	s.staff().Do("GET", path+"?limit=5&cursor="+*page.NextCursor, nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].Text != "second" || page.NextCursor != nil {
		t.Errorf("%+v", page)
	}
	s.client.Do("GET", path+"?access_token="+token, nil).Want(401)
	s.client.Staff(s.signer, ScopeRead).Do("POST", path, `{"text":"x"}`).Want(403)
	s.staff().Do("GET", "/v1/admin/orders/"+newID(t)+"/notes", nil).Want(404)
	for _, body := range []string{`{}`, `{"text":" "}`, `{"text":7}`, `{"text":"x","more":1}`, fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 4001))} {
		s.staff().Do("POST", path, body).Want(422)
	}
	s.staff().Do("GET", path+"?cursor=nonsense", nil).Want(422)
}

// A new cart of what can still be bought; the same key makes one cart; a stranger gets none.
func TestReorder(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	snapshot := ordertest.Snapshot(id, 1)
	other := snapshot.Lines[0]
	other.ID, other.SKU, other.Title, other.Total = "l2", "cap", "Cap", money.Zero("USD")
	snapshot.Lines, snapshot.Channel = append(snapshot.Lines, other), "app"
	s.shelf.Left["cap"] = 5
	if err := s.app.Place(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	token := s.reaches(id, order.State("confirmed")).AccessToken
	s.carts.Unknown = map[string]bool{"cap": true}
	var made, again orderapi.Reordered
	path := "/v1/orders/" + id + "/reorder"
	s.client.With("Idempotency-Key", "once").Do("POST", path+"?access_token="+token, nil).Want(201).JSON(&made)
	s.client.With("Idempotency-Key", "once").Do("POST", path+"?access_token="+token, nil).Want(201).JSON(&again)
	if made.CartID == "" || made.CartID != again.CartID || len(made.LeftOut) != 1 || made.LeftOut[0].SKU != "cap" || made.LeftOut[0].Reason != "unknown-sku" {
		t.Errorf("%+v, %+v", made, again)
	}
	if sold := s.carts.Sold[made.CartID]; len(sold) != 1 || sold[0].SKU != "shirt" || sold[0].Quantity != 2 {
		t.Errorf("%+v", sold)
	}
	if in := s.carts.Begun[made.CartID]; in != (cartapi.CreateInput{Currency: "USD", Country: "US", Channel: "app"}) {
		t.Errorf("the cart is %+v", in)
	}
	s.client.Do("POST", path+"?access_token="+token, nil).Want(201).JSON(&again)
	if again.CartID == made.CartID {
		t.Error("without a key the same cart came again")
	}
	s.carts.Unknown["shirt"] = true
	s.client.Do("POST", path+"?access_token="+token, nil).Want(409)
	s.client.Do("POST", path+"?access_token="+strings.Repeat("0", 32), nil).Want(404)
	s.client.Do("POST", path, nil).Want(404)
	s.client.Do("POST", path+"?access_token="+token, `{"x":1}`).Problem(422, "validation-failed")
	s.client.Staff(s.signer, ScopeRead).Do("POST", path, nil).Want(404) // it makes something
	delete(s.carts.Unknown, "shirt")
	s.staff().Do("POST", path, `{}`).Want(201)
}
