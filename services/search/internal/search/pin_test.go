package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func hitsOf(ids ...string) (hits []Hit) {
	for _, id := range ids {
		hits = append(hits, Hit{Document: &Document{ID: id}})
	}
	return hits
}

func idsOf(hits []Hit) (ids []string) {
	for _, h := range hits {
		ids = append(ids, h.Document.ID)
	}
	return ids
}

func TestWeave(t *testing.T) {
	t.Parallel()
	pins := []Pinned{{1, hitsOf("P")[0]}, {3, hitsOf("Q")[0]}, {9, hitsOf("R")[0]}}
	for _, tc := range []struct {
		hits                string
		total, first, limit int
		page                string
		taken               int
	}{
		{"a b c d", 9, 1, 4, "P a Q b", 2},
		{"c d e f", 9, 5, 4, "c d e f", 4},
		{"g h i", 9, 9, 4, "R g h i", 3},
		{"a b", 2, 1, 4, "P a Q b", 2},
		{"", 2, 5, 4, "R", 0},
		{"a b", 2, 1, 5, "P a Q b R", 2},
		{"", 0, 1, 4, "P Q R", 0},
		{"", 0, 1, 2, "P Q", 0},
		{"", 0, 3, 2, "R", 0},
		{"", 0, 4, 2, "", 0},
		{"a", 9, 1, 4, "P a Q", 1}, // fewer than promised: the index was changed meanwhile
	} {
		page, taken := Weave(hitsOf(strings.Fields(tc.hits)...), pins, tc.total, tc.first, tc.limit)
		if got := strings.Join(idsOf(page), " "); got != tc.page || taken != tc.taken {
			t.Errorf("%+v: %q, %d taken", tc, got, taken)
		}
	}
}

// TestPagesMakeTheWhole: whatever the size of pages, each hit and each pin is shown once, pins where they belong, hits in their order.
func TestPagesMakeTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total, limit := rapid.IntRange(0, 12).Draw(t, "hits"), rapid.IntRange(1, 6).Draw(t, "limit")
		var hits []Hit
		for i := range total {
			hits = append(hits, hitsOf(fmt.Sprint("h", i))...)
		}
		positions := rapid.SliceOfNDistinct(rapid.IntRange(1, 15), 0, 5, rapid.ID).Draw(t, "positions")
		slices.Sort(positions)
		var pinned []Pinned
		for _, p := range positions {
			pinned = append(pinned, Pinned{p, hitsOf(fmt.Sprint("p", p))[0]})
		}
		var all []Hit
		for rest := hits; ; {
			page, taken := Weave(rest[:min(limit, len(rest))], pinned, total, len(all)+1, limit)
			all, rest = append(all, page...), rest[taken:]
			if len(page) == 0 {
				break
			}
			if len(page) < limit && len(all) < total+len(pinned) {
				t.Fatalf("a page of %d", len(page))
			}
		}
		ids := idsOf(all)
		if len(ids) != total+len(pinned) {
			t.Fatalf("%v of %d and %v", ids, total, positions)
		}
		for i, p := range positions {
			if at := slices.Index(ids, fmt.Sprint("p", p)) + 1; at != min(p, total+i+1) {
				t.Fatalf("the pin of %d stands at %d in %v", p, at, ids)
			}
		}
		organic := slices.DeleteFunc(ids, func(id string) bool { return id[0] == 'p' })
		if !slices.Equal(organic, idsOf(hits)) {
			t.Fatalf("%v", organic)
		}
	})
}
