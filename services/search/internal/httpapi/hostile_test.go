package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// hostileTexts are what people and programs send to break a search.
func hostileTexts() map[string]string {
	return map[string]string{
		"10 kB":             strings.Repeat("shirt ", 1700),
		"one long word":     strings.Repeat("a", 10_000),
		"200 letters":       strings.Repeat("a", 200),
		"32 words":          strings.TrimSpace(strings.Repeat("linen ", 32)),
		"32 unlike words":   words(32),
		"expression":        `(a+)+$^[^\]{1,99999}(?=x)*` + strings.Repeat("(a|aa)+", 20),
		"query language":    `title:* OR _exists_:price AND NOT (id:[0 TO *])~99^1000`,
		"query of JSON":     `{"query":{"script_score":{"script":"while(true){}"}}}`,
		"HTML":              `<script>alert(1)</script><img src=x onerror=alert(1)>`,
		"SQL":               `' OR 1=1; DROP TABLE products; --`,
		"template":          `{{7*7}} ${jndi:ldap://x} %s%s%s%n`,
		"path":              "../../../etc/passwd",
		"right to left":     "\u202eתירס\u202c قميص كتان",
		"emoji":             "👕👕🏽‍♀️🏳️‍🌈",
		"combining marks":   "l" + strings.Repeat("\u0301", 90) + "inen",
		"widest characters": strings.Repeat("\U0010FFFD", 50),
		"control":           "linen\x01\x02\x7f shirt",
		"separators":        "linen\u2028shirt\u00a0\ufeffmug",
		"not UTF-8":         "linen\xff\xfe",
		"nothing but marks": `"'!?.,;:-_#*~^°§$%&/()=\`,
		"spaces":            strings.Repeat(" ", 150),
		"units without end": strings.Repeat(`15.6" 1TB `, 12),
		"digits":            strings.Repeat("9", 180),
		"model numbers":     strings.TrimSpace(strings.Repeat("WH-1000XM4 ", 16)),
		"hyphens":           strings.Repeat("a-", 99) + "a",
	}
}

func TestHostileQueries(t *testing.T) {
	t.Parallel()
	hostile(t, stocked(t))
}

// hostile asks at every door. Each answer is a page or what is wrong with the question: never a 5xx, and never catalog's listing because the index gave up.
func hostile(t *testing.T, s *shop) {
	t.Helper()
	answered := func(what string, got *apitest.Answer, statuses ...int) {
		t.Helper()
		if !slices.Contains(statuses, got.Status) || strings.Contains(string(got.Body), `"degraded":true`) {
			t.Errorf("%s: %d %.300s", what, got.Status, got.Body)
		}
	}
	for name, q := range hostileTexts() {
		text := url.QueryEscape(q)
		for _, path := range []string{"?facets=true&q=", "/suggest?q=", "/suggest?language=de&q=", "?language=de&q=", "?as_typed=true&q=", "?facets=true&sort=price&q=", "?ids=", "?seen=", "?category=", "?brand=",
			"?channel=", "?visitor=", "?facets=true&attr.size=", "?attr.volume=", "/rows?seen=", "/rows?channel=", "/linen-shirt/similar?locale="} {
			answered(name+" at "+path, s.guest.Do("GET", "/v1/products"+path+text, nil), 200, 400, 422)
		}
		answered(name+" is similar", s.guest.Do("GET", "/v1/products/"+url.PathEscape(q)+"/similar", nil), 200, 400, 404, 422)
		for _, body := range []object{{"query": q}, {"query": q, "as_typed": true, "language": "de", "sort": "price"}, {"category": q}, {"brand": q}, {"seen": []string{q}}, {"segments": []string{q}},
			{"attributes": object{"size": []string{q}}}, {"attributes": object{q: []string{"s"}}}} {
			answered(name+" in a preview", s.staff.Do("POST", previewPath, body), 200, 400, 422)
		}
		for _, shows := range []object{{"q": q}, {"q": q, "sort": "price"}, {"category": q}, {"attributes": object{"size": []string{q}}}} { // it is asked for whenever somebody comes home
			answered(name+" of a row", s.staff.Do("PUT", rowsPath+"/hostile", object{"titles": object{"en": "Row"}, "shows": shows}), 200, 400, 422)
			answered(name+" in a row", s.guest.Do("GET", "/v1/products/rows", nil), 200)
		}
		answered(name+" as a synonym", s.staff.Do("PUT", synonymsPath+"/hostile", object{"words": []string{q, "linen"}}), 200, 400, 422)
		answered(name+" in a rule", s.staff.Do("PUT", rulesPath+"/hostile", object{"name": "Rule", "when": object{"match": "contains", "texts": []string{q}}, "then": []object{pin(id(2), 1)}}), 200, 400, 422)
		if got := s.slugs("?q=linen"); len(got) == 0 || got[0] != "linen-shirt" {
			t.Errorf("beside %s as a synonym linen finds %v", name, got)
		}
	}
	s.manyOfEverything()
	var page searchapi.Products
	s.guest.Do("GET", "/v1/products?q="+url.QueryEscape("linen\u00a0shirt 👕"), nil).Want(200).JSON(&page)
	if len(page.Items) == 0 || page.Items[0].Slug != "linen-shirt" || page.Degraded {
		t.Errorf("what is meant is not found among what is not: %+v", page.Items)
	}
}

// manyOfEverything asks for more than anybody needs.
func (s *shop) manyOfEverything() {
	s.t.Helper()
	for name, query := range map[string]string{
		"1,000 attributes":     many(1000, "attr.a%d=x"),
		"1,000 values":         "attr.size=" + strings.Repeat("x,", 1000),
		"1,000 times one":      many(1000, "attr.size=v%d"),
		"1,000 unknown":        many(1000, "facet%d=true"),
		"1,000 seen":           "seen=" + strings.Repeat("x,", 1000),
		"1,000 ids":            "ids=" + strings.Repeat("x,", 1000),
		"long code":            "attr." + strings.Repeat("c", 5000) + "=x",
		"code that is a path":  "attr.../../etc=x",
		"bounds that are none": "attr.volume=NaN..Inf",
		"price without end":    "price_min=9223372036854775807&price_max=99999999999999999999",
		"cursor":               "cursor=" + strings.Repeat("A", 9000),
		"locale":               "locale=" + strings.Repeat("de-", 500),
		"category":             "category=" + strings.Repeat("%F0%9F%91%95", 300),
		"encoded for nothing":  "q=%25%25%2500",
	} {
		if got := s.guest.Do("GET", "/v1/products?"+query, nil); got.Status != 422 && got.Status != 400 {
			if name == "encoded for nothing" && got.Status == 200 {
				continue
			}
			s.t.Errorf("%s: %d %.300s", name, got.Status, got.Body)
		}
	}
	if got := apitest.Locations(s.guest.Do("GET", "/v1/products?"+many(1000, "facet%d=true"), nil).Problem(422, "validation-failed")); len(got) != 20 {
		s.t.Errorf("told of %d parameters that are unknown", len(got))
	}
	values, attributes := strings.Fields(strings.Repeat("x ", 1000)), object{}
	for i := range 1000 {
		attributes[fmt.Sprint("a", i)] = []string{"x"}
	}
	for name, body := range map[string]object{"1,000 attributes": {"attributes": attributes}, "1,000 values": {"attributes": object{"size": values}}, "1,000 seen": {"seen": values}, "1,000 segments": {"segments": values},
		"1,000,000 products": {"limit": 1_000_000}, "less than none": {"limit": -1}} {
		if got := s.staff.Do("POST", previewPath, body); got.Status != 422 {
			s.t.Errorf("a preview of %s: %d %.300s", name, got.Status, got.Body)
		}
	}
	for name, shows := range map[string]object{"1,000 attributes": {"attributes": attributes}, "1,000 values": {"attributes": object{"size": values}}, "1,000 ids": {"ids": values}} {
		if got := s.staff.Do("PUT", rowsPath+"/many", object{"titles": object{"en": "Row"}, "shows": shows}); got.Status != 422 {
			s.t.Errorf("a row of %s: %d %.300s", name, got.Status, got.Body)
		}
	}
	for _, path := range []string{"/suggest?q=a&" + many(1000, "x%d=1"), "/rows?seen=" + strings.Repeat("x,", 1000), "/linen-shirt/similar?limit=1000"} {
		if got := s.guest.Do("GET", "/v1/products"+path, nil); got.Status != 422 && got.Status != 400 {
			s.t.Errorf("%.60s: %d %.300s", path, got.Status, got.Body)
		}
	}
}

func words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("w", strings.Repeat(string(rune('a'+i%26)), 1+i/26), "x")
	}
	return strings.Join(all, " ")
}

func many(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, "&")
}
