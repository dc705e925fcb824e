package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

const rowsPath = "/v1/admin/search/rows"

// row puts a row of the home page.
func (s *shop) row(id string, row object) {
	s.t.Helper()
	if row["titles"] == nil {
		row["titles"] = object{"en": id}
	}
	s.staff.Do("PUT", rowsPath+"/"+id, row).Want(200)
}

// home are the rows of a visit: their id, title and products, and what leads on.
func (s *shop) home(query string) (all []string, language string) {
	s.t.Helper()
	var home searchapi.Rows
	r := s.guest.Do("GET", "/v1/products/rows"+query, nil).Want(200).JSON(&home)
	for _, row := range home.Rows {
		line := row.ID + " " + row.Title
		for _, p := range row.Items {
			line += " " + p.Slug
		}
		all = append(all, line+" ?"+row.Query)
	}
	return all, r.Header.Get("Content-Language")
}

func TestRowsOfTheHomePage(t *testing.T) {
	t.Parallel()
	s := german(t)
	if got, _ := s.home(""); len(got) != 0 {
		t.Errorf("%v", got)
	}
	s.row("new", object{"titles": object{"en": "New", "de": "Neu"}, "position": 2, "shows": object{"sort": "newest", "category": "home"}})
	s.row("picked", object{"position": 1, "shows": object{"ids": []string{id(6), id(99), id(3), id(1)}}})
	s.row("empty", object{"shows": object{"q": "teapot"}})
	s.row("gone", object{"shows": object{"attributes": object{"nope": []string{"x"}}}})
	s.row("wool", object{"position": 1, "limit": 1, "shows": object{"q": "wool", "sort": "price", "attributes": object{"material": []string{"wool", "felt"}}, "price_max": 900000, "in_stock": false}})
	s.row("kiosk", object{"when": object{"channels": []string{"kiosk"}}, "shows": object{"sort": "-price", "price_min": 6000, "brand": ""}})
	s.row("later", object{"starts_at": "2026-03-01T12:00:01Z", "shows": object{}})
	s.row("over", object{"ends_at": "2026-03-01T12:00:00Z", "shows": object{}})
	s.row("germans", object{"when": object{"locales": []string{"de"}}, "limit": 2, "shows": object{"sort": "price"}})
	const picked, wool = "picked picked scarf linen-shirt ?", "wool wool scarf ?attr.material=wool%2Cfelt&price_max=900000&q=wool&sort=price"
	for query, want := range map[string][]string{
		"":                         {"en", picked, wool, "new New mug ?category=home&sort=newest"},
		"?language=de-AT":          {"de-AT", "germans germans mug linen-shirt ?sort=price", picked, "new Neu mug ?category=home&sort=newest"},
		"?locale=de-CH":            {"en", "germans germans mug linen-shirt ?sort=price", picked, wool, "new New mug ?category=home&sort=newest"},
		"?channel=kiosk":           {"en", "kiosk kiosk jumper ?price_min=6000&sort=-price", picked, wool, "new New mug ?category=home&sort=newest"},
		"?currency=EUR&country=DE": {"en", "picked picked sofa ?", "new New sofa ?category=home&sort=newest"},
		"?currency=JPY":            {"en"},
	} {
		got, language := s.home(query)
		if diff := cmp.Diff(want, append([]string{language}, got...)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	// Rules act in a row as in the listing that it shows, but not on products that are named.
	s.rule("no-mugs", nil, object{"kind": "exclude", "product": id(2)}, object{"kind": "exclude", "product": id(6)})
	if got, _ := s.home("?locale=de"); !slices.Contains(got, picked) || slices.ContainsFunc(got, func(row string) bool { return strings.Contains(row, "mug") }) {
		t.Errorf("%v", got)
	}
	if err := s.ear.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if heard, err := s.store.Heard(t.Context(), now.AddDate(0, 0, -1), true, 9); err != nil || len(heard) != 0 {
		t.Errorf("%v %+v: nobody has searched", err, heard)
	}
	for query, want := range map[string]string{"": "public, max-age=10", "?visitor=v": "private, max-age=10"} {
		if got := s.guest.Do("GET", "/v1/products/rows"+query, nil).Want(200).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
}

func TestRowsDoors(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.guest.Do("GET", "/v1/products/rows", nil).Problem(503, "search-unavailable")
	for query, want := range map[string][]string{"?currency=XXY&country=us&language=deutsch": {"query.country", "query.currency", "query.language"}, "?nope=1": {"query.nope"}, "?limit=1": {"query.limit"}} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products/rows"+query, nil).Problem(422, "validation-failed"))
		slices.Sort(got)
		if query == "?currency=XXY&country=us&language=deutsch" && len(got) == 1 {
			want = []string{"query.language"} // forms come before meanings
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	row := object{"titles": object{"en": "New", "de": "Neu"}, "position": 3, "starts_at": "2026-03-01T00:00:00+01:00", "when": object{"locales": []string{"de"}},
		"shows": object{"q": "mug", "category": "home", "brand": "b", "price_min": 1, "price_max": 2, "in_stock": true, "attributes": object{"size": []string{"s"}}, "sort": "rating"}}
	s.row("new", row)
	var put, again searchapi.HomeRow
	s.reader.Do("GET", rowsPath+"/new", nil).Want(200).JSON(&put)
	if put.Version != 1 || put.Limit != 12 || put.StartsAt.Hour() != 23 || put.EndsAt != nil || put.Titles["de"] != "Neu" || *put.Shows.PriceMax != 2 || put.Shows.Attributes["size"][0] != "s" {
		t.Errorf("%+v", put)
	}
	s.staff.Do("PUT", rowsPath+"/new", row).Want(200).JSON(&again)
	if diff := cmp.Diff(put, again); diff != "" {
		t.Errorf("the same again is no change: %s", diff)
	}
	s.staff.With("If-Match", `"v9"`).Do("PUT", rowsPath+"/new", row).Problem(412, "version-conflict")
	s.row("a", object{"shows": object{"ids": []string{id(1)}}})
	var page struct {
		Items      []searchapi.HomeRow
		NextCursor *string `json:"next_cursor"`
	}
	s.reader.Do("GET", rowsPath+"?limit=1", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != "a" || page.NextCursor == nil {
		t.Errorf("%+v", page)
	}
	s.guest.Do("GET", rowsPath, nil).Problem(401, "unauthenticated")
	s.reader.Do("PUT", rowsPath+"/x", row).Problem(403, "forbidden")
	s.reader.Do("DELETE", rowsPath+"/new", nil).Problem(403, "forbidden")
	s.reader.Do("GET", rowsPath+"/nobody", nil).Problem(404, "row-not-found")
	s.staff.Do("DELETE", rowsPath+"/nobody", nil).Problem(404, "row-not-found")
	s.staff.With("If-Match", `"v9"`).Do("DELETE", rowsPath+"/new", nil).Problem(412, "version-conflict")
	s.staff.Do("DELETE", rowsPath+"/new", nil).Want(204)
	s.reader.Do("GET", rowsPath+"/new", nil).Problem(404, "row-not-found")
	for _, tc := range []struct {
		body object
		want []string
	}{
		{object{}, []string{"body.shows", "body.titles"}},
		{object{"titles": object{"de": "Neu", "x": " "}, "position": -1, "limit": 51, "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z", "when": object{"channels": []string{"a b"}}, "shows": object{}},
			[]string{"body.ends_at", "body.limit", "body.position", "body.titles.en", "body.titles.x", "body.when.channels[0]"}},
		{object{"titles": object{"en": "x"}, "shows": object{"ids": []string{"a", "a"}, "sort": "cheapest"}}, []string{"body.shows.ids", "body.shows.ids[1]", "body.shows.sort"}},
		{object{"titles": object{"en": "x"}, "shows": object{"price_min": 2, "price_max": 1, "attributes": object{"a b": []string{}, "c": []string{"", "x,y"}}}},
			[]string{"body.shows.attributes.a b", "body.shows.attributes.c[0]", "body.shows.attributes.c[1]", "body.shows.price_max"}},
		{object{"titles": object{"en": "x"}, "shows": object{"price_max": -1, "q": strings.Repeat("x", 201)}}, []string{"body.shows.price_max", "body.shows.q"}},
		{object{"titles": object{"en": "x"}, "shows": object{}, "when": object{"texts": []string{"x"}}}, []string{"body.when.texts"}},
	} {
		got := apitest.Locations(s.staff.Do("PUT", rowsPath+"/x", tc.body).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, slices.Compact(got)); diff != "" {
			t.Errorf("%v: %s", tc.body, diff)
		}
	}
}

func TestProductsByTheirIDs(t *testing.T) {
	t.Parallel()
	s := german(t)
	for query, want := range map[string][]string{
		id(2) + "," + id(1):                          {"mug", "linen-shirt"},
		id(1) + "," + id(2) + "," + id(1):            {"linen-shirt", "mug"},
		id(3) + "," + id(4) + "," + id(99) + ",nope": {}, // of another market, a draft, unknown ones
		id(3) + "&currency=EUR&country=DE":           {"sofa"},
		id(5) + "," + id(2) + "&limit=1":             {"jumper", "mug"},
	} {
		if diff := cmp.Diff(want, s.slugs("?ids="+query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	var page searchapi.Products
	r := s.guest.Do("GET", "/v1/products?language=de&ids="+id(5), nil).Want(200).JSON(&page)
	if page.Items[0].Title != "Wollpullover" || r.Header.Get("Content-Language") != "de" || *page.Total != 1 || page.NextCursor != nil {
		t.Errorf("%+v", page)
	}
	many := strings.Repeat(id(1)+",", 50) + id(2)
	for query, want := range map[string][]string{
		"?ids=" + many: {"query.ids"}, "?ids=a,,b": {"query.ids[1]"},
		"?ids=" + id(1) + "&q=x&sort=price&attr.size=s&nope=1": {"query.attr.size", "query.nope", "query.q", "query.sort"},
	} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products"+query, nil).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%.60s: %s", query, diff)
		}
	}
	if asked := len(s.shelf.asked); asked != 0 {
		t.Errorf("catalog was asked %d times", asked)
	}
	open(t).guest.Do("GET", fmt.Sprintf("/v1/products?ids=%s", id(1)), nil).Problem(503, "search-unavailable")
}
