//go:build opensearch

package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/opensearch"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// failing is a way to the cluster on which every answer is 503, or none comes, while it is said so.
type failing struct {
	how   atomic.Pointer[string]
	asked atomic.Int64
}

const (
	hangs   = "hangs"
	refuses = "503"
)

func (f *failing) fail(how string) { f.how.Store(&how) }

// through returns indexes on the other side of it.
func (f *failing) through(t *testing.T, c opensearch.Config) *opensearch.Indexes {
	t.Helper()
	to, err := url.Parse(c.Addresses[0])
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	f.fail("")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		switch *f.how.Load() {
		case hangs:
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices who gives up
			<-r.Context().Done()
		case refuses:
			http.Error(w, `{"error":{"type":"cluster_block_exception","reason":"nobody is there"},"status":503}`, http.StatusServiceUnavailable)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	c.Addresses, c.Patience = []string{s.URL}, 0
	return open(t, c)
}

// Nobody who searches waits long for a cluster that is away, after a few nobody waits at all, and when it is back it is asked again.
func TestNobodyWaitsForWhatIsAway(t *testing.T) {
	t.Parallel()
	for _, how := range []string{hangs, refuses} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := &failing{}
			xs := f.through(t, config(t))
			x := live(t, xs)
			want(t, x, plan("tent"), "a")
			f.fail(how)
			for range 3 {
				began := time.Now()
				_, err := x.Search(t.Context(), plan("tent"))
				if took := time.Since(began); !errors.Is(err, app.ErrUnavailable) || took > 4*time.Second {
					t.Errorf("%v after %s", err, took)
				}
			}
			before, tried := f.asked.Load(), 0
			for range 1000 {
				if _, err := x.Search(t.Context(), plan("tent")); !errors.Is(err, app.ErrUnavailable) {
					t.Fatal(err)
				}
				tried++
			}
			if asked := f.asked.Load() - before; asked > 20 { // of one that tries, and of what it asks again
				t.Errorf("%d searches asked the cluster %d times", tried, asked)
			}
			if _, err := xs.Live(t.Context()); err != nil {
				t.Errorf("which index it is was known: %v", err)
			}
			f.fail("")
			wantRevision(t, x, 1) // the tail asks in any case
			testkit.Eventually(t, 10*time.Second, func() error {
				found, err := x.Search(t.Context(), plan("tent"))
				if err == nil && found.Total != 1 {
					err = fmt.Errorf("found %d", found.Total)
				}
				return err
			})
		})
	}
}

// Whoever gives up says nothing about the cluster, and neither do queries that are refused, nor a place without an index.
func TestOnlyTheClusterIsHeldAgainstIt(t *testing.T) {
	t.Parallel()
	c := config(t)
	xs := open(t, c)
	for range 10 {
		if _, err := xs.Live(t.Context()); !errors.Is(err, app.ErrNoIndex) {
			t.Fatal(err)
		}
	}
	x := live(t, xs)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 10 {
		if _, err := x.Search(gone, plan("tent")); err == nil {
			t.Error("somebody who is gone has an answer")
		}
		if _, err := x.Search(t.Context(), search.Plan{Limit: -1}); err == nil || errors.Is(err, app.ErrUnavailable) {
			t.Errorf("a plan that is none: %v", err)
		}
	}
	want(t, x, plan("tent"), "a")
}

// two makes a product of two variants.
func two(id string) app.Change {
	c := product(id, "tent")
	c.Document.Variants = append(c.Document.Variants, search.Variant{SKU: id + "-2", Prices: map[search.Market]search.Price{indextest.USD: {Amount: 2000}}})
	c.Document.Revision = 7
	return c
}

// A product that OpenSearch refuses is found no more, and told of; nothing waits for it. Once it may be taken it is found again.
func TestARefusedDocumentHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := config(t)
	xs := open(t, c)
	x := live(t, xs)
	must(t, x.Write(t.Context(), 2, []app.Change{two("bad")}))
	want(t, x, plan("tent"), "a", "bad")
	limit := func(offers string) {
		do(t, http.MethodPut, c.Addresses[0]+"/"+c.Prefix+"-*/_settings", `{"index.mapping.nested_objects.limit": `+offers+`}`)
	}
	limit("1")
	must(t, x.Write(t.Context(), 3, []app.Change{product("b", "tent"), two("bad"), product("c", "tent")}))
	wantRevision(t, x, 3)
	want(t, x, plan("tent"), "a", "b", "c")
	want(t, x, plan(), "a", "b", "c")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(xs.Refused())
	counted, err := registry.Gather()
	must(t, err)
	if n := counted[0].GetMetric()[0].GetCounter().GetValue(); n != 1 {
		t.Errorf("%v documents were refused", n)
	}
	docs, err := x.Documents(t.Context(), []string{"bad"})
	must(t, err)
	count, err := x.Count(t.Context())
	must(t, err)
	if count != 4 || len(docs) != 1 || docs[0].Revision != 7 {
		t.Errorf("%d documents; the refused one is %+v", count, docs)
	}
	if said := do(t, http.MethodGet, c.Addresses[0]+"/"+c.Prefix+"-*/_search?q=_exists_:refused", ""); !strings.Contains(said, "nested") || !strings.Contains(said, "pbad") {
		t.Errorf("of what was refused the index says %s", said)
	}

	many := make([]app.Change, 21)
	for i := range many {
		many[i] = two(string(rune('d' + i)))
	}
	if err := x.Write(t.Context(), 4, many); err == nil || errors.Is(err, app.ErrUnavailable) {
		t.Errorf("where it refuses nearly all, the write says %v", err)
	}
	wantRevision(t, x, 3)
	limit("100000")
	must(t, x.Write(t.Context(), 4, slices.Concat(many, []app.Change{two("bad")})))
	wantRevision(t, x, 4)
	found, err := x.Search(t.Context(), search.Plan{Market: indextest.USD, Language: "en", Limit: 1})
	must(t, err)
	if found.Total != 3+21+1 {
		t.Errorf("%d products are found", found.Total)
	}
}
