package daprio

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// follower notes what it is told, and answers err.
type follower struct {
	told  []app.MoneyBack
	stock []string
	other []any // reviews, settlements, disputes
	err   error
}

func (f *follower) FollowStock(_ context.Context, allocation string) error {
	f.stock = append(f.stock, allocation)
	return f.err
}

func (f *follower) FollowMoney(_ context.Context, m app.MoneyBack) error {
	f.told = append(f.told, m)
	return f.err
}

func (f *follower) FollowReview(_ context.Context, v app.Review) error {
	f.other = append(f.other, v)
	return f.err
}

func (f *follower) FollowSettlement(_ context.Context, id string, attempt int, missing, left money.Amount) error {
	f.other = append(f.other, fmt.Sprint(id, " ", attempt, " ", missing, " ", left))
	return f.err
}

func (f *follower) FollowDispute(_ context.Context, d app.Disputed) error {
	f.other = append(f.other, d)
	return f.err
}

// deliver posts an event as the sidecar does, and returns what becomes of it.
func deliver(t *testing.T, f *follower, topic, typ, data string) string {
	t.Helper()
	const token = "app-token"
	subs := daprkit.NewSubscriptions(daprkit.PubSub, nil)
	Subscribe(subs, f)
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "order", AppToken: token, Subscriptions: subs})
	w := testkit.Deliver(t, r, token, "/events/"+topic+"/"+typ,
		`{"specversion":"1.0","id":"1","source":"`+topic+`","type":"`+typ+`","subject":"o-2","data":`+data+`}`)
	var answer struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Errorf("%s: %d %s", typ, w.Code, w.Body)
	}
	return answer.Status
}

func TestFilledBackordersAreHeardOf(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{`{"sequence":1,"allocation_id":"o-2","owner":"c","line_id":"1","sku":"mug","location_id":"east","quantity":2}`: "SUCCESS [o-2]",
		`{"allocation_id":7}`: "DROP []"} {
		f := &follower{}
		if got := fmt.Sprint(deliver(t, f, "inventory", "inventory.backorder_filled.v1", data), " ", f.stock); got != want {
			t.Errorf("%s: %s, want %s", data, got, want)
		}
	}
}

func TestMoneyThatWentBackIsHeardOf(t *testing.T) {
	t.Parallel()
	data := `{"sequence":1,"payment_id":"o-2","order_id":"o","attempt":2,"operation_id":"op","amount":{"amount":300,"currency":"USD"},"refunded":{"amount":700,"currency":"USD"},"more":"to come"}`
	back := app.MoneyBack{OrderID: "o", Attempt: 2, OperationID: "op", Amount: money.New(300, "USD"), Gone: money.New(700, "USD")}
	void := back
	void.Voided = true
	for _, tc := range []struct {
		eventType, data string
		err             error
		want            string
		told            []app.MoneyBack
	}{
		{"payment.refunded.v1", data, nil, "SUCCESS", []app.MoneyBack{back}},
		{"payment.voided.v1", data, nil, "SUCCESS", []app.MoneyBack{void}},
		{"payment.refunded.v1", data, context.DeadlineExceeded, "RETRY", []app.MoneyBack{back}},
		{"payment.refunded.v1", `{"order_id":7}`, nil, "DROP", nil},
		{"payment.settled.v1", data, nil, "SUCCESS", nil},
	} {
		f := &follower{err: tc.err}
		if got := deliver(t, f, "payment", tc.eventType, tc.data); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.eventType, got, tc.want)
		}
		if len(f.told) != len(tc.told) || len(tc.told) > 0 && f.told[0] != tc.told[0] {
			t.Errorf("%s: told %+v, want %+v", tc.eventType, f.told, tc.told)
		}
	}
}

func TestTheRestOfPaymentIsHeardOf(t *testing.T) {
	t.Parallel()
	dispute := app.Disputed{OrderID: "o", Attempt: 2, Sequence: 4, Dispute: orderapi.Dispute{ID: "d", Status: "open", Kind: "chargeback", Reason: "fraud",
		Amount: money.New(300, "USD"), Won: money.Zero("USD"), ReplyBy: "2026-03-11"}}
	won := dispute
	won.Sequence, won.Status = 5, "won"
	const disputed = `{"sequence":%d,"payment_id":"o-2","order_id":"o","attempt":2,"dispute_id":"d","status":%q,"kind":"chargeback","reason":"fraud",
		"amount":{"amount":300,"currency":"USD"},"won":{"amount":0,"currency":"USD"},"reply_by":"2026-03-11"}`
	for _, tc := range []struct {
		eventType, data string
		want            any
	}{
		{"payment.settlement_declined.v1", `{"sequence":1,"order_id":"o","attempt":2,"amount":{"amount":300,"currency":"USD"},"captured":{"amount":200,"currency":"USD"}}`, "o 2 3.00 USD 2.00 USD"},
		{"payment.review_opened.v1", `{"sequence":1,"order_id":"o","attempt":2,"review":"pending","rule":"much"}`, app.Review{OrderID: "o", Attempt: 2, Review: "pending", Rule: "much"}},
		{"payment.review_closed.v1", `{"sequence":2,"order_id":"o","attempt":2,"review":"rejected","rule":"much","actor":"staff:7"}`,
			app.Review{OrderID: "o", Attempt: 2, Review: "rejected", Rule: "much", Actor: "staff:7"}},
		{"payment.dispute_opened.v1", fmt.Sprintf(disputed, 4, "open"), dispute},
		{"payment.dispute_closed.v1", fmt.Sprintf(disputed, 5, "won"), won},
	} {
		f := &follower{}
		if got := deliver(t, f, "payment", tc.eventType, tc.data); got != "SUCCESS" || len(f.other) != 1 || f.other[0] != tc.want {
			t.Errorf("%s: %s, told %+v, want %+v", tc.eventType, got, f.other, tc.want)
		}
		f = &follower{err: context.DeadlineExceeded}
		if got := deliver(t, f, "payment", tc.eventType, tc.data); got != "RETRY" {
			t.Errorf("%s that cannot be recorded: %s", tc.eventType, got)
		}
		if got := deliver(t, &follower{}, "payment", tc.eventType, `{"order_id":7}`); got != "DROP" {
			t.Errorf("%s that cannot be read: %s", tc.eventType, got)
		}
	}
}

// What looks like a card number to payment is not sent to it: it would refuse the whole call, and the order with it.
func TestWhatLooksLikeACardIsLeftOut(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for text, want := range map[string]string{"1 Main Street": "1 Main Street", card: "", "4111 1111 1111 1111": "", "4111.1111-1111 1111 x": "", card + "@example.com": "",
		"flat 12345678901234": "flat 12345678901234", strings.Repeat("é", 255): strings.Repeat("é", 255), strings.Repeat("é", 256): ""} {
		if got := harmless(text); got != want {
			t.Errorf("%q: sent as %q", text, got)
		}
	}
	s := shopper(card+"@example.com", "", orderapi.Address{Name: card, Company: card, Line1: card, Line2: card, City: card, Region: card, PostalCode: card, Country: "US", Phone: card})
	if sent, err := json.Marshal(s); err != nil || string(sent) != `{"billing_address":{"country":"US"}}` {
		t.Errorf("sent %s, %v", sent, err)
	}
}
