//go:build opensearch

package opensearch_test

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/opensearch"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// product is sold for 10.00 in the market of plans.
func product(id, title string) app.Change {
	return app.Change{ID: id, Parts: app.Content | app.Offer, Document: &search.Document{
		ID: id, Texts: map[string]search.Text{"en": {Title: title}},
		Variants: []search.Variant{{SKU: id, Available: 1, Prices: map[search.Market]search.Price{indextest.USD: {Amount: 1000}}}},
	}}
}

// live makes an index of a product the one that is read.
func live(t *testing.T, xs *opensearch.Indexes) app.Index {
	t.Helper()
	x, err := xs.Create(t.Context(), indextest.Epoch)
	must(t, err)
	must(t, x.Write(t.Context(), 1, []app.Change{product("a", "tent")}))
	must(t, xs.Switch(t.Context(), x))
	x, err = xs.Live(t.Context())
	must(t, err)
	return x
}

func plan(words ...string) search.Plan {
	p := search.Plan{Market: indextest.USD, Language: "en", Limit: 10}
	for _, w := range words {
		p.Groups = append(p.Groups, search.Group{Any: []search.Alternative{{Words: []string{w}, Weight: 1}}, Weight: 1})
	}
	return p
}

func want(t *testing.T, x app.Index, p search.Plan, ids ...string) {
	t.Helper()
	found, err := x.Search(t.Context(), p)
	must(t, err)
	got := make([]string, len(found.Hits))
	for i, h := range found.Hits {
		got[i] = h.Document.ID
	}
	if !slices.Equal(got, ids) {
		t.Errorf("found %q, not %q", got, ids)
	}
}

func wantRevision(t *testing.T, x app.Index, revision int64) {
	t.Helper()
	s, err := x.State(t.Context())
	must(t, err)
	if s.Revision != revision {
		t.Errorf("the index is at %d, not %d", s.Revision, revision)
	}
}

// wantAway asks everything of an index that cannot answer.
func wantAway(t *testing.T, when string, xs *opensearch.Indexes, x app.Index) {
	t.Helper()
	_, found := x.Search(t.Context(), plan("tent"))
	_, state := x.State(t.Context())
	_, count := x.Count(t.Context())
	_, docs := x.Documents(t.Context(), []string{"a"})
	_, created := xs.Create(t.Context(), "e2")
	for what, err := range map[string]error{"a search": found, "state": state, "count": count, "documents": docs, "create": created,
		"a write": x.Write(t.Context(), 2, []app.Change{product("b", "tent")})} {
		if !errors.Is(err, app.ErrUnavailable) {
			t.Errorf("%s, %s says %v", when, what, err)
		}
	}
}

// line is a way to the cluster that can be cut, or hang.
type line struct {
	net.Listener
	hangs atomic.Bool
	mu    sync.Mutex
	open  []net.Conn
}

func lineTo(t *testing.T, url string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	out := &line{Listener: l}
	t.Cleanup(out.cut)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				_ = in.Close()
				continue
			}
			out.mu.Lock()
			out.open = append(out.open, in, to)
			out.mu.Unlock()
			go out.carry(in, to)
			go out.carry(to, in)
		}
	}()
	return out
}

// carry takes bytes from one to the other, and drops them while the line hangs.
func (l *line) carry(from, to net.Conn) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !l.hangs.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}

func (l *line) cut() {
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
}

// A cluster that is gone or hangs is away, and never an index of nothing.
func TestAway(t *testing.T) {
	t.Parallel()
	c := config(t)
	l := lineTo(t, c.Addresses[0])
	c.Addresses, c.Patience = []string{"http://" + l.Addr().String()}, 0
	xs := open(t, c)
	x := live(t, xs)
	want(t, x, plan("tent"), "a")

	l.hangs.Store(true)
	began := time.Now()
	if _, err := x.Search(t.Context(), plan("tent")); !errors.Is(err, app.ErrUnavailable) || time.Since(began) > 8*time.Second {
		t.Errorf("a cluster that hangs: %v after %v", err, time.Since(began))
	}
	l.cut()
	wantAway(t, "cut", xs, x)
	if _, err := open(t, c).Live(t.Context()); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("the live index of a cluster that is gone: %v", err)
	}
}

// A cluster that takes nothing, as where its disk is full, leaves the revision where it was.
func TestWritesRefused(t *testing.T) {
	t.Parallel()
	c := config(t)
	x := live(t, open(t, c))
	block := func(on string) {
		do(t, http.MethodPut, c.Addresses[0]+"/"+c.Prefix+"-*/_settings", `{"index.blocks.read_only_allow_delete": `+on+`}`)
	}
	block("true")
	if err := x.Write(t.Context(), 2, []app.Change{product("b", "tent")}); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("a write: %v", err)
	}
	wantRevision(t, x, 1)
	want(t, x, plan("tent"), "a")
	block("null")
	must(t, x.Write(t.Context(), 2, []app.Change{product("b", "tent")}))
	wantRevision(t, x, 2)
	want(t, x, plan("tent"), "a", "b")
}

// An index that somebody deletes, or closes, is away until there is another one.
func TestIndexGone(t *testing.T) {
	t.Parallel()
	c := config(t)
	xs := open(t, c)
	x := live(t, xs)
	index := strings.TrimSpace(do(t, http.MethodGet, c.Addresses[0]+"/_cat/indices/"+c.Prefix+"-*?h=index", ""))
	do(t, http.MethodDelete, c.Addresses[0]+"/"+index, "")
	if _, err := x.Search(t.Context(), plan("tent")); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("a search: %v", err)
	}
	if err := x.Write(t.Context(), 2, []app.Change{product("b", "tent")}); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a write: %v", err)
	}
	if _, err := xs.Live(t.Context()); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("the live index: %v", err)
	}
	live(t, xs)
	want(t, x, plan("tent"), "a")
}

// Of several processes that write an index, one that lags behind changes nothing that another one wrote.
func TestSeveralWriters(t *testing.T) {
	t.Parallel()
	c := config(t)
	fast := live(t, open(t, c))
	c.Owner = "other"
	slow, err := open(t, c).Live(t.Context())
	must(t, err)
	must(t, fast.Write(t.Context(), 10, []app.Change{product("a", "boat"), product("b", "tent")}))
	must(t, slow.Write(t.Context(), 9, []app.Change{product("a", "lamp"), {ID: "b"}, product("c", "tent")}))
	want(t, fast, plan("boat"), "a")
	want(t, fast, plan("lamp"))
	want(t, fast, plan("tent"), "b", "c")
	wantRevision(t, slow, 10)
	must(t, fast.Write(t.Context(), 11, []app.Change{{ID: "a"}}))
	must(t, slow.Write(t.Context(), 10, []app.Change{product("a", "boat")}))
	want(t, slow, plan("boat"))
	must(t, slow.Write(t.Context(), 12, []app.Change{product("a", "boat")}))
	want(t, fast, plan("boat"), "a")
}

// While a process makes an index no other one does, unless it has not been heard of for a while; a switch of one is seen by all.
func TestSeveralMakers(t *testing.T) {
	t.Parallel()
	c := config(t)
	one := open(t, c)
	before := live(t, one)
	first, err := one.Create(t.Context(), "e2")
	must(t, err)
	c.Owner = "other"
	if _, err := open(t, c).Create(t.Context(), "e2"); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("a second maker: %v", err)
	}
	must(t, first.Write(t.Context(), 5, nil))
	c.Now = func() time.Time { return time.Now().Add(3 * time.Minute) }
	other := open(t, c)
	second, err := other.Create(t.Context(), "e2")
	must(t, err)
	if err := first.Write(t.Context(), 6, nil); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a write of the first maker: %v", err)
	}
	must(t, second.Write(t.Context(), 5, []app.Change{product("z", "tent")}))
	must(t, other.Switch(t.Context(), second))
	want(t, before, plan("tent"), "z")
	if err := before.Write(t.Context(), 6, nil); !errors.Is(err, app.ErrReplaced) {
		t.Errorf("a write to the index before: %v", err)
	}
	x, err := one.Live(t.Context())
	must(t, err)
	must(t, x.Write(t.Context(), 6, []app.Change{product("y", "tent")}))
	want(t, x, plan("tent"), "y", "z")
}

// As many words as a query can have of synonyms are asked; beyond a cluster's limit those that count least are left out. Words that are too many by
// themselves are refused, not answered by a part.
func TestManyAlternatives(t *testing.T) {
	t.Parallel()
	x := live(t, open(t, config(t)))
	of := func(groups, alternatives int, weight func(int) float64) search.Plan {
		p := plan()
		p.Language, p.AtLeast = "de", 1
		for range groups {
			g := search.Group{Weight: 1, Any: []search.Alternative{{Words: []string{"tent"}, Weight: 1}}}
			for i := 1; i < alternatives; i++ {
				g.Any = append(g.Any, search.Alternative{Words: []string{indextest.Word(i)}, Weight: weight(i)})
			}
			p.Groups = append(p.Groups, g)
		}
		return p
	}
	want(t, x, of(16, 32, func(int) float64 { return 0.8 }), "a")
	differently := func(i int) float64 { return 1 / float64(i+1) }
	want(t, x, of(16, 32, differently), "a")
	want(t, x, of(64, 8, differently), "a")
	p := of(64, 8, differently)
	p.Language = "de-AT" // of whose words each is looked for in three languages
	_, err := x.Search(t.Context(), p)
	if f, ok := fault.As(err); !ok || f.Kind != fault.Invalid {
		t.Errorf("too many: %v", err)
	}
}

// The beginning of a word may be longer than those that are indexed.
func TestLongPrefixes(t *testing.T) {
	t.Parallel()
	x := live(t, open(t, config(t)))
	must(t, x.Write(t.Context(), 2, []app.Change{product("b", "folding donaudampfschifffahrtsgesellschaft")}))
	for _, begun := range []string{"d", "donau", "donaudampfschiff", "donaudampfschifffahrtsg"} {
		p := plan(begun)
		p.Groups[0].Any[0].Prefix = true
		want(t, x, p, "b")
		p.Groups[0].Any[0].Words = []string{"folding", begun}
		want(t, x, p, "b")
	}
}
