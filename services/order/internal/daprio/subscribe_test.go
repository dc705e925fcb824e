package daprio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

// follower notes what it is told, and answers err.
type follower struct {
	told  []app.MoneyBack
	stock []string
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

// deliver posts an event as the sidecar does, and returns what becomes of it.
func deliver(t *testing.T, f *follower, topic, typ, data string) string {
	t.Helper()
	const token = "app-token"
	subs := daprkit.NewSubscriptions(daprkit.PubSub, nil)
	Subscribe(subs, f)
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "order", AppToken: token, Subscriptions: subs})
	req := httptest.NewRequest(http.MethodPost, "/events/"+topic+"/"+typ,
		strings.NewReader(`{"specversion":"1.0","id":"1","source":"`+topic+`","type":"`+typ+`","subject":"o-2","data":`+data+`}`))
	req.Header.Set("dapr-api-token", token)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
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
	back := app.MoneyBack{OrderID: "o", Attempt: 2, OperationID: "op", Gone: money.New(700, "USD")}
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
