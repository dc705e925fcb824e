package httpapi

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

const (
	synonymsPath = "/v1/admin/search/synonyms"
	rulesPath    = "/v1/admin/search/rules"
	previewPath  = "/v1/admin/search/preview"
)

type object = map[string]any

// rule puts a rule that does something.
func (s *shop) rule(id string, when object, then ...object) {
	s.t.Helper()
	body := object{"name": id, "then": then}
	if when != nil {
		body["when"] = when
	}
	s.staff.Do("PUT", rulesPath+"/"+id, body).Want(200)
}

func pin(product string, position int) object {
	return object{"kind": "pin", "product": product, "position": position}
}

// What a merchandiser says holds from the next query on, here and in every other process.
func TestTheNextListingHasIt(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	if got := s.slugs("?q=beaker"); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	other := app.NewMerchandising(s.store, "en", nil, clock, slog.New(slog.DiscardHandler))
	if err := other.Refresh(t.Context()); err != nil || other.Steering().Version != 0 {
		t.Fatal(err, other.Steering())
	}
	s.staff.Do("PUT", synonymsPath+"/beaker", object{"words": []string{"beaker", "mug"}}).Want(200)
	if diff := cmp.Diff([]string{"mug"}, s.slugs("?q=beaker")); diff != "" {
		t.Error(diff)
	}
	s.rule("first", nil, pin(id(1), 1))
	if diff := cmp.Diff([]string{"linen-shirt", "mug"}, s.slugs("")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"mug"}, s.slugs("?q=mug")); diff != "" {
		t.Errorf("pinned, and not found: %s", diff)
	}
	if diff := cmp.Diff([]string{"mug", "linen-shirt"}, s.slugs("?sort=price")); diff != "" {
		t.Errorf("pinned into an order of the shopper's: %s", diff)
	}
	if err := other.Refresh(t.Context()); err != nil || other.Steering().Version != 2 {
		t.Errorf("%v %+v", err, other.Steering())
	}
	s.staff.Do("DELETE", rulesPath+"/first", nil).Want(204)
	s.staff.Do("DELETE", synonymsPath+"/beaker", nil).Want(204)
	if diff := cmp.Diff([]string{"mug", "linen-shirt"}, s.slugs("")); diff != "" {
		t.Error(diff)
	}
	if got := s.slugs("?q=beaker"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestRulesSteerListings(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.rule("no-mugs", object{"locales": []string{"de"}}, object{"kind": "exclude", "product": id(2)})
	s.rule("shirts-up", object{"channels": []string{"kiosk"}}, object{"kind": "boost", "factor": 9, "filters": []object{{"field": "category", "any": []string{"shirts"}}}})
	s.rule("clothing", object{"categories": []string{"clothing"}}, object{"kind": "banner", "banner": object{"title": "Summer", "url": "/summer"}})
	s.rule("gifts", object{"match": "exact", "texts": []string{"gift card"}}, object{"kind": "redirect", "url": "/gift-cards"})
	s.staff.Do("PUT", rulesPath+"/half", object{"name": "half", "share": object{"test": "t", "from": 0, "to": 50}, "then": []object{{"kind": "banner", "banner": object{"title": "Half"}}}}).Want(200)
	read := func(query string) (page searchapi.Products) {
		t.Helper()
		s.guest.Do("GET", "/v1/products"+query, nil).Want(200).JSON(&page)
		return page
	}
	if got := read("?locale=de-AT&facets=true"); *got.Total != 1 || len(got.Items) != 1 || got.Items[0].ID != id(1) || slices.ContainsFunc(got.Facets[0].Values, func(v searchapi.FacetValue) bool { return v.Value == "home" }) {
		t.Errorf("left out, listed or counted all the same: %+v", got)
	}
	var suggested searchapi.Suggestions
	s.guest.Do("GET", "/v1/products/suggest?q=mu", nil).Want(200).JSON(&suggested)
	if len(suggested.Products) != 1 {
		t.Errorf("%+v", suggested)
	}
	for where, want := range map[string]int{"&locale=de-AT": 0, "&language=de&country=DE": 0, "&language=de-CH": 0, "&language=fr": 1, "&locale=en-GB&language=de": 1} {
		var there searchapi.Suggestions
		s.guest.Do("GET", "/v1/products/suggest?q=mu"+where, nil).Want(200).JSON(&there)
		if len(there.Products) != want {
			t.Errorf("%s: %+v", where, there.Products)
		}
	}
	s.rule("no-mugs-there", object{"channels": []string{"outlet"}}, object{"kind": "exclude", "product": id(2)})
	s.staff.Do("PUT", rulesPath+"/no-mugs-tested", object{"name": "t", "when": object{"channels": []string{"test"}}, "share": object{"test": "all", "from": 0, "to": 100}, "then": []object{{"kind": "exclude", "product": id(2)}}}).Want(200)
	for where, want := range map[string]int{"&channel=outlet": 0, "&channel=web": 1, "&channel=test&visitor=v1": 0, "&channel=test": 1} {
		var there searchapi.Suggestions
		r := s.guest.Do("GET", "/v1/products/suggest?q=mu"+where, nil).Want(200).JSON(&there)
		if kept := r.Header.Get("Cache-Control"); len(there.Products) != want || strings.Contains(where, "visitor") != strings.HasPrefix(kept, "private") {
			t.Errorf("%s: %s %+v", where, kept, there.Products)
		}
	}
	if diff := cmp.Diff([]string{"linen-shirt", "mug"}, s.slugs("?channel=kiosk")); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]int{"?category=tops": 1, "?category=clothing": 1, "?category=home": 0, "": 0} {
		if got := read(query); len(got.Banners) != want {
			t.Errorf("%s: %+v", query, got.Banners)
		}
	}
	if got := read("?q=Gift+Cards"); got.Redirect != "" {
		t.Errorf("%q", got.Redirect)
	}
	if got := read("?q=giftcard"); got.Redirect != "/gift-cards" {
		t.Errorf("%q", got.Redirect)
	}
	if got := s.guest.Do("GET", "/v1/products?visitor=v", nil).Want(200).Header.Get("Cache-Control"); got != "private, max-age=10" {
		t.Errorf("a visitor's page is kept for others: %s", got)
	}
	halves := 0
	for n := range 200 {
		halves += len(read(fmt.Sprint("?visitor=v", n)).Banners)
	}
	if halves < 60 || halves > 140 {
		t.Errorf("%d of 200 visitors are half of them", halves)
	}
	if got := read("?q=linen+mug"); !got.Partial || *got.Total != 2 {
		t.Errorf("each has one of the words: %+v", got)
	}
	s.rule("here", object{"locales": []string{"en-US"}}, object{"kind": "exclude", "product": id(2)})
	s.guest.Do("GET", "/v1/products/suggest?q=mu", nil).Want(200).JSON(&suggested)
	if len(suggested.Products) != 0 {
		t.Errorf("left out, and suggested: %+v", suggested.Products)
	}
}

// Every product once, and those pinned where they are pinned, whatever the size of pages.
func TestPinsOnPages(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for n := 10; n < 21; n++ {
		sku := fmt.Sprint("P", n)
		s.tell(product(n, search.Product{Slug: sku, Title: "Plate", Variants: []search.Item{{SKU: sku}}}, true), price(sku, usd(100, 0)))
	}
	s.rule("pins", nil, pin(id(20), 1), pin(id(19), 2), pin(id(18), 3), pin(id(17), 7), pin(id(16), 40), pin(id(99), 4))
	whole := s.slugs("?q=plate&limit=100")
	if len(whole) != 11 || !slices.Equal(whole[:3], []string{"P20", "P19", "P18"}) || whole[6] != "P17" || whole[10] != "P16" {
		t.Fatalf("%v", whole)
	}
	for limit := 1; limit < 12; limit++ {
		var paged []string
		for next := ""; len(paged) < 20; {
			var page searchapi.Products
			s.guest.Do("GET", fmt.Sprintf("/v1/products?q=plate&limit=%d", limit)+next, nil).Want(200).JSON(&page)
			if *page.Total != 11 || len(page.Items) > limit || len(page.Items) == 0 {
				t.Fatalf("limit %d: %d of %d", limit, len(page.Items), *page.Total)
			}
			for _, p := range page.Items {
				paged = append(paged, p.Slug)
			}
			if page.NextCursor == nil {
				break
			}
			next = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
		if diff := cmp.Diff(whole, paged); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

func TestPreviewSaysWhy(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.rule("pinned", object{"match": "any"}, pin(id(1), 1), pin(id(3), 2))
	s.rule("up", object{"segments": []string{"vip"}}, object{"kind": "boost", "factor": 2, "filters": []object{{"field": "category", "any": []string{"home"}}}})
	s.rule("shown", nil, object{"kind": "banner", "banner": object{"title": "Hi"}}, object{"kind": "redirect", "url": "/x"}, object{"kind": "exclude", "product": id(9)})
	s.staff.Do("PUT", rulesPath+"/later", object{"name": "later", "starts_at": "2026-04-01T00:00:00Z", "share": object{"test": "t", "from": 0, "to": 100},
		"then": []object{{"kind": "exclude", "product": id(1)}}}).Want(200)
	var got searchapi.Preview
	s.reader.Do("POST", previewPath, object{"query": "linen mug", "segments": []string{"vip"}}).Want(200).JSON(&got)
	if len(got.Hits) != 2 || got.Hits[0].PinnedBy != "pinned" || got.Hits[0].Product.ID != id(1) || got.Hits[1].Product.ID != id(2) || !got.Partial || got.Total != 2 {
		t.Fatalf("%+v", got)
	}
	texts := func(h searchapi.PreviewHit) (all []string) {
		for _, r := range h.Why {
			all = append(all, r.Text)
		}
		return all
	}
	if all := strings.Join(texts(got.Hits[0]), "; "); !strings.Contains(all, "pinned to position 1 by rule pinned") || !strings.Contains(all, "“linen” in title adds") {
		t.Error(all)
	}
	score, factor := 0.0, 1.0
	for _, r := range got.Hits[1].Why {
		score += r.Adds
		if r.Factor > 0 {
			factor *= r.Factor
		}
	}
	if all := strings.Join(texts(got.Hits[1]), "; "); !strings.Contains(all, "rule up multiplies by 2") || got.Hits[1].Score < 0.99*score*factor || got.Hits[1].Score > 1.01*score*factor {
		t.Errorf("%s is not %v", all, got.Hits[1].Score)
	}
	if diff := cmp.Diff([]searchapi.PreviewPin{{Product: id(1), Position: 1, Rule: "pinned", Shown: true}, {Product: id(3), Position: 2, Rule: "pinned"}}, got.Pins); diff != "" {
		t.Error(diff)
	}
	if got.Redirect == nil || got.Redirect.Rule != "shown" || len(got.Banners) != 1 || got.Banners[0].Title != "Hi" || len(got.Excluded) != 1 || len(got.Tests) != 0 {
		t.Errorf("%+v", got)
	}
	s.reader.Do("POST", previewPath, object{"query": "linen mug", "at": "2026-04-02T00:00:00Z", "visitor": "v"}).Want(200).JSON(&got)
	if len(got.Hits) != 1 || got.Hits[0].Product.ID != id(2) || len(got.Tests) != 1 || !got.Tests[0].Applied || len(got.Excluded) != 2 {
		t.Errorf("%+v", got)
	}
	got = searchapi.Preview{}
	s.reader.Do("POST", previewPath, object{}).Want(200).JSON(&got)
	if len(got.Hits) != 2 {
		t.Errorf("%+v", got)
	}
	if got := apitest.Locations(s.reader.Do("POST", previewPath, object{"attributes": object{"nope": []string{"x"}, "volume": []string{"large"}}}).Problem(422, "validation-failed")); !slices.Equal(got, []string{"body.attributes.nope", "body.attributes.volume"}) {
		t.Errorf("%v", got)
	}
	if got := apitest.Locations(s.reader.Do("POST", previewPath, object{"attributes": object{"size": []string{}}, "currency": "XXY"}).Problem(422, "validation-failed")); len(got) != 2 {
		t.Errorf("%v", got)
	}
	s.reader.Do("POST", previewPath, object{"nope": 1, "limit": 0}).Problem(422, "validation-failed")
	s.guest.Do("POST", previewPath, object{}).Problem(401, "unauthenticated")
	if err := s.ear.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if heard, err := s.store.Heard(t.Context(), now.AddDate(0, 0, -1), true, 9); err != nil || len(heard) != 0 {
		t.Errorf("%v %+v: staff are no shoppers", err, heard)
	}
}

func TestSettingsDoors(t *testing.T) {
	t.Parallel()
	s := open(t)
	tv := object{"words": []string{"tv", "television"}}
	var first, again, changed searchapi.Synonym
	answer := s.staff.Do("PUT", synonymsPath+"/tv", tv).Want(200)
	answer.JSON(&first)
	if first.ID != "tv" || first.Version != 1 || answer.Header.Get("ETag") != `"v1"` || !first.UpdatedAt.Equal(now) {
		t.Errorf("%+v %v", first, answer.Header)
	}
	s.staff.Do("PUT", synonymsPath+"/tv", tv).Want(200).JSON(&again)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same again is no change: %s", diff)
	}
	s.staff.With("If-Match", `"v1"`).Do("PUT", synonymsPath+"/tv", object{"words": []string{"tv"}, "to": []string{"television set"}, "language": "en"}).Want(200).JSON(&changed)
	if changed.Version != 2 || changed.To[0] != "television set" {
		t.Errorf("%+v", changed)
	}
	stale := s.staff.With("If-Match", `"v1"`)
	stale.Do("PUT", synonymsPath+"/tv", tv).Problem(412, "version-conflict")
	stale.Do("DELETE", synonymsPath+"/tv", nil).Problem(412, "version-conflict")
	stale.Do("PUT", synonymsPath+"/new", object{"words": []string{"a", "b"}}).Problem(412, "version-conflict")
	s.staff.With("If-Match", "v1").Do("PUT", synonymsPath+"/tv", tv).Problem(400, "malformed")

	rule := object{"name": "Sale", "priority": 2, "starts_at": "2026-03-01T00:00:00+01:00", "when": object{"match": "any"}, "share": object{"test": "t", "from": 0, "to": 50},
		"then": []object{{"kind": "boost", "factor": 2, "new_days": 3, "filters": []object{{"field": "price", "max": 900}}}, {"kind": "banner", "banner": object{"title": "Hi"}}}}
	s.staff.Do("PUT", rulesPath+"/sale", rule).Want(200)
	var put searchapi.Rule
	s.reader.Do("GET", rulesPath+"/sale", nil).Want(200).JSON(&put)
	if put.Version != 3 || put.StartsAt.Hour() != 23 || put.EndsAt != nil || put.Share.To != 50 || *put.Then[0].Filters[0].Max != 900 || put.Then[0].Banner != nil || put.Then[1].Banner.Title != "Hi" {
		t.Errorf("%+v", put)
	}
	s.staff.Do("PUT", rulesPath+"/sale", rule).Want(200).JSON(&put)
	if put.Version != 3 {
		t.Errorf("the same again is no change: %+v", put)
	}
	for _, path := range []string{synonymsPath, rulesPath} {
		for _, id := range []string{"nobody", "not%20an%20id", strings.Repeat("x", 64)} {
			if code := s.staff.Do("DELETE", path+"/"+id, nil).Problem(404, strings.TrimPrefix(strings.TrimSuffix(path, "s"), "/v1/admin/search/")+"-not-found"); code == nil {
				t.Error(id)
			}
			s.reader.Do("GET", path+"/"+id, nil).Problem(404, strings.TrimPrefix(strings.TrimSuffix(path, "s"), "/v1/admin/search/")+"-not-found")
		}
		s.guest.Do("GET", path, nil).Problem(401, "unauthenticated")
		s.reader.Do("PUT", path+"/x", object{"words": []string{"a", "b"}, "name": "x", "then": []object{}}).Problem(403, "forbidden")
		s.reader.Do("DELETE", path+"/x", nil).Problem(403, "forbidden")
	}
	var page struct {
		Items      []searchapi.Synonym
		NextCursor *string `json:"next_cursor"`
	}
	s.staff.Do("PUT", synonymsPath+"/a", object{"words": []string{"a", "b"}}).Want(200)
	s.reader.Do("GET", synonymsPath+"?limit=1", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != "a" || page.NextCursor == nil {
		t.Fatalf("%+v", page)
	}
	s.reader.Do("GET", synonymsPath+"?limit=1&cursor="+*page.NextCursor, nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != "tv" || page.NextCursor != nil {
		t.Errorf("%+v", page)
	}
	s.reader.Do("GET", rulesPath+"?cursor=%21", nil).Problem(422, "validation-failed")
}

// What all rules leave out together is in every query, and has a bound; a rule that is over does not count.
func TestRulesLeaveOutSoMany(t *testing.T) {
	t.Parallel()
	s := open(t)
	rule := func(from, n int) object {
		var then []object
		for i := range n {
			then = append(then, object{"kind": "exclude", "product": fmt.Sprint("p", from+i)})
		}
		return object{"name": "some", "then": then}
	}
	for i := range search.MaxHidden / 50 {
		s.staff.Do("PUT", fmt.Sprint(rulesPath, "/r", i), rule(50*i, 50)).Want(200)
	}
	problem := s.staff.Do("PUT", rulesPath+"/more", rule(search.MaxHidden-1, 2)).Problem(422, "validation-failed")
	if diff := cmp.Diff([]string{"body.then"}, apitest.Locations(problem)); diff != "" {
		t.Error(diff)
	}
	s.staff.Do("PUT", rulesPath+"/same", rule(0, 2)).Want(200)
	s.staff.Do("PUT", rulesPath+"/pins", object{"name": "pins", "then": []object{pin("p9999", 1)}}).Want(200)
	over := rule(0, 50)
	over["ends_at"] = now.Add(-time.Second)
	s.staff.Do("PUT", rulesPath+"/r0", over).Want(200)
	s.staff.Do("PUT", rulesPath+"/more", rule(search.MaxHidden-1, 2)).Want(200)
	others := rule(2*search.MaxHidden, 50)
	others["ends_at"] = over["ends_at"]
	s.staff.Do("PUT", rulesPath+"/others", others).Want(200)
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.staff.Do("PUT", synonymsPath+"/tv", object{"words": []string{"tv", "television"}}).Want(200)
	for _, tc := range []struct {
		path string
		body any
		want []string
	}{
		{synonymsPath + "/x", object{"words": []string{"tv"}, "language": "English"}, []string{"body.language", "body.words"}},
		{synonymsPath + "/x", object{"words": []string{"TV", "tv", "!"}}, []string{"body.words[1]", "body.words[2]"}},
		{synonymsPath + "/x", object{"words": []string{"television", "tv"}}, []string{"body"}},
		{synonymsPath + "/x", object{"words": "tv"}, []string{"body.words"}},
		{synonymsPath + "/x", object{"words": []string{"a", "b"}, "nope": 1}, []string{"body.nope"}},
		{rulesPath + "/x", object{"name": "", "then": []object{}, "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z"}, []string{"body.ends_at", "body.name", "body.then"}},
		{rulesPath + "/x", object{"name": "x", "when": object{"match": "some", "locales": []string{"DE"}}, "then": []object{{"kind": "pin"}, {"kind": "dance"}, {"kind": "redirect", "url": "javascript:alert(1)"}, {"kind": "boost", "factor": 11}}},
			[]string{"body.then[0].position", "body.then[0].product", "body.then[1].kind", "body.then[2].url", "body.then[3].factor", "body.then[3].filters", "body.when.locales[0]", "body.when.match"}},
		{rulesPath + "/x", object{"name": "x", "ends_at": "9999-12-31T23:59:59-10:00", "then": []object{{"kind": "redirect", "url": "/"}}}, []string{"body.ends_at"}},
	} {
		got := apitest.Locations(s.staff.Do("PUT", tc.path, tc.body).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s %v: %s", tc.path, tc.body, diff)
		}
	}
	s.staff.Do("PUT", synonymsPath+"/-x", object{"words": []string{"a", "b"}}).Problem(404, "not-found")
	if v, err := s.store.SettingsVersion(t.Context()); err != nil || v != 1 {
		t.Errorf("%v %d: what is refused changes nothing", err, v)
	}
}
