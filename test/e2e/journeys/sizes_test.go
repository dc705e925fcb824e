package journeys

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// What a page may weigh as it is sent, in bytes.
const (
	listingWeighs = 40_000
	scriptsWeigh  = 30_000 // all together
)

// sent is how many bytes of an address come over the wire to a browser that takes this encoding.
func sent(t *testing.T, address, encoding string) (n int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Storefront+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", encoding) // set by hand, nothing is unpacked
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != encoding {
		t.Fatalf("%s: %d, encoded as %q: %v", address, resp.StatusCode, resp.Header.Get("Content-Encoding"), err)
	}
	return len(body)
}

// Whatever somebody lists, with all that can be chosen, is small on its way: each department, and searches that find much.
func TestListingsAreLight(t *testing.T) {
	var tree struct{ Items []catalogapi.Category }
	s.Must(t, 200, "GET", "/v1/categories", nil, &tree)
	addresses := []string{"/search", "/search?q=set", "/search?q=shirt+shoe+jacket+trousers", "/search?in_stock=true&sort=price"}
	var add func(all []catalogapi.Category)
	add = func(all []catalogapi.Category) {
		for _, c := range all {
			if strings.HasPrefix(c.Slug, "test-") {
				continue // what other tests make comes and goes
			}
			addresses = append(addresses, "/c/"+c.Slug)
			add(c.Children)
		}
	}
	add(tree.Items)
	if len(addresses) < 20 {
		t.Fatalf("only %d listings: %v", len(addresses), addresses)
	}
	for _, encoding := range []string{"br", "gzip"} {
		heaviest := ""
		for _, market := range []string{"/en-us", "/de-de"} {
			for _, address := range addresses {
				n := sent(t, market+address, encoding)
				if n > listingWeighs {
					t.Errorf("%s%s weighs %d bytes as %s, more than %d", market, address, n, encoding, listingWeighs)
				}
				heaviest = max(heaviest, fmt.Sprintf("%6d bytes of %s%s", n, market, address))
			}
		}
		t.Logf("of %d listings as %s the heaviest are %s", 2*len(addresses), encoding, heaviest)
	}
}

// All scripts of all pages together are small, and none comes from elsewhere.
func TestScriptsAreLight(t *testing.T) {
	_, all := walk(t)
	var scripts []string
	for _, p := range append(all, pages(t)...) {
		p.each(func(n *html.Node) {
			if src := attr(n, "src"); n.Data == "script" && src != "" && !slices.Contains(scripts, src) {
				scripts = append(scripts, src)
			}
		})
	}
	for _, encoding := range []string{"br", "gzip"} {
		weight := 0
		for _, src := range scripts {
			if !strings.HasPrefix(src, "/assets/") {
				t.Fatalf("a script of somebody else's: %s", src)
			}
			weight += sent(t, src, encoding)
		}
		if t.Logf("%d scripts weigh %d bytes as %s", len(scripts), weight, encoding); weight > scriptsWeigh || len(scripts) < 3 {
			t.Errorf("%d scripts weigh %d bytes as %s: %v", len(scripts), weight, encoding, scripts)
		}
	}
}
