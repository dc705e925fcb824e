package relevance

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// sample is what the sample shop has.
func sample(t *testing.T) ([]Query, []*Product, []search.Synonym) {
	t.Helper()
	set, err := Seeded()
	if err != nil {
		t.Fatal(err)
	}
	products, synonyms, err := ReadSeed(os.Getenv(Seed))
	if err != nil {
		t.Fatal(err)
	}
	return set, products, synonyms
}

// hold measures the shop on an adapter and what its engine does by itself.
func hold(t *testing.T, xs Indexes, plain Engine) {
	t.Helper()
	set, products, synonyms := sample(t)
	shop, err := NewShop(t.Context(), xs, products, synonyms)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Measure(t.Context(), shop, set, products)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := Measure(t.Context(), plain, set, products)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("NDCG@10 %.3f, of what is held out %.3f, by itself %.3f; %.1f %% find nothing", ours.NDCG(), ours.HeldOut().NDCG(), theirs.NDCG(), 100*ours.Nothing())
	if err := ours.Enough(theirs); err != nil {
		t.Error(err)
		for _, r := range ours {
			if !r.HeldOut && r.NDCG < 0.5 {
				t.Errorf("%.3f %s %q", r.NDCG, r.Kind, r.Text)
			}
		}
	}
}

func TestTheSampleShopIsFound(t *testing.T) {
	t.Parallel()
	_, products, _ := sample(t)
	plain, err := NewBestFieldsBleve(products)
	if err != nil {
		t.Fatal(err)
	}
	xs, err := bleveindex.Open(t.TempDir(), Own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := xs.Close(); err != nil {
			t.Error(err)
		}
		if err := plain.Close(); err != nil {
			t.Error(err)
		}
	})
	hold(t, xs, plain)
}

// The sets ask for something that is there, for each department of the shop, and a third of them is held out.
func TestSets(t *testing.T) {
	t.Parallel()
	seeded, products, _ := sample(t)
	if err := Check(seeded, products); err != nil {
		t.Error(err)
	}
	electronics, err := Electronics()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ElectronicsSynonyms(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		set   []Query
		least int
	}{{seeded, 120}, {electronics, 80}} {
		kinds, heldOut := map[string]int{}, 0
		for _, q := range c.set {
			kinds[q.Kind]++
			if q.HeldOut {
				heldOut++
			}
		}
		if len(c.set) < c.least || 10*heldOut < 3*len(c.set) || 10*heldOut > 4*len(c.set) {
			t.Errorf("%d queries, %d held out", len(c.set), heldOut)
		}
		for _, kind := range strings.Fields("plain typo synonym model attribute order language") {
			if kinds[kind] < 6 {
				t.Errorf("%d queries of %s", kinds[kind], kind)
			}
		}
	}
	aims := map[string]int{}
	for i := range seeded {
		for _, p := range products {
			if seeded[i].Worth(p) == 3 {
				aims[p.Facts["category"][0]]++
				break
			}
		}
	}
	for _, p := range products {
		if root := p.Facts["category"][0]; aims[root] < 5 {
			t.Errorf("%d queries for %s", aims[root], root)
			aims[root] = 5 // is said once
		}
	}
}

func TestParseSet(t *testing.T) {
	t.Parallel()
	set, err := ParseSet("# a set\n\ntypo/de holdout: rott: hemd\n3 category=shirts & colour=red|rust\n2 title~red shirt & !price>=100\n")
	if err != nil || len(set) != 1 {
		t.Fatal(err, set)
	}
	q := &set[0]
	if q.Kind != "typo" || q.Language != "de" || !q.HeldOut || q.Text != "rott: hemd" {
		t.Errorf("%+v", q)
	}
	for want, facts := range map[int]map[string][]string{
		3: {"category": {"clothing", "shirts"}, "colour": {"white", "rust"}}, 2: {"category": {"shirts"}, "title": {"a red shirt"}, "price": {"99.5"}}, 0: {"title": {"red shirts"}, "price": {"x"}},
	} {
		if got := q.Worth(&Product{Facts: facts}); got != want {
			t.Errorf("%v is worth %d, not %d", facts, got, want)
		}
	}
	if got := q.Worth(&Product{Facts: map[string][]string{"title": {"red shirt"}, "price": {"100"}}}); got != 0 {
		t.Errorf("%d", got)
	}
	for _, bad := range []string{"3 category=shirts", "plain: x\n4 title~y", "plain: x\n3 title", "Plain x"} {
		if set, err := ParseSet(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, set)
		}
	}
	shirts := []*Product{{Facts: map[string][]string{"title": {"shirt"}}}}
	for _, bad := range []string{"plain: x\n3 title~trousers", "plain: x\n1 title~shirt", "plain: x\n3 title~shirt\n\nplain: x\n3 title~shirt", "plain: x\n3 title~shirt\n1 title~shirt"} {
		if set, err := ParseSet(bad); err != nil || Check(set, shirts) == nil {
			t.Errorf("%q is a set: %v", bad, err)
		}
	}
}

func TestGain(t *testing.T) {
	t.Parallel()
	if got, want := gain([]int{3, 0, 1}), 7+0.5; math.Abs(got-want) > 1e-9 {
		t.Errorf("%v, not %v", got, want)
	}
	if got, want := gain([]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}), 0.0; got != want {
		t.Errorf("the eleventh counts %v", got)
	}
}

func TestEnough(t *testing.T) {
	t.Parallel()
	found := func(ndcg float64, nothing int) (rs Results) {
		for i := range 100 {
			r := Result{Query: &Query{HeldOut: i%3 == 0}, NDCG: ndcg}
			if i >= nothing {
				r.Found = []*Product{{}}
			}
			rs = append(rs, r)
		}
		return rs
	}
	if err := found(0.9, 1).Enough(found(0.7, 9)); err != nil {
		t.Error(err)
	}
	worse := found(0.9, 0)
	for i := range worse {
		if worse[i].HeldOut {
			worse[i].NDCG = 0.8
		} else {
			worse[i].NDCG = 0.95
		}
	}
	for name, c := range map[string]struct{ ours, plain Results }{
		"too little": {found(0.87, 0), found(0.2, 0)}, "hardly better": {found(0.9, 0), found(0.76, 0)}, "nothing found": {found(0.9, 3), found(0.2, 0)},
		"what is held out": {worse, found(0.2, 0)}, "no queries": {nil, nil},
	} {
		if c.ours.Enough(c.plain) == nil {
			t.Errorf("%s is enough", name)
		}
	}
}
