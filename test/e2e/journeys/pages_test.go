package journeys

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// The pages of the storefront, as somebody finds them who follows every link from the home page of each market. A shop has thousands of
// pages of few kinds: so many of each kind are read. A listing can be narrowed down in so many ways that few are read of each.
const (
	ofEachKind     = 40
	ofEachNarrowed = 3
)

// found is a page that was found.
type found struct {
	address  string // "/en-us/c/shoes"
	from     string // a page that has a link to it
	status   int
	location string
	header   http.Header
	body     []byte
	doc      *html.Node
}

var crawled = sync.OnceValues(crawl)

// pages are all that were found, in the order of their addresses.
func pages(t *testing.T) []*found {
	t.Helper()
	all, err := crawled()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d pages were found", len(all))
	}
	return all
}

func crawl() ([]*found, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	seen, kinds := map[string]*found{}, map[string]int{}
	queue := []*found{{address: "/en-us/"}, {address: "/de-de/"}, {address: "/robots.txt"}, {address: "/sitemap.xml"}}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		k := kind(p.address)
		if seen[p.address] != nil || kinds[k] >= ofEachKind || narrowed(k) && kinds[k] >= ofEachNarrowed {
			continue
		}
		seen[p.address] = p
		kinds[k]++
		if err := p.read(client); err != nil {
			return nil, err
		}
		for _, to := range p.links() {
			if seen[to] == nil {
				queue = append(queue, &found{address: to, from: p.address})
			}
		}
	}
	all := make([]*found, 0, len(seen))
	for _, p := range seen {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *found) int { return cmp.Compare(a.address, b.address) })
	return all, nil
}

// kind is what pages that are made alike have in common: the market, the first part of the path, and which fields the query has.
func kind(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	parts := strings.SplitN(u.Path, "/", 4)
	if len(parts) < 3 || parts[1] == "assets" || parts[1] == "media" {
		return parts[1]
	}
	var fields []string
	for name := range u.Query() {
		fields = append(fields, name)
	}
	slices.Sort(fields)
	return strings.Join(parts[1:3], "/") + "?" + strings.Join(fields, "&")
}

// narrowed reports whether pages of a kind are listings that somebody has filtered, ordered or gone on in.
func narrowed(kind string) bool { return !strings.HasSuffix(kind, "?") && strings.Contains(kind, "?") }

func (p *found) read(client *http.Client) error {
	r, err := http.NewRequest(http.MethodGet, s.Storefront+p.address, nil) //nolint:noctx // one crawl serves several tests
	if err != nil {
		return fmt.Errorf("a link of %s: %w", p.from, err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p.status, p.location, p.header = resp.StatusCode, resp.Header.Get("Location"), resp.Header
	if p.body, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		p.doc, err = html.Parse(bytes.NewReader(p.body))
	}
	return err
}

// named are the attributes that hold the address of something else.
var named = map[string]string{"a": "href", "link": "href", "img": "src", "script": "src", "source": "srcset"}

// links are the addresses within the shop that the page names.
func (p *found) links() (all []string) {
	if p.status/100 == 3 {
		all = append(all, p.location)
	}
	p.each(func(n *html.Node) {
		if n.Data == "link" && (attr(n, "rel") == "canonical" || attr(n, "rel") == "alternate") {
			all = append(all, strings.TrimPrefix(attr(n, "href"), s.Storefront))
			return
		}
		for part := range strings.SplitSeq(attr(n, named[n.Data]), ", ") {
			address, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			all = append(all, address)
		}
	})
	at, _ := url.Parse(p.address) // it was asked for
	for i, a := range all {
		u, err := at.Parse(a)
		if a == "" || err != nil || u.Host != "" || u.Scheme != "" {
			all[i] = ""
			continue
		}
		u.Fragment = ""
		all[i] = u.String()
	}
	return slices.DeleteFunc(slices.Compact(all), func(a string) bool { return a == "" })
}

// each looks at every element.
func (p *found) each(look func(n *html.Node)) {
	if p.doc == nil {
		return
	}
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode {
			look(n)
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && name != "" {
			return a.Val
		}
	}
	return ""
}

// What the pages say of themselves holds: one heading of the first level and none left out below, ids that are there once, labels and
// descriptions that exist, and addresses that search engines may keep.
func TestPagesAreInOrder(t *testing.T) {
	titles := map[string]string{}
	for _, p := range pages(t) {
		if p.doc == nil || p.status != 200 {
			continue
		}
		for _, fault := range faults(p) {
			t.Errorf("%s: %s", p.address, fault)
		}
		for _, fault := range known(p, titles) {
			t.Errorf("%s: %s", p.address, fault)
		}
	}
}

// faults of a page's structure.
func faults(p *found) (all []string) {
	ids, refs, level := map[string]bool{}, map[string]string{}, 0
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	p.each(func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				note("the id %q is there twice", id)
			}
			ids[id] = true
		}
		for _, name := range []string{"for", "aria-labelledby", "aria-describedby", "form", "list"} {
			for id := range strings.FieldsSeq(attr(n, name)) {
				refs[id] = n.Data + " " + name
			}
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			now := int(n.Data[1] - '0')
			if now > level+1 || (now == 1 && level > 0) {
				note("an h%d after an h%d", now, level)
			}
			level = now
		}
		if n.Data == "img" && (attr(n, "width") == "" || attr(n, "height") == "") {
			note("a picture without size: %s", attr(n, "src"))
		}
		if attr(n, "style") != "" || strings.HasPrefix(attr(n, "href"), "javascript:") {
			note("styles or code in the page: %s", n.Data)
		}
	})
	for id, of := range refs {
		if !ids[id] {
			note("%s names %q, which is not there", of, id)
		}
	}
	if level == 0 {
		note("no heading")
	}
	return all
}

// known is what search engines are told: a page that may be kept has an address, its own in each language, and a title that no other has.
func known(p *found, titles map[string]string) (all []string) {
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	var canonical, title string
	noindex, languages := false, map[string]string{}
	p.each(func(n *html.Node) {
		switch {
		case n.Data == "title" && n.FirstChild != nil && title == "":
			title = n.FirstChild.Data
		case n.Data == "meta" && attr(n, "name") == "robots":
			noindex = strings.Contains(attr(n, "content"), "noindex")
		case n.Data == "link" && attr(n, "rel") == "canonical":
			canonical = attr(n, "href")
		case n.Data == "link" && attr(n, "rel") == "alternate":
			languages[attr(n, "hreflang")] = attr(n, "href")
		}
	})
	if title == "" {
		note("no title")
	}
	if noindex {
		return all
	}
	if other := titles[title]; other != "" && path.Dir(other) == path.Dir(canonical) && other != canonical {
		note("the title %q is that of %s too", title, other)
	}
	titles[title] = canonical
	locale := strings.SplitN(p.address, "/", 3)[1]
	if !strings.HasPrefix(canonical, s.Storefront+"/") {
		note("no address to be known by: %q", canonical)
	}
	for l, to := range languages {
		if strings.EqualFold(l, locale) && to != canonical {
			note("known as %s, in its own language as %s", canonical, to)
		}
	}
	if len(languages) != 5 || languages["x-default"] == "" { // four markets, and whom none fits
		note("in other languages: %v", languages)
	}
	return all
}

// Every link of every page leads to a page, or where the shop wants it to lead.
func TestNoLinkIsDead(t *testing.T) {
	kinds := map[string]int{}
	for _, p := range pages(t) {
		kinds[kind(p.address)]++
		switch p.status {
		case 200:
		case 301, 302, 303:
			if p.location == p.address {
				t.Errorf("%s leads to itself", p.address)
			}
		default:
			t.Errorf("%s, which %s has a link to: %d", p.address, p.from, p.status)
		}
	}
	t.Log(len(pages(t)), "pages:", kinds)
}
