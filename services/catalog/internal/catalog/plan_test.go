package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/fault"
)

func TestMove(t *testing.T) {
	t.Parallel()
	states := []string{Draft, Published, Archived}
	allowed := map[string]bool{"draft→published": true, "draft→archived": true, "published→archived": true, "archived→published": true}
	for _, from := range states {
		for _, to := range states {
			err := Move(from, to)
			if want := from == to || allowed[from+"→"+to]; (err == nil) != want {
				t.Errorf("%s → %s: %v", from, to, err)
			}
			if err != nil && !errors.Is(err, ErrStatus) {
				t.Errorf("%s → %s: %v is another fault", from, to, err)
			}
		}
		if err := Move(from, "sold"); err == nil {
			t.Errorf("%s → sold", from)
		}
	}
}

func TestREADMEDrawsTheTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```\n" + Drawing() + "```\n"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not show the table:\n%s", want)
	}
}

func TestSlugify(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Linen Shirt":               "linen-shirt",
		"  AT&T GoPhone – 8GB!  ":   "at-and-t-gophone-8gb",
		"Café Müller's Größe":       "cafe-muellers-groesse",
		"東京":                        "",
		"---":                       "",
		strings.Repeat("word ", 40): strings.TrimSuffix(strings.Repeat("word-", 16), "-"),
	} {
		if got := Slugify(title); got != want && !(len(got) <= maxMadeSlug && strings.HasPrefix(want, got) && len(title) > maxMadeSlug) {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if s := Slugify(rapid.String().Draw(t, "title")); s != "" && !ValidSlug(s) && !IsID(s) {
			t.Fatalf("%q is no slug", s)
		}
	})
}

func TestEveryTitleGetsASlug(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"東京", "Shirt", "019c0000-0000-7000-8000-000000000000"} {
		it := Item{NewID: "019c0000-0000-7000-8000-000000000001", Product: Product{Title: title, Variants: []Variant{{SKU: "_"}}}}
		all := it.Slugs()
		for _, s := range all {
			if !ValidSlug(s) {
				t.Errorf("%q may get %q", title, s)
			}
		}
		if len(all) == 0 {
			t.Errorf("%q gets none", title)
		}
	}
}

// shop plans batches and keeps what they make, as the database does.
type shop struct{ records map[string]Record }

func (s *shop) known() *Known {
	k := &Known{ByID: map[string]*Record{}, ByExternal: map[string]*Record{}, SKUs: map[string]string{}, Slugs: map[string]string{}}
	for _, r := range s.records {
		k.take(&Outcome{Record: r})
	}
	return k
}

// TestPlanKeepsWhatIsUnique writes random batches and checks after each what must always hold.
func TestPlanKeepsWhatIsUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &shop{records: map[string]Record{}}
		slugs := map[string]string{} // every slug that ever led to a product
		ids := 0
		for range rapid.IntRange(1, 6).Draw(t, "batches") {
			var items []Item
			for range rapid.IntRange(1, 5).Draw(t, "items") {
				ids++
				items = append(items, drawItem(t, ids))
			}
			known := s.known()
			for slug, id := range slugs {
				known.Slugs[slug] = id
			}
			outcomes := Plan(known, items)
			for i, o := range outcomes {
				if o.Kind == Refused {
					if fault.KindOf(o.Err) == fault.Internal {
						t.Fatalf("refused without a reason: %v", o.Err)
					}
					continue
				}
				s.records[o.ID] = o.Record
				slugs[o.Product.Slug] = o.ID
				if items[i].Product.Slug != "" && o.Product.Slug != items[i].Product.Slug {
					t.Fatalf("asked for slug %q, got %q", items[i].Product.Slug, o.Product.Slug)
				}
			}
			s.check(t, slugs)
		}
	})
}

func drawItem(t *rapid.T, n int) Item {
	p := Product{Title: rapid.SampledFrom([]string{"Shirt", "Sofa", "東京"}).Draw(t, "title"), Slug: rapid.SampledFrom([]string{"", "", "shirt", "x"}).Draw(t, "slug"),
		Status:     rapid.SampledFrom([]string{"", Draft, Published, Archived}).Draw(t, "status"),
		ExternalID: rapid.SampledFrom([]string{"", "e1", "e2", "e3"}).Draw(t, "external")}
	for _, sku := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 3, rapid.ID[string]).Draw(t, "skus") {
		p.Variants = append(p.Variants, Variant{SKU: sku})
	}
	return Item{NewID: fmt.Sprintf("019c0000-0000-7000-8000-%012d", n), Product: p}
}

func (s *shop) check(t *rapid.T, slugs map[string]string) {
	skus, external, current := map[string]string{}, map[string]string{}, map[string]string{}
	once := func(m map[string]string, key, id, what string) {
		if other, ok := m[key]; ok && other != id {
			t.Fatalf("%s %q belongs to %s and %s", what, key, other, id)
		}
		m[key] = id
	}
	for id, r := range s.records {
		once(current, r.Product.Slug, id, "slug")
		if slugs[r.Product.Slug] != id {
			t.Fatalf("slug %q leads elsewhere", r.Product.Slug)
		}
		if r.Product.ExternalID != "" {
			once(external, r.Product.ExternalID, id, "external id")
		}
		for _, v := range r.Product.Variants {
			once(skus, v.SKU, id, "SKU")
		}
		if r.Hash != r.Product.Hash() || r.Version < 1 {
			t.Fatalf("%+v", r)
		}
	}
}

func TestPlanAgainChangesNothing(t *testing.T) {
	t.Parallel()
	p := Product{ExternalID: "e", Title: "Shirt", Variants: []Variant{{SKU: "a", Values: Values{"size": json.RawMessage(`"s"`)}}}}
	known := (&shop{}).known()
	first := Plan(known, []Item{{NewID: "1", Product: p}})[0]
	again := Plan(known, []Item{{NewID: "2", Product: p}})[0]
	if first.Kind != Created || again.Kind != Unchanged || again.ID != "1" || again.Version != 1 {
		t.Errorf("%+v then %+v", first, again)
	}
	p.Status = Published
	moved := Plan(known, []Item{{NewID: "3", Product: p}})[0]
	if moved.Kind != Updated || moved.Version != 2 || moved.Before.Product.Status != Draft || moved.Product.Slug != "shirt" {
		t.Errorf("%+v", moved)
	}
	p.Status = ""
	if kept := Plan(known, []Item{{NewID: "4", Product: p}})[0]; kept.Kind != Unchanged {
		t.Errorf("no status given: %+v", kept)
	}
}

func TestCheckIsItsOwnNormalForm(t *testing.T) {
	t.Parallel()
	r := sample()
	rapid.Check(t, func(t *rapid.T) {
		p := Product{Title: "Shirt", Category: "shirts", Brand: rapid.SampledFrom([]string{"", "alder"}).Draw(t, "brand"),
			Values: Values{"material": json.RawMessage(`"linen"`)}}
		for _, size := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"s", "m", "l"}), 1, 3, rapid.ID[string]).Draw(t, "sizes") {
			colour := rapid.SampledFrom([]string{`"navy"`, `"#1F2A44"`, `null`}).Draw(t, "colour")
			p.Variants = append(p.Variants, Variant{SKU: "S-" + size, Values: Values{"size": json.RawMessage(`"` + size + `"`), "colour": json.RawMessage(colour)}})
		}
		var c fault.Collector
		once := r.Check(p, "", &c)
		twice := r.Check(once, "", &c)
		if c.Err() != nil || once.Hash() != twice.Hash() {
			t.Fatalf("%v", c.Err())
		}
		if slices.ContainsFunc(once.Variants, func(v Variant) bool { return string(v.Values["colour"]) == "null" }) {
			t.Fatal("null is kept")
		}
	})
}
