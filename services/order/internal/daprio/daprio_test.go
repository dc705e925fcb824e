package daprio

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// actor answers every turn with an error.
type actor struct{ err error }

func (a actor) Actor(context.Context, string, string, string, any, any) error { return a.err }

// broken is a store that records nothing.
type broken struct {
	app.Store
	saves int
}

func (b *broken) Save(context.Context, app.Change) (app.Record, *app.Lease, error) {
	b.saves++
	return app.Record{}, nil, fault.New(fault.Unavailable, "database-unavailable", "away")
}

// "Unavailable" tells checkout that an attempt was surely not recorded. A turn without an answer may have recorded it, so the
// fallback that does nothing must not say so.
func TestDoorSaysWhatItKnows(t *testing.T) {
	t.Parallel()
	machines, err := app.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		turn   error
		direct int
		want   fault.Kind
	}{
		"no answer":   {fault.New(fault.Timeout, "timeout", "no answer in time"), 1, fault.Timeout},
		"not reached": {fault.New(fault.Unavailable, "unavailable", "no sidecar"), 1, fault.Unavailable},
		"refused":     {order.ErrForbidden, 0, fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &broken{}
			a := app.New(machines, store, &ordertest.Bank{}, &ordertest.Shelf{}, time.Now, slog.New(slog.DiscardHandler))
			err := Door{Client: actor{c.turn}, App: a}.Place(t.Context(), ordertest.Snapshot("o", 1))
			if fault.KindOf(err) != c.want || store.saves != c.direct {
				t.Errorf("%v after %d direct runs", err, store.saves)
			}
		})
	}
}

// asked keeps what payment is asked.
type asked struct{ body map[string]any }

func (a *asked) JSON(_ context.Context, _, _ string, in, out any, _ ...daprkit.CallOption) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &a.body); err != nil {
		return err
	}
	return json.Unmarshal([]byte(`{"outcome":"succeeded","amount":{"amount":1,"currency":"USD"}}`), out)
}

// Staff may have refunded a part: the rest is asked for, not the whole, which would be refused for ever.
func TestRefundAsksForTheRest(t *testing.T) {
	t.Parallel()
	payment := &asked{}
	answer, err := Payments{Caller: payment}.Refund(t.Context(), app.MoneyCommand{OperationID: "op", PaymentID: "o-1", Amount: ordertest.Total})
	if _, given := payment.body["amount"]; err != nil || answer.Outcome != app.MoneyDone || given || payment.body["operation_id"] != "op" {
		t.Errorf("asked %v: %+v, %v", payment.body, answer, err)
	}
}

// A kept method is charged for its owner alone, so payment must hear who that is.
func TestAuthoriseNamesTheCustomer(t *testing.T) {
	t.Parallel()
	payment := &asked{}
	cmd := app.MoneyCommand{OperationID: "op", PaymentID: "o-1", OrderID: "o", Attempt: 1, Amount: ordertest.Total, CustomerID: "ann", Means: orderapi.PaymentInput{MethodID: "card-1"}}
	if _, err := (Payments{Caller: payment}).Authorise(t.Context(), cmd); err != nil || payment.body["customer_id"] != "ann" || payment.body["payment_method_id"] != "card-1" {
		t.Errorf("asked %v: %v", payment.body, err)
	}
}

// The bank and the rules against fraud want to know from where the shopper asks.
func TestAuthoriseNamesTheShoppersAddress(t *testing.T) {
	t.Parallel()
	payment := &asked{}
	cmd := app.MoneyCommand{OperationID: "op", PaymentID: "o-1", OrderID: "o", Attempt: 1, Amount: ordertest.Total, Means: orderapi.PaymentInput{Nonce: "n", ClientIP: "198.51.100.1"}}
	_, err := (Payments{Caller: payment}).Authorise(t.Context(), cmd)
	if shopper, ok := payment.body["shopper"].(map[string]any); err != nil || !ok || shopper["ip_address"] != "198.51.100.1" {
		t.Errorf("asked %v: %v", payment.body, err)
	}
}
