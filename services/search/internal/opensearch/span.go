package opensearch

import (
	"errors"
	"sync"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// span are cells beside each other, from the first to the last.
type span struct{ first, last int }

// nowhere is where a field has no numbers.
var nowhere = span{0, -1}

func everywhere(field string) span { return span{0, len(search.Edges(field))} }

// spans remember in which cells the numbers of a field were, so that others are not counted, which costs as much where nothing is. An answer says
// its bounds: one that goes beyond is asked for again with all cells.
type spans struct {
	mu sync.Mutex
	by map[string]span
}

// errBeyond says that there are numbers outside of the cells that were counted.
var errBeyond = errors.New("there are numbers in cells that were not counted")

func spanKey(p *search.Plan, field string) string {
	if field == search.FieldPrice {
		return field + " " + string(p.Market.Currency)
	}
	return field
}

// of returns the spans of what a plan asks for.
func (s *spans) of(p *search.Plan) []span {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]span, len(p.Facets))
	for i, a := range p.Facets {
		known, ok := s.by[spanKey(p, a.Field)]
		if all[i] = known; !ok {
			all[i] = everywhere(a.Field)
		}
	}
	return all
}

// learn takes in what an answer says.
func (s *spans) learn(p *search.Plan, facets []search.Facet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]span{}
	}
	for i := range facets {
		f := &facets[i]
		key := spanKey(p, f.Field)
		known, ok := s.by[key]
		switch {
		case !p.Facets[i].Range, ok && f.Min == nil:
		case f.Min == nil:
			s.by[key] = nowhere
		case !ok || known == nowhere:
			s.by[key] = spanOf(f)
		default:
			here := spanOf(f)
			s.by[key] = span{min(here.first, known.first), max(here.last, known.last)}
		}
	}
}

// spanOf is where the numbers of a facet are.
func spanOf(f *search.Facet) span {
	return span{int(search.Cell(f.Field, *f.Min)), int(search.Cell(f.Field, *f.Max))}
}
