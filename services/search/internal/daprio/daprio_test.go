package daprio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// taker remembers what it was told, and fails as it is told.
type taker struct {
	news []app.News
	err  error
}

func (k *taker) Take(_ context.Context, news ...app.News) error {
	k.news = append(k.news, news...)
	return k.err
}

var quiet = slog.New(slog.DiscardHandler)

// deliver posts an event as the sidecar does, and returns what becomes of it.
func deliver(t *testing.T, k *taker, topic, typ, subject, data string) string {
	t.Helper()
	subs := daprkit.NewSubscriptions(daprkit.PubSub, quiet)
	Subscribe(subs, k)
	router := chi.NewRouter()
	daprkit.Mount(router, daprkit.Routes{AppID: "search", AppToken: "t", Subscriptions: subs})
	body := `{"specversion":"1.0","id":"e1","source":"x","subject":"` + subject + `","type":"` + typ + `","topic":"` + topic + `","data":` + data + `}`
	w := testkit.Deliver(t, router, "t", "/events/"+topic+"/"+typ, body)
	var answer struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Status
}

// golden is an event as its owner sends it.
func golden(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile("../../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const chairID = "019c0000-0000-7000-8000-000000000001"

// The events of the neighbours' golden files are read whole: what they come to carry otherwise is seen here.
func TestGoldenEventsAreTakenIn(t *testing.T) {
	t.Parallel()
	k := &taker{}
	for _, ev := range [][4]string{
		{"catalog", "catalog.product_changed.v1", chairID, golden(t, "catalog/catalogapi/testdata/product_changed.v1.json")},
		{"pricing", "pricing.prices_changed.v1", "MUG-1", golden(t, "pricing/pricingapi/testdata/prices_changed.v1.json")},
		{"inventory", "inventory.level_changed.v1", "MUG-1", golden(t, "inventory/inventoryapi/testdata/level_changed.v1.json")},
	} {
		if got := deliver(t, k, ev[0], ev[1], ev[2], ev[3]); got != "SUCCESS" {
			t.Errorf("%s: %s", ev[1], got)
		}
	}
	one := func(code, label, kind, unit, value, text, hex string) search.Value {
		return search.Value{Code: code, Label: label, Type: kind, Unit: unit, Terms: []search.Term{{Value: value, Label: text}}, Hex: hex}
	}
	size := func(value, text string) []search.Value {
		return []search.Value{one("size", "Size", "enum", "", value, text, "")}
	}
	kinds := []search.Kind{{Code: "seats", Label: "Seats", Type: "integer"}, {Code: "size", Label: "Size", Type: "enum"}, {Code: "size", Label: "Size", Type: "enum"}}
	var chair catalogapi.ProductChangedV1
	if err := json.Unmarshal([]byte(golden(t, "catalog/catalogapi/testdata/product_changed.v1.json")), &chair); err != nil {
		t.Fatal(err)
	}
	want := []app.News{
		{Event: app.Event{Subject: chairID, Sequence: 1, Digest: chair.Digest()}, Product: &app.ProductNews{Listed: true, Kinds: kinds, Product: search.Product{
			ID: chairID, Slug: "folding-chair", Title: "Folding <chair>", Description: "It folds.", ImageURL: "/media/chair.svg",
			Brand: search.Term{Value: "alder", Label: "Alder"}, Path: []search.Category{{Term: search.Term{Value: "chairs", Label: "Chairs"}, Slug: "chairs"}},
			Popularity: 9, Published: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Filterable: []string{"size", "seats"}, Searchable: []string{"care"},
			Translations: map[string]search.Translation{"de": {Title: "Klappstuhl", Description: "Lässt sich falten.", Categories: map[string]string{"chairs": "Stühle"},
				Labels: map[string]string{"width": "Breite"}, Values: map[string]map[string]string{"folds": {"true": "Ja"}, "size": {"s": "klein"}, "width": {"44.5": "44,5 cm"}}}},
			Values: []search.Value{
				{Code: "tags", Label: "Tags", Type: "multi_enum", Terms: []search.Term{{Value: "new", Label: "New"}, {Value: "old", Label: "Old"}}},
				one("width", "Width", "decimal", "cm", "44.5", "44.5 cm", ""), one("seats", "Seats", "integer", "", "1", "1", ""),
				one("tint", "Tint", "colour", "", "#aabbcc", "#aabbcc", "#aabbcc"), one("care", "Care", "text", "", "Wipe & dry", "Wipe & dry", ""),
				one("folds", "Folds", "boolean", "", "true", "Yes", ""), one("made", "Made on", "date", "", "2026-02-28", "2026-02-28", "")},
			Variants: []search.Item{{SKU: "C-S", Values: size("s", "S")}, {SKU: "C-M", Values: size("m", "M")}}}}},
		{Event: app.Event{Subject: "MUG-1", Sequence: 3}, Prices: &app.PriceNews{SKU: "MUG-1"}}, // its only row is of a channel
		{Event: app.Event{Subject: "MUG-1", Sequence: 7}, Level: &app.LevelNews{SKU: "MUG-1", Available: 8}},
	}
	if diff := cmp.Diff(want, k.news); diff != "" {
		t.Error(diff)
	}
}

const (
	priceRows = `{"sequence":4,"sku":"SKU-1","prices":[
		{"price_list_id":"us","amount":{"amount":1000,"currency":"USD"},"compare_at_price":{"amount":1200,"currency":"USD"},"min_quantity":1,"tax_included":false,"countries":["US"],"priority":3,"valid_from":"2026-01-01T00:00:00Z"},
		{"price_list_id":"us","amount":{"amount":900,"currency":"USD"},"min_quantity":10,"tax_included":false},
		{"price_list_id":"app","amount":{"amount":800,"currency":"USD"},"min_quantity":1,"tax_included":false,"channel":"app"},
		{"price_list_id":"vip","amount":{"amount":700,"currency":"USD"},"min_quantity":1,"tax_included":false,"customer_group":"vip"}]}`
	levelNow = `{"sequence":9,"sku":"SKU-1","available":7,"status":"in_stock"}`
	placed   = `{"sequence":2,"order_id":"o1","placed_at":"2026-03-01T23:30:00Z","lines":[{"line_id":"1","sku":"A","product_id":"` + chairID + `","quantity":2},
		{"line_id":"2","sku":"B","product_id":"","quantity":1}]}`
)

func TestOnlyWhatAnybodyPaysForOnePiece(t *testing.T) {
	t.Parallel()
	k := &taker{}
	deliver(t, k, "pricing", "pricing.prices_changed.v1", "SKU-1", priceRows)
	deliver(t, k, "order", "order.placed.v1", "o1", placed)
	want := []app.News{
		{Event: app.Event{Subject: "SKU-1", Sequence: 4}, Prices: &app.PriceNews{SKU: "SKU-1", Rows: []search.Row{
			{List: "us", Currency: "USD", Amount: 1000, CompareAt: 1200, Countries: []string{"US"}, Priority: 3, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}}},
		{Event: app.Event{Subject: "o1", Sequence: 2}, Sold: []app.Sold{{ProductID: chairID, Day: time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC), Pieces: 2}}},
	}
	if diff := cmp.Diff(want, k.news); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBecomesOfAnEvent(t *testing.T) {
	t.Parallel()
	const changed, levels = "catalog.product_changed.v1", "inventory.level_changed.v1"
	for name, tc := range map[string]struct {
		topic, typ, data string
		err              error
		want             string
	}{
		"taken in":                 {"inventory", levels, levelNow, nil, "SUCCESS"},
		"unreadable":               {"inventory", levels, `{"sku":7}`, nil, "DROP"},
		"a product without an id":  {"catalog", changed, `{"sequence":1,"product_id":"x"}`, nil, "DROP"},
		"a value that is none":     {"catalog", changed, `{"sequence":1,"product_id":"` + chairID + `","attributes":[{"code":"a","type":"multi_enum","value":"x"}]}`, nil, "DROP"},
		"nobody asked for it":      {"inventory", "inventory.low_stock.v1", levelNow, nil, "SUCCESS"},
		"the database is slow":     {"inventory", levels, levelNow, fault.New(fault.Timeout, "database-timeout", "slow"), "RETRY"},
		"it is for nobody, a bug?": {"inventory", levels, levelNow, fault.New(fault.Invalid, "x", "x"), "DROP"},
	} {
		if got := deliver(t, &taker{err: tc.err}, tc.topic, tc.typ, "SKU-1", tc.data); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// neighbours answers by app id and address.
type neighbours map[string]string

func (n neighbours) RoundTrip(r *http.Request) (*http.Response, error) {
	body, known := n[r.URL.Host+" "+r.URL.RequestURI()]
	status, kind := http.StatusOK, "application/json"
	if !known {
		return nil, errors.New("nobody expects " + r.URL.Host + " " + r.URL.RequestURI())
	}
	if strings.Contains(body, "problems/") {
		status, kind = http.StatusUnprocessableEntity, "application/problem+json"
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}, "Content-Language": {"de"}}, Body: io.NopCloser(bytes.NewBufferString(body))}, nil
}

func TestSources(t *testing.T) {
	t.Parallel()
	n := neighbours{
		"catalog /v1/internal/products?limit=1000":                   `{"items":[{"id":"` + chairID + `","sequence":4,"digest":"four"}],"next":"` + chairID + `"}`,
		"catalog /v1/internal/products?after=x&limit=100&whole=true": `{"items":[{"id":"` + chairID + `","sequence":5,"digest":"five","product":{"product_id":"` + chairID + `","status":"archived","title":"Chair"}}]}`,
		"pricing /v1/internal/prices?after=":                         `{"items":[{"sku":"A","sequence":2,"prices":[]}],"next":"A"}`,
		"inventory /v1/internal/levels?after=A":                      `{"items":[{"sku":"B","sequence":3,"available":-1}]}`,
		"catalog /v1/products?q=shirt":                               `{"items":[{"id":"` + chairID + `","title":"Chair"}],"next_cursor":"c"}`,
		"catalog /v1/products?sort=nope":                             `{"type":"https://sidecart.dev/problems/validation-failed","status":422,"detail":"no"}`,
	}
	caller := func(app string) daprkit.Caller { return daprkit.NewCaller(n, app) }
	s := Sources{Catalog: caller("catalog"), Pricing: caller("pricing"), Inventory: caller("inventory")}
	asked := func(subject string, sequence int64) app.Event {
		return app.Event{Subject: subject, Sequence: sequence, Asked: true}
	}
	of := func(e app.Event, digest string) app.Event {
		e.Digest = digest
		return e
	}
	for name, tc := range map[string]struct {
		got  func() (app.Page, error)
		want app.Page
	}{
		"sequences":      {func() (app.Page, error) { return s.Products(t.Context(), "", false) }, app.Page{Next: chairID, News: []app.News{{Event: of(asked(chairID, 4), "four")}}}},
		"whole products": {func() (app.Page, error) { return s.Products(t.Context(), "x", true) }, app.Page{News: []app.News{{Event: of(asked(chairID, 5), "five"), Product: &app.ProductNews{Product: search.Product{ID: chairID, Title: "Chair"}}}}}},
		"prices":         {func() (app.Page, error) { return s.Prices(t.Context(), "") }, app.Page{Next: "A", News: []app.News{{Event: asked("A", 2), Prices: &app.PriceNews{SKU: "A"}}}}},
		"levels":         {func() (app.Page, error) { return s.Levels(t.Context(), "A") }, app.Page{News: []app.News{{Event: asked("B", 3), Level: &app.LevelNews{SKU: "B", Available: -1}}}}},
	} {
		got, err := tc.got()
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if _, err := s.Levels(t.Context(), "nobody"); fault.KindOf(err) != fault.Timeout {
		t.Errorf("an answer that never came: %v", err)
	}
	shelf := Shelf{Catalog: caller("catalog")}
	if page, language, err := shelf.List(t.Context(), url.Values{"q": {"shirt"}}); err != nil || len(page.Items) != 1 || *page.NextCursor != "c" || language != "de" {
		t.Errorf("%+v %s %v", page, language, err)
	}
	if _, _, err := shelf.List(t.Context(), url.Values{"sort": {"nope"}}); fault.CodeOf(err) != "validation-failed" {
		t.Errorf("a refusal of catalog is its own: %v", err)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errors.New("away")} {
		done := map[string]int{}
		does := func(what string) func(context.Context) error {
			return func(ctx context.Context) error {
				if _, bounded := ctx.Deadline(); bounded {
					done[what]++
				}
				return want
			}
		}
		jobs := daprkit.NewJobs(quiet)
		all := Jobs(jobs, does("check"), does("prune"))
		router := chi.NewRouter()
		daprkit.Mount(router, daprkit.Routes{AppID: "search", AppToken: "t", Jobs: jobs})
		for _, job := range all {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/job/"+job.Name, nil)
			req.Header.Set("dapr-api-token", "t")
			w := httptest.NewRecorder()
			router.ServeHTTP(w, req)
			if (w.Code == http.StatusOK) != (want == nil) {
				t.Errorf("%s answered %d", job.Name, w.Code)
			}
		}
		if len(all) != 2 || done["check"] != 1 || done["prune"] != 1 {
			t.Errorf("%v of %v", done, all)
		}
	}
}
