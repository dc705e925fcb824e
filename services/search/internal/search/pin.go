package search

// Pinned is a pinned product that a query finds, and where it is put.
type Pinned struct {
	Position int
	Hit      Hit
}

// Weave returns a page of results with what is pinned among them. Hits are the next that the plan finds, a page's worth; total is how many
// it finds in all, without those pinned; pinned is by position; first is the place of the page's first hit among all, from 1. A pin beyond
// the end stands at the end. The next page goes on after the last of hits that was taken.
func Weave(hits []Hit, pinned []Pinned, total, first, limit int) (page []Hit, taken int) {
	for i, p := range pinned {
		at := min(p.Position, total+i+1)
		if at < first {
			continue
		}
		for first+len(page) < at && len(page) < limit && taken < len(hits) {
			page, taken = append(page, hits[taken]), taken+1
		}
		if first+len(page) < at || len(page) >= limit {
			return page, taken
		}
		page = append(page, p.Hit)
	}
	n := min(limit-len(page), len(hits)-taken)
	return append(page, hits[taken:taken+n]...), taken + n
}
