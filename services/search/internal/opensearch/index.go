package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Index is one of OpenSearch's. It implements app.Index.
type Index struct {
	xs    *Indexes
	name  string
	epoch string
}

// state is the document that says how far an index has come.
type state struct {
	Revision int64     `json:"revision"`
	At       time.Time `json:"at"` // of the last write
}

// The ids of OpenSearch's documents.
const (
	stateID       = "state"
	productPrefix = "p"
)

func (x *Index) writable() string { return x.name + ".w" }

// While an index is replaced its shard is gone a moment before the alias names the next one.
const (
	switchPauses = 5
	switchPause  = 100 * time.Millisecond
)

// current reads an index, or the one that has replaced it.
func (x *Index) current(ctx context.Context, read func(*Index) error) error {
	for pauses := 0; ; {
		err := read(x)
		var f *failure
		if err == nil || !errors.As(err, &f) || f.Status == http.StatusBadRequest || f.Status == http.StatusTooManyRequests {
			return err
		}
		next, asked := x.xs.resolve(ctx)
		switch {
		case asked != nil:
			return asked
		case next.name != x.name:
			x = next
			continue
		case pauses == switchPauses:
			return err
		}
		pauses++
		select {
		case <-ctx.Done():
			return err
		case <-time.After(switchPause):
		}
	}
}

// State implements app.Index.
func (x *Index) State(ctx context.Context) (out app.State, err error) {
	err = x.current(ctx, func(x *Index) error {
		s, err := x.read(ctx)
		out = app.State{Epoch: x.epoch, Form: search.Form, Revision: s.Revision}
		return err
	})
	return out, err
}

// read returns how far the index has come, as searches see it.
func (x *Index) read(ctx context.Context) (state, error) {
	var answer struct {
		Source struct {
			State state `json:"state"`
		} `json:"_source"`
	}
	err := x.xs.ask(ctx, readPatience, http.MethodGet, "/"+x.name+"/_doc/"+stateID+"?realtime=false", nil, &answer)
	return answer.Source.State, err
}

// Write implements app.Index. Each document has the revision of its write as its version, and an older one does not take its place: several
// processes may write the same index, at whatever pace. Documents are sent whole, for OpenSearch makes them anew in any case.
func (x *Index) Write(ctx context.Context, revision int64, changes []app.Change) error {
	for len(changes) > 0 {
		body, n, err := x.bulk(revision, changes)
		if err != nil {
			return err
		}
		refused, err := x.send(ctx, body)
		if err == nil && len(refused) > 0 {
			err = x.setAside(ctx, revision, changes[:n], refused)
		}
		if err != nil {
			return fmt.Errorf("write revision %d: %w", revision, err)
		}
		changes = changes[n:]
	}
	return x.reach(ctx, revision)
}

// maxBulk is how many bytes are sent at once, about.
const maxBulk = 8 << 20

// bulk returns the request that writes the first n changes.
func (x *Index) bulk(revision int64, changes []app.Change) (body []byte, n int, err error) {
	for _, c := range changes {
		if c.Document == nil {
			err = line(&body, action("delete", c.ID, revision))
		} else if err = line(&body, action("index", c.ID, revision)); err == nil {
			var e object
			if e, err = x.xs.entry(c.Document); err == nil {
				err = line(&body, e)
			}
		}
		if err != nil {
			return nil, 0, fmt.Errorf("write %s: %w", c.ID, err)
		}
		if n++; len(body) > maxBulk {
			break
		}
	}
	return body, n, nil
}

// action is what a bulk request does with a product.
func action(verb, id string, revision int64) object {
	return object{verb: object{"_id": productPrefix + id, "version": revision, "version_type": "external_gte"}}
}

func line(body *[]byte, v any) error {
	raw, err := json.Marshal(v)
	*body = append(append(*body, raw...), '\n')
	return err
}

// send performs a bulk request: all of it, but what is there already in a newer version, and what OpenSearch refuses for good, which is
// returned by the ids of products.
func (x *Index) send(ctx context.Context, body []byte) (refused map[string]error, err error) {
	type outcome struct {
		ID string `json:"_id"`
		failure
	}
	var answer struct {
		Errors bool                 `json:"errors"`
		Items  []map[string]outcome `json:"items"`
	}
	err = x.xs.ask(ctx, writePatience, http.MethodPost, "/"+x.writable()+"/_bulk?require_alias=true", body, &answer)
	if err != nil || !answer.Errors {
		return nil, x.replaced(err)
	}
	refused = map[string]error{}
	for _, item := range answer.Items {
		for _, o := range item {
			switch f := &o.failure; {
			case f.Cause.Type == "" || f.Status == http.StatusConflict:
			case away(f.Status):
				return nil, app.ErrUnavailable.WithCause(f)
			case refuses(f.Status):
				refused[strings.TrimPrefix(o.ID, productPrefix)] = f
			default:
				return nil, x.replaced(f)
			}
		}
	}
	return refused, nil
}

// reach sets the revision, unless the index is further, and has searches find all that was written.
func (x *Index) reach(ctx context.Context, revision int64) error {
	path := fmt.Sprintf("/%s/_doc/%s?require_alias=true&refresh=true&version_type=external_gte&version=%d", x.writable(), stateID, revision)
	err := x.xs.ask(ctx, writePatience, http.MethodPut, path, object{fieldState: state{revision, x.xs.Now()}}, nil)
	if is(err, http.StatusConflict) {
		err = x.xs.ask(ctx, writePatience, http.MethodPost, "/"+x.name+"/_refresh", nil, nil)
	}
	return x.replaced(err)
}

// replaced says app.ErrReplaced where an index is gone.
func (x *Index) replaced(err error) error {
	if !is(err, http.StatusNotFound) {
		return err
	}
	x.xs.live.CompareAndSwap(x, nil)
	return app.ErrReplaced.WithCause(err)
}

// Search implements app.Index.
func (x *Index) Search(ctx context.Context, p search.Plan) (out search.Found, err error) {
	if err := p.Check(); err != nil {
		return search.Found{}, err
	}
	q, err := x.xs.query(&p)
	if err != nil {
		return search.Found{}, err
	}
	err = x.xs.guarded(ctx, func(ctx context.Context) error {
		return x.current(ctx, func(x *Index) error {
			out, err = x.ask(ctx, q)
			return err
		})
	})
	return out, err
}

// ask performs a query: again where it counted too little or not all, or documents have changed, and with another request for ranges of variants' numbers, and for bands that
// products may be in twice.
func (x *Index) ask(ctx context.Context, q *query) (search.Found, error) {
	for {
		out, err := x.once(ctx, q)
		switch {
		case errors.Is(err, errTooMany):
			q.apart = true
		case errors.Is(err, errMoved):
			q.whole = true
		case errors.Is(err, errBeyond):
			for i := range q.spans {
				q.spans[i] = everywhere(q.plan.Facets[i].Field)
			}
		default:
			return out, err
		}
	}
}

func (x *Index) once(ctx context.Context, q *query) (search.Found, error) {
	a, err := x.search(ctx, q.body())
	if err != nil {
		return search.Found{}, err
	}
	if err := x.fill(ctx, q, a.Hits.Hits[:min(len(a.Hits.Hits), q.plan.Limit)]); err != nil {
		return search.Found{}, err
	}
	out, err := q.found(a)
	if err != nil {
		return search.Found{}, err
	}
	if err := x.renumber(ctx, q, out.Facets); err != nil {
		return search.Found{}, err
	}
	x.xs.spans.learn(q.plan, out.Facets)
	return out, x.recount(ctx, q, out.Facets)
}

// search performs a search whole.
func (x *Index) search(ctx context.Context, body object) (*answer, error) {
	a := &answer{}
	err := x.xs.ask(ctx, readPatience, http.MethodPost, "/"+x.name+"/_search?allow_partial_search_results=false", body, a)
	if err != nil {
		return nil, err
	}
	if a.TimedOut || a.Shards.Failed > 0 {
		return nil, app.ErrUnavailable.WithCause(errors.New("OpenSearch searched a part only"))
	}
	return a, nil
}

// documents is a search for products by their ids, without regard to whether they are sold anywhere.
func documents(ids []string, size int) object {
	query := object{"exists": object{"field": fieldID}}
	if ids != nil {
		query = object{"terms": object{fieldID: ids}}
	}
	return object{"query": object{"constant_score": object{"filter": query}}, "size": size, "track_total_hits": true, "_source": fieldDocument}
}

// Documents implements app.Index.
func (x *Index) Documents(ctx context.Context, ids []string) (out []*search.Document, err error) {
	have := make(map[string]*search.Document, len(ids))
	for rest := ids; len(rest) > 0; {
		part := rest[:min(len(rest), search.MaxLimit)]
		rest = rest[len(part):]
		err := x.xs.guarded(ctx, func(ctx context.Context) error {
			return x.current(ctx, func(x *Index) error {
				a, err := x.search(ctx, documents(part, len(part)))
				if err == nil {
					err = a.documents(have)
				}
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if d := have[id]; d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}

// Count implements app.Index.
func (x *Index) Count(ctx context.Context) (n int, err error) {
	err = x.current(ctx, func(x *Index) error {
		a, err := x.search(ctx, documents(nil, 0))
		if err == nil {
			n = a.Hits.Total.Value
		}
		return err
	})
	return n, err
}
