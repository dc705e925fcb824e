package opensearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// answer is what OpenSearch answers to a search.
type answer struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations level `json:"aggregations"`
}

type hit struct {
	ID      string  `json:"_id"`
	Version int64   `json:"_version"` // where it is asked for
	Score   float64 `json:"_score"`
	Source  struct {
		Document string `json:"document"`
	} `json:"_source"`
	Sort    []any    `json:"sort"`
	Matched []string `json:"matched_queries"`

	document *search.Document // see fill
}

// level are aggregations beside each other, and how many documents they are of.
type level map[string]json.RawMessage

// read reads an aggregation; one that was not asked for leaves out as it is.
func (l level) read(name string, out any) error {
	if l[name] == nil {
		return nil
	}
	return json.Unmarshal(l[name], out)
}

// tokens is an aggregation that counts values.
type tokens struct {
	Rest    int `json:"sum_other_doc_count"` // of those that are not listed
	Buckets []struct {
		Key      string `json:"key"`
		Count    int    `json:"doc_count"`
		Products struct {
			Count int `json:"doc_count"`
		} `json:"products"`
	} `json:"buckets"`
}

func (h *hit) read() (*search.Document, error) {
	d := &search.Document{}
	if err := json.Unmarshal([]byte(h.Source.Document), d); err != nil {
		return nil, fmt.Errorf("read a document: %w", err)
	}
	return d, nil
}

// documents adds those of the hits by their ids.
func (a *answer) documents(to map[string]*search.Document) error {
	for i := range a.Hits.Hits {
		d, err := a.Hits.Hits[i].read()
		if err != nil {
			return err
		}
		to[d.ID] = d
	}
	return nil
}

// found reads an answer.
func (q *query) found(a *answer) (search.Found, error) {
	hits := a.Hits.Hits
	out := search.Found{Total: a.Hits.Total.Value, More: len(hits) > q.plan.Limit, Facets: make([]search.Facet, len(q.plan.Facets))}
	hits = hits[:min(len(hits), q.plan.Limit)]
	out.Hits = make([]search.Hit, 0, len(hits))
	for i := range hits {
		h, err := q.hit(&hits[i])
		if err != nil {
			return search.Found{}, err
		}
		out.Hits = append(out.Hits, h)
	}
	for i := range q.facets {
		if err := q.counted(a.Aggregations, i, out.Facets); err != nil {
			return search.Found{}, fmt.Errorf("read facets: %w", err)
		}
	}
	return out, nil
}

// counted reads the facets of a group.
func (q *query) counted(all level, group int, out []search.Facet) error {
	var documents, of, variants level
	if err := errors.Join(all.read(fmt.Sprint(group), &documents), documents.read(ofVariants, &of), of.read(fitting, &variants)); err != nil {
		return err
	}
	var values counts
	together := q.together(&q.facets[group])
	if together {
		var err error
		if values, err = readTogether(documents, variants); err != nil {
			return err
		}
	}
	for _, at := range q.facets[group].asks {
		a := &q.plan.Facets[at]
		switch {
		case together && !a.Range:
			out[at] = values.facet(a)
			continue
		case together && valued(a):
			var sure bool
			out[at], sure = values.numbers(a)
			q.unsure[at] = !sure
			continue
		}
		f, err := facet(a, fmt.Sprint(at), q.spans[at], documents, variants)
		if err != nil {
			return err
		}
		out[at] = f
	}
	return nil
}

func (q *query) hit(h *hit) (search.Hit, error) {
	d := h.document
	out := search.Hit{Document: d, Score: h.Score, Position: search.Position{ID: d.ID}}
	if len(h.Sort) > 0 {
		key, ok := h.Sort[0].(float64)
		if !ok {
			return out, fmt.Errorf("%s is sorted by %v", d.ID, h.Sort[0])
		}
		out.Position.Key = key
	}
	if q.plan.Explain {
		out.Reasons = q.reasons(h, d)
	}
	return out, nil
}

// reasons says of what a score is made: what each group adds, and what multiplies the sum.
func (q *query) reasons(h *hit, d *search.Document) (out []search.Reason) {
	for i := range q.groups {
		if reason, found := grammar.Because(&q.groups[i], q.places, d); found {
			out = append(out, reason)
		}
	}
	out = append(out, search.Reason{Rule: search.RulePopularity, Amount: search.Popular(d.Popularity)})
	for i, b := range q.plan.Boosts {
		if slices.Contains(h.Matched, boostName(i)) {
			out = append(out, search.Reason{Rule: b.Why, Amount: b.Factor})
		}
	}
	return out
}
