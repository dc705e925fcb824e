package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// The last event of a product that names something says what it is called; drafts and what was told before say nothing.
func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	shirts := search.Name{Field: search.FieldCategory, Value: "shirts"}
	tell := func(sequence int64, listed bool, german string) map[search.Name]search.Texts {
		t.Helper()
		n := product(1, sequence, "Shirt", "A")
		n.Product.Listed = listed
		n.Product.Translations = map[string]search.Translation{"de": {Categories: map[string]string{"shirts": german}}}
		do(t, s.Take(t.Context(), noon, n))
		got, err := s.Terms(t.Context())
		do(t, err)
		return got.Names
	}
	said := func(german string) map[search.Name]search.Texts {
		return map[search.Name]search.Texts{shirts: {"de": german}}
	}
	for _, tc := range []struct {
		sequence int64
		listed   bool
		german   string
		want     map[search.Name]search.Texts
	}{{2, true, "Hemden", said("Hemden")}, {1, true, "Kittel", said("Hemden")}, {3, false, "Entwurf", said("Hemden")}, {4, true, "Oberhemden", said("Oberhemden")}, {5, true, "", nil}} {
		if diff := cmp.Diff(tc.want, tell(tc.sequence, tc.listed, tc.german)); diff != "" {
			t.Errorf("%d: %s", tc.sequence, diff)
		}
	}
}
