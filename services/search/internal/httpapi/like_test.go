package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

func TestWhatWasSeenRaisesWhatIsLikeIt(t *testing.T) {
	t.Parallel()
	s := german(t)
	const plain, raised = "mug linen-shirt jumper scarf", "linen-shirt mug jumper scarf"
	for query, want := range map[string]string{
		"":                                  plain,
		"?seen=linen-shirt":                 raised,
		"?sort=relevance&seen=linen-shirt":  raised,
		"?seen=" + id(1):                    raised,
		"?seen=mug,linen-shirt,linen-shirt": raised,
		"?seen=linen-shirt,mug":             plain, // the last one counts more
		"?seen=nope," + id(99):              plain,
		"?seen=draft":                       plain, // it was never in the shop
		"?sort=popularity&seen=linen-shirt": plain,
		"?sort=price&seen=linen-shirt":      "mug linen-shirt scarf jumper",
		"?seen=jumper":                      "jumper scarf", // at the end, as below a category that they share with it
		"?category=home&seen=linen-shirt":   "mug",
	} {
		got := strings.Join(s.slugs(query), " ")
		if query == "?seen=jumper" {
			got = strings.Join(slices.DeleteFunc(strings.Fields(got), func(slug string) bool { return slug == "mug" || slug == "linen-shirt" }), " ")
		}
		if got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
	}
	// Whatever page it is on, and however much it is raised: a pin stays.
	s.rule("pinned", nil, pin(id(6), 1))
	var paged []string
	for next := ""; len(paged) < 9; {
		var page searchapi.Products
		r := s.guest.Do("GET", "/v1/products?limit=1&seen=linen-shirt"+next, nil).Want(200).JSON(&page)
		if got := r.Header.Get("Cache-Control"); got != "private, max-age=10" {
			t.Errorf("%s: kept for others", got)
		}
		paged = append(paged, page.Items[0].Slug)
		if page.NextCursor == nil {
			break
		}
		next = "&cursor=" + *page.NextCursor
	}
	if diff := cmp.Diff([]string{"scarf", "linen-shirt", "mug", "jumper"}, paged); diff != "" {
		t.Error(diff)
	}
	var got searchapi.Preview
	s.reader.Do("POST", previewPath, object{"seen": []string{"nope", "linen-shirt"}}).Want(200).JSON(&got)
	var why []string
	for _, h := range got.Hits {
		for _, r := range h.Why {
			if r.Rule == "seen" {
				why = append(why, h.Product.Slug+": "+r.Text)
			}
		}
	}
	if diff := cmp.Diff([]string{"linen-shirt: products of category “Shirts” were looked at, which multiplies by 1.09", "linen-shirt: products of brand “Alder & Co” were looked at, which multiplies by 1.04"}, why); diff != "" {
		t.Error(diff)
	}
	// A row in the shop's order is the reader's too.
	s.row("all", object{"shows": object{}})
	if got, _ := s.home("?seen=linen-shirt"); len(got) != 1 || got[0] != "all all scarf linen-shirt mug jumper ?" {
		t.Errorf("%q", got)
	}
	many := "?seen=" + strings.Repeat("x,", 20) + "x"
	for _, query := range []string{many, "?seen=a,,b"} {
		if got := apitest.Locations(s.guest.Do("GET", "/v1/products"+query, nil).Problem(422, "validation-failed")); len(got) != 1 || !strings.HasPrefix(got[0], "query.seen") {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestSimilarProducts(t *testing.T) {
	t.Parallel()
	s := german(t)
	clothing := search.Category{Term: search.Term{Value: "clothing", Label: "Clothing"}, Slug: "clothing"}
	wear := func(n int, slug, material string, amount, available int64, listed bool) {
		p := search.Product{Slug: slug, Title: slug, Path: []search.Category{clothing}, Filterable: []string{"material"}, Published: now, Variants: []search.Item{{SKU: slug}},
			Values: []search.Value{enum("material", "Material", material, material)}}
		s.tell(product(n, p, listed), price(slug, usd(amount, 0)), level(slug, available))
	}
	wear(10, "coat", "felt", 7500, 2, true)
	wear(11, "cape", "wool", 90000, 2, true)
	wear(12, "shawl", "felt", 90000, 0, true)
	wear(13, "poncho", "wool", 7100, 0, false)
	similar := func(path string) (slugs []string) {
		t.Helper()
		var got searchapi.Similar
		s.guest.Do("GET", "/v1/products/"+path, nil).Want(200).JSON(&got)
		for _, p := range got.Items {
			slugs = append(slugs, p.Slug)
		}
		return slugs
	}
	// What is in stock comes first: the near price, what is popular, the same material. The last one has nothing of it.
	want := []string{"coat", "linen-shirt", "cape", "scarf", "shawl"}
	for _, name := range []string{"jumper", id(5)} {
		got := similar(name + "/similar")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := similar("jumper/similar?limit=1"); !slices.Equal(got, want[:1]) {
		t.Errorf("%v", got)
	}
	// What was taken out of the shop leads to what is like it, by its slug and by its id.
	for _, name := range []string{"poncho", id(13)} {
		if got := similar(name + "/similar"); !slices.Equal(got, []string{"linen-shirt", "cape", "coat", "jumper", "scarf", "shawl"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := similar("sofa/similar?currency=EUR&country=DE"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	s.rule("no-coat", object{"categories": []string{"clothing"}, "locales": []string{"de"}}, object{"kind": "exclude", "product": id(10)})
	if got := similar("jumper/similar?language=de"); !slices.Equal(got, want[1:]) {
		t.Errorf("%v", got)
	}
	s.rule("no-cape", object{"channels": []string{"outlet"}}, object{"kind": "exclude", "product": id(11)})
	if got := similar("jumper/similar?channel=outlet"); !slices.Equal(got, []string{"coat", "linen-shirt", "scarf", "shawl"}) {
		t.Errorf("%v", got)
	}
	var first searchapi.Similar
	r := s.guest.Do("GET", "/v1/products/scarf/similar?language=de&limit=24", nil).Want(200).JSON(&first)
	if i := slices.IndexFunc(first.Items, func(p catalogapi.ProductSummary) bool { return p.Slug == "jumper" }); i < 0 || first.Items[i].Title != "Wollpullover" || r.Header.Get("Content-Language") != "de" {
		t.Errorf("%+v", first)
	}
	for _, name := range []string{"nobody", id(99), "draft"} {
		s.guest.Do("GET", "/v1/products/"+name+"/similar", nil).Problem(404, "product-not-found")
	}
	for query, want := range map[string][]string{"limit=25&locale=DE": {"query.limit", "query.locale"}, "nope=1": {"query.nope"}, "currency=XXY&country=us": {"query.country", "query.currency"}, "seen=x": {"query.seen"}} {
		got := apitest.Locations(s.guest.Do("GET", "/v1/products/mug/similar?"+query, nil).Problem(422, "validation-failed"))
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	open(t).guest.Do("GET", "/v1/products/mug/similar", nil).Problem(503, "search-unavailable")
}

// What has all of the words comes first, however much rules raise what has some of them.
func TestRaisedIsNotComplete(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.tell(product(7, search.Product{Slug: "plain-shirt", Title: "Plain Shirt", Brand: search.Term{Value: "plain", Label: "Plain"}, Variants: []search.Item{{SKU: "PL"}}}, true), price("PL", usd(900, 0)))
	s.settle()
	boost := object{"kind": "boost", "factor": 10, "filters": []object{{"field": "brand", "any": []string{"plain"}}}}
	s.rule("plain", nil, boost, boost, boost, boost, boost, boost, boost, boost, boost, boost)
	if got := s.slugs("?q=shirt"); !slices.Equal(got, []string{"plain-shirt", "linen-shirt"}) {
		t.Errorf("%v", got)
	}
	if got := s.slugs("?q=linen+shirt"); !slices.Equal(got, []string{"linen-shirt", "plain-shirt"}) {
		t.Errorf("%v", got)
	}
}
