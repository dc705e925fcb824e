package daprio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
)

// replica remembers what it was told, and fails as it is told.
type replica struct {
	events []app.Event
	skus   []string
	prices []app.Price
	level  app.Level
	err    error
}

func (r *replica) KeepPrices(_ context.Context, ev app.Event, sku string, prices []app.Price) error {
	r.events, r.skus, r.prices = append(r.events, ev), append(r.skus, sku), prices
	return r.err
}

func (r *replica) KeepLevel(_ context.Context, ev app.Event, sku string, l app.Level) error {
	r.events, r.skus, r.level = append(r.events, ev), append(r.skus, sku), l
	return r.err
}

// deliver posts an event as the sidecar does, and returns what becomes of it.
func deliver(t *testing.T, r *replica, topic, typ, data string) string {
	t.Helper()
	subs := daprkit.NewSubscriptions(daprkit.PubSub, slog.New(slog.DiscardHandler))
	Subscribe(subs, r)
	router := chi.NewRouter()
	daprkit.Mount(router, daprkit.Routes{AppID: "catalog", AppToken: "t", Subscriptions: subs})
	body := `{"specversion":"1.0","id":"e1","source":"x","subject":"SKU-1","type":"` + typ + `","topic":"` + topic + `","data":` + data + `}`
	w := testkit.Deliver(t, router, "t", "/events/"+topic+"/"+typ, body)
	var answer struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Status
}

const (
	prices = `{"sequence":4,"sku":"SKU-1","prices":[
		{"price_list_id":"us","amount":{"amount":1000,"currency":"USD"},"compare_at_price":{"amount":1200,"currency":"USD"},"min_quantity":1,"tax_included":false,"countries":["US"],"priority":3,"valid_from":"2026-01-01T00:00:00Z"},
		{"price_list_id":"us","amount":{"amount":900,"currency":"USD"},"min_quantity":10,"tax_included":false},
		{"price_list_id":"app","amount":{"amount":800,"currency":"USD"},"min_quantity":1,"tax_included":false,"channel":"app"},
		{"price_list_id":"vip","amount":{"amount":700,"currency":"USD"},"min_quantity":1,"tax_included":false,"customer_group":"vip"}]}`
	level = `{"sequence":9,"sku":"SKU-1","on_hand":12,"allocated":5,"in_stock":6,"available":7,"status":"in_stock","ships_at":"2026-03-01T12:00:00Z"}`
)

func TestEventsAreHandedOn(t *testing.T) {
	t.Parallel()
	r := &replica{}
	if got := deliver(t, r, "pricing", "pricing.prices_changed.v1", prices); got != "SUCCESS" {
		t.Errorf("prices: %s", got)
	}
	if got := deliver(t, r, "inventory", "inventory.level_changed.v1", level); got != "SUCCESS" {
		t.Errorf("level: %s", got)
	}
	compare := money.New(1200, "USD")
	want := []app.Price{{List: "us", Amount: money.New(1000, "USD"), CompareAt: &compare, Countries: []string{"US"}, Priority: 3, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if diff := cmp.Diff(want, r.prices); diff != "" {
		t.Errorf("only what anybody gets for one piece is kept: %s", diff)
	}
	if diff := cmp.Diff([]app.Event{{Subject: "SKU-1", Sequence: 4}, {Subject: "SKU-1", Sequence: 9}}, r.events); diff != "" || r.level.Available != 7 || r.level.Status != "in_stock" || r.level.ShipsAt.IsZero() || r.skus[1] != "SKU-1" {
		t.Error(diff, r)
	}
}

func TestWhatBecomesOfAnEvent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data string
		err  error
		want string
	}{
		"kept":                 {level, nil, "SUCCESS"},
		"unreadable":           {`{"sku":7}`, nil, "DROP"},
		"the database is slow": {level, fault.New(fault.Timeout, "database-timeout", "slow"), "RETRY"},
		"a bug of ours":        {level, errors.New("nil"), "RETRY"},
	} {
		if got := deliver(t, &replica{err: tc.err}, "inventory", "inventory.level_changed.v1", tc.data); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestPruneJob(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errors.New("away")} {
		jobs, pruned := daprkit.NewJobs(slog.New(slog.DiscardHandler)), 0
		all := Jobs(jobs, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); bounded {
				pruned++
			}
			return want
		})
		router := chi.NewRouter()
		daprkit.Mount(router, daprkit.Routes{AppID: "catalog", AppToken: "t", Jobs: jobs})
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/job/"+all[0].Name, nil)
		req.Header.Set("dapr-api-token", "t")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, req)
		if pruned != 1 || (w.Code == http.StatusOK) != (want == nil) {
			t.Errorf("pruned %d times, answered %d", pruned, w.Code)
		}
	}
}
