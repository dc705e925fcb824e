package httpapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// sequence counts the events of a product.
func (s *shop) events(id string) (n int) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), `SELECT count(*) FROM outbox WHERE subject = $1`, id).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// announced is the latest event of a product.
func (s *shop) announced(id string) (data catalogapi.ProductChangedV1) {
	s.t.Helper()
	var raw []byte
	if err := s.pool.QueryRow(s.t.Context(), `SELECT data FROM outbox WHERE subject = $1 ORDER BY sequence DESC LIMIT 1`, id).Scan(&raw); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		s.t.Fatal(err)
	}
	return data
}

func TestRegistryReadsAsWritten(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var a AttributeView
	s.reader.Do("GET", "/v1/admin/attributes/colour", nil).Want(200).JSON(&a)
	if a.Code != "colour" || a.Type != "colour" || len(a.Values) != 2 || !reflect.DeepEqual(a.Values[0], catalogapi.EnumValue{Value: "navy", Label: "Navy", Hex: "#1f2a44"}) {
		t.Errorf("%+v", a)
	}
	s.reader.Do("GET", "/v1/admin/attributes/width", nil).Want(200).JSON(&a)
	if a.Unit != "cm" || *a.Min != "1" || *a.Max != "500" {
		t.Errorf("%+v", a)
	}
	var c CategoryView
	s.reader.Do("GET", "/v1/admin/categories/shirts", nil).Want(200).JSON(&c)
	if c.ParentCode != "clothing" || c.Position != 2 || len(c.Attributes) != 2 || !c.Attributes[0].Searchable {
		t.Errorf("%+v", c)
	}
	var b BrandView
	s.reader.Do("GET", "/v1/admin/brands/alder", nil).Want(200).JSON(&b)
	if b.Code != "alder" || b.Name != "Alder & Co" {
		t.Errorf("%+v", b)
	}
	for path, n := range map[string]int{"attributes": 6, "categories": 3, "brands": 1} {
		var all struct{ Items []json.RawMessage }
		s.reader.Do("GET", "/v1/admin/"+path, nil).Want(200).JSON(&all)
		if len(all.Items) != n {
			t.Errorf("%d %s, want %d", len(all.Items), path, n)
		}
	}
	s.reader.Do("GET", "/v1/admin/attributes/x", nil).Problem(404, "attribute-not-found")
	s.reader.Do("GET", "/v1/admin/categories/x", nil).Problem(404, "category-not-found")
	s.reader.Do("GET", "/v1/admin/brands/x", nil).Problem(404, "brand-not-found")
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/categories/chairs", `{"name":"Chairs","slug":"seating"}`).Want(204)
	for name, tc := range map[string]struct {
		path, body string
		locations  []string
	}{
		"a wild code":       {"attributes/A!", `{"label":"x","type":"text"}`, []string{"path.code"}},
		"no such type":      {"attributes/x", `{"label":"x","type":"float"}`, []string{"body.type"}},
		"an enum of none":   {"attributes/x", `{"label":" ","type":"enum","unit":"cm"}`, []string{"body.label", "body.unit", "body.values"}},
		"choices of a text": {"attributes/x", `{"label":"x","type":"text","values":[{"value":"a","label":"A","hex":"#000000"}],"min":"1"}`, []string{"body.min", "body.values", "body.values[0].hex"}},
		"bad choices": {"attributes/x", `{"label":"x","type":"colour","values":[{"value":"a","label":"A","hex":"red"},{"value":"a","label":"","hex":"#000000"}]}`,
			[]string{"body.values[0].hex", "body.values[1].value", "body.values[1].label"}},
		"bounds":            {"attributes/x", `{"label":"x","type":"decimal","min":"2","max":"1.5"}`, []string{"body.max"}},
		"bounds in words":   {"attributes/x", `{"label":"x","type":"decimal","min":"1e5","max":"NaN"}`, []string{"body.min", "body.max"}},
		"a parent of none":  {"categories/x", `{"name":"x","slug":"Not A Slug","parent_code":"nobody","attributes":[{"code":"ghost"}]}`, []string{"body.slug", "body.parent_code", "body.attributes[0].code"}},
		"a ring":            {"categories/clothing", `{"name":"x","slug":"clothing","parent_code":"shirts"}`, []string{"body.parent_code"}},
		"a slug taken":      {"categories/x", `{"name":"x","slug":"shirts"}`, []string{"body.slug"}},
		"a slug for a code": {"categories/seating", `{"name":"x","slug":"x"}`, []string{"path.code"}},
		"twice, and many":   {"categories/x", `{"name":"x","slug":"x","attributes":[{"code":"season","variant_defining":true},{"code":"season"}]}`, []string{"body.attributes[0].variant_defining", "body.attributes[1].code"}},
		"a nameless brand":  {"brands/x", `{"name":""}`, []string{"body.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.staff
			c.T = t
			got := apitest.Locations(c.Do("PUT", "/v1/admin/"+tc.path, tc.body).Problem(422, "validation-failed"))
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAttributesInUseKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(shirt)
	s.staff.Do("PUT", "/v1/admin/attributes/material", `{"label":"Material","type":"text"}`).Problem(409, "attribute-in-use")
	s.staff.Do("PUT", "/v1/admin/attributes/material", `{"label":"Material","type":"enum","values":[{"value":"cotton","label":"Cotton"}]}`).Problem(409, "attribute-in-use")
	s.staff.Do("PUT", "/v1/admin/attributes/season", `{"label":"Season","type":"multi_enum","values":[{"value":"summer","label":"Summer"}]}`).Problem(409, "attribute-in-use")
	s.staff.Do("PUT", "/v1/admin/attributes/size", `{"label":"Size","type":"enum","values":[{"value":"s","label":"S"},{"value":"m","label":"M"}]}`).Want(204) // nobody has l
	s.staff.Do("PUT", "/v1/admin/attributes/seats", `{"label":"Seats","type":"text"}`).Want(204)
	s.write(sofa(0))
	for _, unit := range []string{`"mm"`, `""`} { // 100.5 cm would be 100.5 mm
		s.staff.Do("PUT", "/v1/admin/attributes/width", `{"label":"Width","type":"decimal","unit":`+unit+`}`).Problem(409, "attribute-in-use")
	}
	if n := s.events(w.ID); n != 2 {
		t.Errorf("%d events, want one for the product and one for its changed attribute", n)
	}
	s.staff.Do("PUT", "/v1/admin/attributes/material", `{"label":"Cloth","type":"enum","values":[{"value":"linen","label":"Flax"},{"value":"cotton","label":"Cotton"}]}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/categories/clothing", `{"name":"Clothes","slug":"clothing","attributes":[{"code":"colour","required":true,"variant_defining":true},{"code":"size","required":true,"variant_defining":true}]}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/brands/alder", `{"name":"Alder"}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/brands/alder", `{"name":"Alder"}`).Want(204)
	s.staff.Do("PUT", "/v1/admin/attributes/width", `{"label":"Width","type":"decimal","unit":"cm","min":"1","max":"500"}`).Want(204) // as it was
	s.staff.Do("PUT", "/v1/admin/categories/shirts", `{"name":"Shirts","slug":"shirts","parent_code":"clothing","position":2,"attributes":[
		{"code":"material","required":true,"filterable":true,"searchable":true},{"code":"season","filterable":true}]}`).Want(204)
	ev := s.announced(w.ID)
	if n := s.events(w.ID); n != 5 || ev.Brand != "Alder" || ev.CategoryPath[0].Name != "Clothes" || ev.Attributes[0].Label != "Cloth" || ev.Attributes[0].Text != "Flax" || ev.Sequence != 5 || ev.Version != 1 {
		t.Errorf("%d events, the last %+v", n, ev)
	}
}

func TestProductReadsAsWritten(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var w catalogapi.ProductWritten
	a := s.staff.Do("POST", "/v1/admin/products", shirt).Want(201).JSON(&w)
	if w.Outcome != "created" || w.Version != 1 || a.Header.Get("ETag") != `"v1"` {
		t.Errorf("%+v %v", w, a.Header)
	}
	s.staff.Do("POST", "/v1/admin/products", shirt).Want(200).JSON(&w)
	if w.Outcome != "unchanged" || w.Version != 1 || s.events(w.ID) != 1 {
		t.Errorf("again: %+v, %d events", w, s.events(w.ID))
	}
	var p StaffProduct
	a = s.reader.Do("GET", "/v1/admin/products/"+w.ID, nil).Want(200).JSON(&p)
	if p.ID != w.ID || p.ExternalID != "shirt-1" || p.Slug != "linen-shirt" || p.TaxCategory != "standard" || string(p.Attributes["season"]) != `["spring","summer"]` ||
		string(p.Variants[1].Attributes["colour"]) != `"navy"` || p.Variants[0].Dimensions.WidthMM != 2 || !p.CreatedAt.Equal(now) {
		t.Errorf("%+v", p)
	}
	body, err := json.Marshal(p.ProductInput) // what staff read they may write
	if err != nil {
		t.Fatal(err)
	}
	s.staff.With("If-Match", a.Header.Get("ETag")).Do("PUT", "/v1/admin/products/"+w.ID, body).Want(200).JSON(&w)
	if w.Outcome != "unchanged" {
		t.Errorf("written as read: %+v", w)
	}
	body = []byte(strings.Replace(string(body), "Cool.", "Cooler.", 1))
	s.staff.With("If-Match", `"v1"`).Do("PUT", "/v1/admin/products/"+w.ID, body).Want(200).JSON(&w)
	if w.Outcome != "updated" || w.Version != 2 {
		t.Errorf("%+v", w)
	}
	ev := s.announced(w.ID)
	if ev.Sequence != 2 || ev.Version != 2 || ev.Description != "Cooler." || len(ev.Variants) != 2 || ev.Variants[0].Title != "Linen Shirt, Navy, S" || ev.CategoryPath[1].Code != "shirts" {
		t.Errorf("%+v", ev)
	}
	s.staff.With("If-Match", `"v1"`).Do("PUT", "/v1/admin/products/"+w.ID, body).Problem(412, "version-conflict")
	s.staff.With("If-Match", `v1`).Do("PUT", "/v1/admin/products/"+w.ID, body).Problem(400, "malformed")
	s.staff.Do("PUT", "/v1/admin/products/019c0000-0000-7000-8000-000000000000", body).Problem(404, "product-not-found")
	s.staff.Do("PUT", "/v1/admin/products/linen-shirt", body).Problem(404, "product-not-found")
	s.reader.Do("GET", "/v1/admin/products/linen-shirt", nil).Problem(404, "product-not-found")
	var before, after string
	err = s.pool.QueryRow(t.Context(), `SELECT before ->> 'Description', after ->> 'Description' FROM audit_log WHERE entity = 'product/' || $1 AND action = 'updated' AND actor = 'staff:tester'`, w.ID).Scan(&before, &after)
	if err != nil || before != "Cool." || after != "Cooler." {
		t.Errorf("audit: %q → %q (%v)", before, after, err)
	}
}

func TestProductRefuses(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.write(shirt)
	for name, tc := range map[string]struct {
		body      string
		locations []string
	}{
		"an unknown field": {`{"title":"x","category_code":"furniture","price":5,"variants":[{"sku":"a"}]}`, []string{"body.price"}},
		"wrong types":      {`{"title":1,"category_code":"furniture","popularity":-1,"variants":[{"sku":"a b","weight_grams":1.5}]}`, []string{"body.popularity", "body.title", "body.variants[0].sku", "body.variants[0].weight_grams"}},
		"nothing known": {`{"title":"x","brand_code":"ghost","category_code":"ghost","tax_category":"VAT!","variants":[{"sku":"a"}]}`,
			[]string{"body.tax_category", "body.brand_code", "body.category_code"}},
		"missing and unknown attributes": {`{"title":"x","category_code":"furniture","attributes":{"seats":"four"},"variants":[{"sku":"a","attributes":{"length":1}}]}`,
			[]string{"body.attributes.seats", "body.variants[0].attributes.length", "body.attributes.width"}},
		"a wrong unit":    {`{"title":"x","category_code":"furniture","attributes":{"width":"12.5 in"},"variants":[{"sku":"a"}]}`, []string{"body.attributes.width"}},
		"out of bounds":   {`{"title":"x","category_code":"furniture","attributes":{"width":500.01},"variants":[{"sku":"a"}]}`, []string{"body.attributes.width"}},
		"below bounds":    {`{"title":"x","category_code":"furniture","attributes":{"width":"-7"},"variants":[{"sku":"a"}]}`, []string{"body.attributes.width"}},
		"an overflow":     {`{"title":"x","category_code":"furniture","attributes":{"width":1,"seats":99999999999999999999},"variants":[{"sku":"a"}]}`, []string{"body.attributes.seats"}},
		"a size too many": {`{"title":"x","category_code":"clothing","variants":[{"sku":"a","attributes":{"size":"s","colour":"navy"}},{"sku":"b","attributes":{"size":"m","colour":"navy"}},{"sku":"c","attributes":{"size":"xxl","colour":"red"}}]}`, []string{"body.variants[2].attributes.size", "body.variants[2].attributes.colour"}},
		"the same twice":  {`{"title":"x","category_code":"clothing","variants":[{"sku":"a","attributes":{"size":"s","colour":"navy"}},{"sku":"a","attributes":{"size":"s","colour":"#1F2A44"}}]}`, []string{"body.variants[1].sku", "body.variants[1].attributes"}},
		"options above":   {`{"title":"x","category_code":"clothing","attributes":{"size":"s"},"variants":[{"sku":"a","attributes":{"size":"s","colour":"navy"}}]}`, []string{"body.attributes.size"}},
		"nothing apart":   {`{"title":"x","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"},{"sku":"b"}]}`, []string{"body.variants[1].attributes"}},
		"bad pictures":    {`{"title":"x","category_code":"furniture","attributes":{"width":1},"images":[{"url":"javascript:alert(1)"},{"url":"media/x.svg"},{"url":"//host/x"},{"url":"/media/../x"}],"variants":[{"sku":"a"}]}`, []string{"body.images[0].url", "body.images[1].url", "body.images[2].url", "body.images[3].url"}},
		"a slug like an id": {`{"title":"x","slug":"019c0000-0000-7000-8000-000000000000","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"}]}`,
			[]string{"body.slug"}},
		"a slug taken": {`{"title":"x","slug":"linen-shirt","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"SH-S-N"}]}`, []string{"body.variants[0].sku", "body.slug"}},
		"all of it at once": {`{"external_id":"shirt-1","title":" ","slug":"linen-shirt","category_code":"furniture","attributes":{"width":"wide"},"variants":[{"sku":"SH-S-N"},{"sku":"S","barcode":"b c"}]}`,
			[]string{"body.title", "body.attributes.width", "body.variants[1].barcode", "body.variants[1].attributes"}},
		"what others have, too": {`{"title":" ","slug":"linen-shirt","category_code":"furniture","attributes":{"width":"wide"},"variants":[{"sku":"SH-S-N"}]}`,
			[]string{"body.title", "body.attributes.width", "body.variants[0].sku", "body.slug"}},
		"no variants": {`{"title":"x","category_code":"furniture","attributes":{"width":1},"variants":[]}`, []string{"body.variants"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.staff
			c.T = t
			got := apitest.Locations(c.Do("POST", "/v1/admin/products", tc.body).Problem(422, "validation-failed"))
			slices.Sort(got)
			slices.Sort(tc.locations)
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	s.staff.Do("POST", "/v1/admin/products", `{"title":"`+strings.Repeat("x", 5<<20)+`"}`).Problem(413, "body-too-large")
	s.staff.Do("POST", "/v1/admin/products", `{`).Problem(400, "malformed")
	s.staff.Do("POST", "/v1/admin/products", `{"title":"x\u0000"}`).Problem(400, "malformed")
}

func TestWhoMayWrite(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for _, path := range []string{"/v1/admin/products", "/v1/admin/products/batch", "/v1/admin/migration-exceptions", "/v1/admin/products/x/publish"} {
		s.guest.Do("POST", path, `{}`).Problem(401, "unauthenticated")
		s.reader.Do("POST", path, `{}`).Problem(403, "forbidden")
	}
	s.guest.Do("GET", "/v1/admin/products", nil).Problem(401, "unauthenticated")
}

func TestLifeOfAProduct(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(`{"title":"Sofa","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"}]}`)
	move := func(what string, status int) (w2 catalogapi.ProductWritten) {
		s.staff.Do("POST", "/v1/admin/products/"+w.ID+"/"+what, nil).Want(status).JSON(&w2)
		return w2
	}
	if got := move("publish", 200); got.Version != 2 || got.Outcome != "updated" {
		t.Errorf("%+v", got)
	}
	if got := move("publish", 200); got.Version != 2 || got.Outcome != "unchanged" {
		t.Errorf("%+v", got)
	}
	s.guest.Do("GET", "/v1/products/sofa", nil).Want(200)
	draft := `{"title":"Sofa","status":"draft","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"}]}`
	s.staff.Do("PUT", "/v1/admin/products/"+w.ID, draft).Problem(409, "status-conflict")
	s.staff.Do("PUT", "/v1/admin/products/"+w.ID, strings.Replace(draft, `"status":"draft",`, "", 1)).Want(200) // keeps its status
	move("archive", 200)
	for _, name := range []string{"sofa", w.ID} {
		gone := s.guest.Do("GET", "/v1/products/"+name+"?language=de", nil).Problem(410, "gone")
		if path, _ := json.Marshal(gone["category_path"]); !strings.Contains(string(path), `"slug":"furniture"`) {
			t.Errorf("where to look instead: %s", path)
		}
	}
	if ev := s.announced(w.ID); ev.Status != "archived" || ev.Sequence != 3 {
		t.Errorf("%+v", ev)
	}
	s.staff.Do("PUT", "/v1/admin/categories/furniture", `{"name":"F","slug":"furniture","attributes":[{"code":"width","required":true},{"code":"seats","required":true}]}`).Want(204)
	if got := apitest.Locations(s.staff.Do("POST", "/v1/admin/products/"+w.ID+"/publish", nil).Problem(422, "validation-failed")); !slices.Equal(got, []string{"attributes.seats"}) {
		t.Errorf("published though it lacks something: %v", got)
	}
	s.staff.Do("POST", "/v1/admin/products/nobody/publish", nil).Problem(404, "product-not-found")
}

// Nobody hears of a draft, also when it was put aside: it is not gone, it never was there.
func TestADraftThatIsArchivedWasNeverThere(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(`{"title":"Sofa","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"}]}`)
	s.staff.Do("POST", "/v1/admin/products/"+w.ID+"/archive", nil).Want(200)
	for _, name := range []string{"sofa", w.ID} {
		s.guest.Do("GET", "/v1/products/"+name, nil).Problem(404, "product-not-found")
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	keyed := s.staff.With("Idempotency-Key", "one")
	body := `{"title":"Sofa","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"a"}]}`
	answers := make([]catalogapi.ProductWritten, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { keyed.Do("POST", "/v1/admin/products", body).Want(201).JSON(&answers[i]) })
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("%+v and %+v", a, answers[0])
		}
	}
	if a := keyed.Do("POST", "/v1/admin/products", body).Want(201); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("not said to be a replay")
	}
	keyed.Do("POST", "/v1/admin/products", strings.Replace(body, "Sofa", "Sofia", 1)).Problem(422, "idempotency-key-reused")
	if n := s.events(answers[0].ID); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestOneSKUIsSoldOnce(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			a := s.staff.Do("POST", "/v1/admin/products", fmt.Sprintf(`{"title":"Racer %d","category_code":"furniture","attributes":{"width":1},"variants":[{"sku":"only"}]}`, i))
			mu.Lock()
			defer mu.Unlock()
			statuses[a.Status]++
		})
	}
	wg.Wait()
	if statuses[201] != 1 || statuses[422] != 7 {
		t.Errorf("%v, want one winner", statuses)
	}
}

func TestStaffList(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for i := range 3 {
		s.write(sofa(i))
	}
	s.write(strings.Replace(shirt, "published", "draft", 1))
	titles := func(query string) (all []string) {
		cursor := ""
		for range 10 {
			var page struct {
				Items      []StaffProduct
				NextCursor *string `json:"next_cursor"`
			}
			s.reader.Do("GET", "/v1/admin/products?limit=2&"+query+"&cursor="+cursor, nil).Want(200).JSON(&page)
			for _, p := range page.Items {
				all = append(all, p.Title)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = *page.NextCursor
		}
		return all
	}
	for query, want := range map[string][]string{
		"":                   {"Linen Shirt", "Sofa number 102", "Sofa number 101", "Sofa number 100"},
		"status=draft":       {"Linen Shirt"},
		"category=furniture": {"Sofa number 102", "Sofa number 101", "Sofa number 100"},
		"q=number%20101":     {"Sofa number 101"},
		"q=SH-M-N":           {"Linen Shirt"},
		"q=sofa-102":         {"Sofa number 102"},
		"q=nothing":          nil,
	} {
		if diff := cmp.Diff(want, titles(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	s.reader.Do("GET", "/v1/admin/products?cursor=eyJpIjoieCJ9", nil).Problem(422, "validation-failed")
}

func TestConcurrentEditsOfOneVersionHaveOneWinner(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	w := s.write(sofa(0))
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			a := s.staff.With("If-Match", `"v1"`).Do("PUT", "/v1/admin/products/"+w.ID, strings.Replace(sofa(0), "Sofa", fmt.Sprint("Edit ", i), 1))
			mu.Lock()
			defer mu.Unlock()
			statuses[a.Status]++
		})
	}
	wg.Wait()
	if statuses[200] != 1 || statuses[412] != 9 || s.events(w.ID) != 2 {
		t.Errorf("%v and %d events", statuses, s.events(w.ID))
	}
}
