package web

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// sells lets search list n products by pages of a hundred; those of an odd number are in the first market alone.
func sells(w *world, n int) {
	w.mux.HandleFunc("GET search/v1/products", func(rw http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		step := 1
		if r.URL.Query().Get("currency") == "EUR" {
			step = 2
		}
		var page searchapi.Products
		for i := from; i < n && len(page.Items) < 100; i += step {
			page.Items = append(page.Items, catalogapi.ProductSummary{Slug: fmt.Sprintf("thing-%d&", i), Price: money.New(1, "USD")})
			from = i + step
		}
		if from < n {
			next := strconv.Itoa(from)
			page.NextCursor = &next
		}
		_ = json.NewEncoder(rw).Encode(page)
	})
}

type sitemapFile struct {
	Parts []string `xml:"sitemap>loc"`
	URLs  []struct {
		Loc  string `xml:"loc"`
		Link []struct {
			Language string `xml:"hreflang,attr"`
			To       string `xml:"href,attr"`
		} `xml:"link"`
	} `xml:"url"`
}

func (w *world) sitemap(path string) (f sitemapFile) {
	w.t.Helper()
	resp, body := w.do("GET", path, nil)
	if err := xml.Unmarshal([]byte(body), &f); err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/xml; charset=utf-8" {
		w.t.Fatalf("%s: %d %v %.200s", path, resp.StatusCode, err, body)
	}
	return f
}

func TestSitemapNamesEveryPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sells(w, 10_500)
	const home = "https://shop.example/"
	if parts := fmt.Sprint(w.sitemap("/sitemap.xml").Parts); parts != "["+home+"sitemap-en-us-1.xml "+home+"sitemap-en-us-2.xml "+home+"sitemap-de-de-1.xml]" {
		t.Error(parts)
	}
	first, second := w.sitemap("/sitemap-en-us-1.xml").URLs, w.sitemap("/sitemap-en-us-2.xml").URLs
	if len(first) != sitemapPages || len(first)+len(second) != 10_500+3 || first[0].Loc != home+"en-us/" || first[2].Loc != home+"en-us/c/boots" {
		t.Fatal(len(first), len(second), first[:3])
	}
	for i, want := range map[int]int{0: 2, 2: 2, 3: 2, 4: 1} { // thing-1 is not sold in Germany
		if got := first[i].Link; len(got) != want || got[0].To != first[i].Loc || got[0].Language != "en-US" {
			t.Errorf("%s is elsewhere %v", first[i].Loc, got)
		}
	}
	if got := first[3]; got.Loc != home+"en-us/p/thing-0&" || got.Link[1].To != home+"de-de/p/thing-0&" {
		t.Error(got)
	}
	if n := len(w.sitemap("/sitemap-de-de-1.xml").URLs); n != 5250+3 {
		t.Error(n)
	}
	for _, path := range []string{"/sitemap-de-de-2.xml", "/sitemap-en-us-0.xml", "/sitemap-fr-fr-1.xml", "/sitemap-en-us-99999999999999999999.xml", "/sitemap-.xml", "/sitemap-en-us.xml", "/sitemap-en-us-+1.xml"} {
		w.shows(404, path)
	}
	if n := w.count("GET search"); n != 105+53 {
		t.Errorf("search was asked %d times", n)
	}
	if _, robots := w.do("GET", "/robots.txt", nil); !strings.Contains(robots, "Sitemap: "+home+"sitemap.xml\n") {
		t.Error(robots)
	}
}

// A phone that puts the shop on its screen gets what it is told of.
func TestManifestNamesItsIcons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var m struct {
		StartURL string `json:"start_url"`
		Icons    []struct{ Src, Type, Sizes string }
	}
	resp, body := w.do("GET", "/de-de/manifest.webmanifest", nil)
	if err := json.Unmarshal([]byte(body), &m); err != nil || resp.StatusCode != 200 || m.StartURL != "/de-de/" || len(m.Icons) != 3 {
		t.Fatal(resp.StatusCode, err, body)
	}
	for _, icon := range m.Icons {
		resp, body := w.do("GET", icon.Src, nil)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != icon.Type {
			t.Error(icon, resp.StatusCode, resp.Header)
		}
		if picture, err := png.DecodeConfig(strings.NewReader(body)); icon.Type == "image/png" && (err != nil || fmt.Sprintf("%dx%d", picture.Width, picture.Height) != icon.Sizes) {
			t.Error(icon, picture, err)
		}
	}
}

func TestSitemapWhileSearchIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses("GET search/v1/products", fault.New(fault.Unavailable, "unavailable", "away"))
	for _, path := range []string{"/sitemap.xml", "/sitemap-en-us-1.xml"} {
		if resp, _ := w.do("GET", path, nil); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Error(path, resp.StatusCode, resp.Header)
		}
	}
}
