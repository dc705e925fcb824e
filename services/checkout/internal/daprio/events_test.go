package daprio

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

// listener notes what it is told, and answers err.
type listener struct {
	told []app.Told
	err  error
}

func (l *listener) Follow(_ context.Context, t app.Told) error {
	l.told = append(l.told, t)
	return l.err
}

func (l *listener) FollowCart(_ context.Context, cartID string, ev checkout.Event) error {
	l.told = append(l.told, app.Told{CheckoutID: "cart " + cartID, Event: ev})
	return l.err
}

const token = "app-token"

// deliver brings an event as the sidecar does, and returns the outcome.
func deliver(t *testing.T, l *listener, topic, eventType, data string) string {
	t.Helper()
	subs := daprkit.NewSubscriptions(daprkit.PubSub, nil)
	Subscribe(subs, l)
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "checkout", AppToken: token, Subscriptions: subs})
	body := `{"specversion":"1.0","id":"1","source":"s","type":"` + eventType + `","subject":"x","data":` + data + `}`
	w := testkit.Deliver(t, r, token, "/events/"+topic+"/"+eventType, body)
	var answer struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Status
}

func TestEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	usd := `{"amount":1,"currency":"USD"}`
	placed := func(attempt int) []app.Told {
		return []app.Told{{CheckoutID: "c", Event: checkout.Event{Name: checkout.Placed, OrderNumber: "SC-1", Attempt: attempt}}}
	}
	for _, tc := range []struct {
		topic, eventType, data string
		err                    error
		outcome                string
		told                   []app.Told
	}{
		{"order", "order.placed.v1", `{"checkout_id":"c","number":"SC-1","attempt":2,"more":"to come"}`, nil, "SUCCESS", placed(2)},
		{"order", "order.confirmed.v1", `{"checkout_id":"c","number":"SC-1","captured":` + usd + `}`, nil, "SUCCESS", nil},
		{"order", "order.cancelled.v1", `{"checkout_id":"c","number":"SC-1","returned":` + usd + `}`, nil, "SUCCESS", placed(0)},
		{"order", "order.attempt_failed.v1", `{"checkout_id":"c","attempt":2,"outcome":"declined"}`, nil, "SUCCESS",
			[]app.Told{{CheckoutID: "c", Event: checkout.Event{Name: checkout.AttemptFailed, Attempt: 2, Failure: checkout.Failure{Outcome: "declined"}}}}},
		{"order", "order.attempt_failed.v1", `{"checkout_id":"c","attempt":2,"outcome":"abandoned"}`, nil, "SUCCESS",
			[]app.Told{{CheckoutID: "c", Event: checkout.Event{Name: checkout.OrderEnded, Attempt: 2}}}},
		{"inventory", "inventory.hold_expired.v1", `{"owner":"k","expired_at":"2026-03-06T12:00:00Z"}`, nil, "SUCCESS",
			[]app.Told{{CheckoutID: "cart k", Event: checkout.Event{Name: checkout.HoldsExpired, At: at}}}},
		{"inventory", "inventory.level_changed.v1", `{}`, nil, "SUCCESS", nil},
		{"order", "order.placed.v1", `{"checkout_id":7}`, nil, "DROP", nil},
		{"inventory", "inventory.hold_expired.v1", `[]`, nil, "DROP", nil},
		{"order", "order.placed.v1", `{"checkout_id":"c","number":"SC-1","attempt":2}`, fault.New(fault.Timeout, "database-timeout", ""), "RETRY", placed(2)},
		{"order", "order.placed.v1", `{"checkout_id":"c","number":"SC-1","attempt":2}`, context.DeadlineExceeded, "RETRY", placed(2)},
	} {
		l := &listener{err: tc.err}
		if got := deliver(t, l, tc.topic, tc.eventType, tc.data); got != tc.outcome {
			t.Errorf("%s %s: %s, want %s", tc.eventType, tc.data, got, tc.outcome)
		}
		if diff := cmp.Diff(tc.told, l.told); diff != "" {
			t.Errorf("%s: %s", tc.eventType, diff)
		}
	}
}

// What a neighbour says of our own request is not the shopper's business; what it says of his is.
func TestOurs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   *fault.Fault
		want fault.Kind
	}{
		{fault.New(fault.Invalid, "validation-failed", "body.lines[0].sku"), fault.Internal},
		{fault.New(fault.Malformed, "malformed", ""), fault.Internal},
		{fault.New(fault.Forbidden, "forbidden", ""), fault.Internal},
		{fault.New(fault.Invalid, "currency-not-supported", ""), fault.Invalid},
		{fault.New(fault.Conflict, "out-of-stock", ""), fault.Conflict},
		{fault.New(fault.NotFound, "cart-not-found", ""), fault.NotFound},
		{fault.New(fault.Unavailable, "unavailable", ""), fault.Unavailable},
	} {
		if got := fault.KindOf(ours(tc.in)); got != tc.want {
			t.Errorf("%s became %s", tc.in.Code, got)
		}
	}
	if ours(nil) != nil {
		t.Error("nothing became something")
	}
}
