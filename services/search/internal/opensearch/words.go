package opensearch

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// maxClauses is how many words and the like a query may have: OpenSearch refuses one of more than 1,024 clauses.
const maxClauses = 900

// wording makes queries of groups.
type wording struct {
	places  []grammar.Place
	clauses int
}

// matching is the query for the words of a plan, whose score is what they count; nil where nothing of them counts in the language.
func (q *query) matching() (object, error) {
	if len(q.plan.Groups) == 0 {
		return object{"match_all": object{}}, nil
	}
	if len(q.groups) == 0 {
		return object{"match_none": object{}}, nil
	}
	all, clauses := q.all()
	for clauses > maxClauses {
		groups, fewer := halved(q.groups)
		if groups = q.places[0].Language.Counting(groups); !fewer || len(groups) == 0 {
			var c fault.Collector
			c.Add("groups", "are too many", clauses)
			return nil, c.Err()
		}
		q.groups = groups
		all, clauses = q.all()
	}
	if n := q.plan.AtLeast; n > 0 && n < len(all) {
		return object{"bool": object{"should": all, "minimum_should_match": n}}, nil
	}
	return object{"bool": object{"must": all}}, nil
}

// all is what finds each group, and of how many clauses it is.
func (q *query) all() (all []object, clauses int) {
	w := &wording{places: q.places}
	for i := range q.groups {
		all = append(all, w.group(&q.groups[i]))
	}
	return all, w.clauses
}

// halved leaves out of each group the half of its alternatives that count least; false where none has several.
func halved(groups []search.Group) (out []search.Group, fewer bool) {
	for _, g := range groups {
		if n := len(g.Any); n > 1 {
			g.Any = slices.Clone(g.Any)
			slices.SortStableFunc(g.Any, func(a, b search.Alternative) int { return cmp.Compare(b.Weight, a.Weight) })
			g.Any, fewer = g.Any[:(n+1)/2], true
		}
		out = append(out, g)
	}
	return out, fewer
}

// group counts what the best alternative counts in its best field.
func (w *wording) group(g *search.Group) object {
	var all []object
	for rest := w.places; len(rest) > 0; {
		absent, n := rest[0].Absent, 0
		for n < len(rest) && slices.Equal(rest[n].Absent, absent) {
			n++
		}
		found := w.anywhere(rest[:n], g)
		if rest = rest[n:]; len(absent) == 0 {
			all = append(all, found...)
		} else if len(found) > 0 {
			w.clauses++
			all = append(all, object{"bool": object{"must": best(found), "must_not": object{"terms": object{fieldLanguages: absent}}}})
		}
	}
	return best(all)
}

// anywhere finds a group at places, and counts what it counts there.
func (w *wording) anywhere(places []grammar.Place, g *search.Group) (all []object) {
	for i := range places {
		p := &places[i]
		for weight, clauses := range w.at(p, g.Any) {
			all = append(all, object{"constant_score": object{"filter": anyOf(clauses), "boost": g.Weight * weight * p.Weight}})
		}
	}
	return all
}

func best(all []object) object { return object{"dis_max": object{"queries": all}} }

func anyOf(all []object) object {
	if len(all) == 1 {
		return all[0]
	}
	return object{"bool": object{"should": all}}
}

// at returns what finds alternatives at a place, by their weight.
func (w *wording) at(p *grammar.Place, all []search.Alternative) map[float64][]object {
	single := map[float64][]string{}
	by := map[float64][]object{}
	for i := range all {
		pattern, ok := p.Pattern(&all[i])
		weight := all[i].Weight
		switch {
		case !ok:
		case pattern.Phrase() || pattern.Prefix != "":
			by[weight] = append(by[weight], beside(p, &pattern))
			w.clauses++
		default:
			single[weight] = append(single[weight], in(p, pattern.Stems[0]))
		}
	}
	for weight, words := range single {
		by[weight] = append(by[weight], object{"terms": object{p.Name: words}})
		w.clauses++
	}
	return by
}

// beside finds words that stand beside each other, and the beginning of another one.
func beside(p *grammar.Place, pattern *grammar.Pattern) object {
	stems := make([]string, len(pattern.Stems))
	for i, s := range pattern.Stems {
		stems[i] = in(p, s)
	}
	phrase := strings.Join(stems, " ")
	if pattern.Prefix == "" {
		return object{"match_phrase": object{p.Name: phrase}}
	}
	begun := in(p, pattern.Prefix)
	if phrase == "" {
		return object{"prefix": object{p.Name + wordsSuffix: begun}}
	}
	return object{"intervals": object{p.Name: object{"all_of": object{"ordered": true, "max_gaps": 0, "intervals": []object{
		{"match": object{"query": phrase, "ordered": true, "max_gaps": 0}},
		{"prefix": object{"prefix": begun, "use_field": p.Name + wordsSuffix}},
	}}}}}
}
