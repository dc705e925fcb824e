package daprio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
)

var quiet = slog.New(slog.DiscardHandler)

// replica remembers what it was told, and fails as it is told.
type replica struct {
	events   []app.Event
	products []app.Product
	codes    []string
	err      error
}

func (r *replica) KeepProduct(_ context.Context, ev app.Event, p app.Product) error {
	r.events, r.products = append(r.events, ev), append(r.products, p)
	return r.err
}

func (r *replica) CountUses(_ context.Context, ev app.Event, codes []string) error {
	r.events, r.codes = append(r.events, ev), append(r.codes, codes...)
	return r.err
}

func post(t *testing.T, routes daprkit.Routes, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	routes.AppID, routes.AppToken = "pricing", "t"
	router := chi.NewRouter()
	daprkit.Mount(router, routes)
	return testkit.Deliver(t, router, "t", path, body)
}

// deliver posts an event as the sidecar does, and returns what becomes of it.
func deliver(t *testing.T, r *replica, topic, typ, data string) string {
	t.Helper()
	subs := daprkit.NewSubscriptions(daprkit.PubSub, quiet)
	Subscribe(subs, r)
	w := post(t, daprkit.Routes{Subscriptions: subs}, "/events/"+topic+"/"+typ,
		`{"specversion":"1.0","id":"e1","source":"x","subject":"s1","type":"`+typ+`","data":`+data+`}`)
	var answer struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Status
}

const (
	changed = `{"sequence":4,"product_id":"p1","tax_category":"reduced","variants":[{"sku":"A"},{"sku":"B"}]}`
	placed  = `{"sequence":2,"order_id":"o1","promotions":[{"id":"TEN","amount":{"amount":100,"currency":"USD"}},{"id":"FIVE","amount":{"amount":500,"currency":"USD"}}]}`
)

func TestEventsAreHandedOn(t *testing.T) {
	t.Parallel()
	r := &replica{}
	for _, ev := range [][3]string{{"catalog", "catalog.product_changed.v1", changed}, {"order", "order.placed.v1", placed},
		{"order", "order.placed.v1", `{"sequence":2,"order_id":"o1","promotions":[]}`}} {
		if got := deliver(t, r, ev[0], ev[1], ev[2]); got != "SUCCESS" {
			t.Errorf("%s: %s", ev[1], got)
		}
	}
	want := &replica{events: []app.Event{{ID: "e1", Subject: "s1", Sequence: 4}, {ID: "e1", Subject: "s1", Sequence: 2}},
		products: []app.Product{{ID: "p1", TaxCategory: "reduced", SKUs: []string{"A", "B"}}}, codes: []string{"TEN", "FIVE"}}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(replica{})); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBecomesOfAnEvent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data string
		err  error
		want string
	}{
		"kept":                 {changed, nil, "SUCCESS"},
		"unreadable":           {`{"product_id":7}`, nil, "DROP"},
		"of no product":        {`{"sequence":4,"variants":[]}`, nil, "DROP"},
		"of no moment":         {`{"product_id":"p1","variants":[]}`, nil, "DROP"},
		"the database is slow": {changed, fault.New(fault.Timeout, "database-timeout", "who knows"), "RETRY"},
		"a bug of ours":        {changed, errors.New("nil"), "RETRY"},
	} {
		if got := deliver(t, &replica{err: tc.err}, "catalog", "catalog.product_changed.v1", tc.data); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestPruneJob(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errors.New("away")} {
		jobs, pruned := daprkit.NewJobs(quiet), 0
		job := Prune(jobs, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); bounded {
				pruned++
			}
			return want
		})
		if w := post(t, daprkit.Routes{Jobs: jobs}, "/job/"+job.Name, ""); pruned != 1 || (w.Code == http.StatusOK) != (want == nil) {
			t.Errorf("pruned %d times, answered %d", pruned, w.Code)
		}
	}
}
