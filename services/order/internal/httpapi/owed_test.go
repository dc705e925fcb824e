package httpapi_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/order/orderapi"
)

// What a location owes is shown as such, and no longer when inventory tells that it has come: once, however often it tells.
func TestOwedUntilItComes(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shelf.Owed = map[string]string{"shirt": "backorder"}
	id := newID(t)
	r := s.place(id, 1)
	if r.Outcome != orderapi.OutcomeConfirmed {
		t.Fatalf("%+v", r)
	}
	status := func() string {
		t.Helper()
		rec, err := s.app.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return s.app.View(rec).Lines[0].Fulfillments[0].Status
	}
	if got := status(); got != "backorder" {
		t.Errorf("owed: %s", got)
	}
	follow := func(allocation string) {
		t.Helper()
		if err := s.app.FollowStock(t.Context(), allocation); err != nil {
			t.Error(err)
		}
	}
	follow(id + "-1") // nothing has come yet
	s.shelf.Come()
	for range 3 {
		follow(id + "-1")
	}
	for _, strange := range []string{id + "-2", newID(t) + "-1", "nonsense", "-", ""} {
		follow(strange)
	}
	if got := status(); got != "unfulfilled" {
		t.Errorf("come: %s", got)
	}
	log, err := s.store.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if last := log[len(log)-1]; last.Event != "filled" || last.Actor != "inventory" || log[len(log)-2].Event == "filled" {
		t.Errorf("log %+v", log)
	}
	if got := s.events(id); len(got) != 2 {
		t.Errorf("announced %v", got)
	}
	s.wantTold(id, r.Order.AccessToken, "placed", "confirmed", "allocated")
}
