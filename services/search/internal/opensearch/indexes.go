package opensearch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/grammar"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Config says where the indexes are.
type Config struct {
	Addresses []string // URLs of nodes
	User      string   // empty: the cluster wants none
	Password  string
	Prefix    string        // of names, in lower case
	Owner     string        // names the process: it takes up again what it did not finish
	Language  string        // of the shop, in which every product has its texts
	Patience  time.Duration // of who searches; zero: 1.5 s
	// ValuesAtOnce is how many values of all facets are counted together, before each facet is counted for itself; zero: 10,000.
	ValuesAtOnce int
	Now          func() time.Time
	Log          *slog.Logger
}

// lease is for how long an index that another process makes is left alone after its last write.
const lease = 2 * time.Minute

// Indexes are those of a prefix. It implements app.Indexes.
type Indexes struct {
	*client
	Config
	grammar *grammar.Grammar
	guard   *guard
	refused prometheus.Counter
	alias   string
	live    atomic.Pointer[Index] // the one that was read last
	spans   spans
	kept    *lru.Cache[keptKey, keptDocument]
}

// Open returns the indexes of a prefix. The cluster may be away.
func Open(c Config) (*Indexes, error) {
	g, err := grammar.New(c.Language)
	if err != nil {
		return nil, err
	}
	asker, err := newClient(c.Addresses, c.User, c.Password)
	if err != nil {
		return nil, err
	}
	kept, err := lru.New[keptKey, keptDocument](keptDocuments)
	if err != nil {
		return nil, err
	}
	return &Indexes{client: asker, kept: kept, Config: c, grammar: g, guard: newGuard(c.Log), refused: newRefused(), alias: c.Prefix + "-" + search.Form}, nil
}

// Close lets go of nothing: requests end by themselves.
func (xs *Indexes) Close() error { return nil }

// Stem returns what words of a language are found by; "" for stop words.
func (xs *Indexes) Stem(language string) func(word string) string {
	return xs.grammar.Language(language).Stem
}

// meta is what an index says of itself.
type meta struct {
	Epoch string `json:"epoch"`
	Owner string `json:"owner"`
}

// named returns the indexes of a name, an alias or a pattern; none is no failure.
func (xs *Indexes) named(ctx context.Context, name string) (map[string]meta, error) {
	var answer map[string]struct {
		Mappings struct {
			Meta meta `json:"_meta"`
		} `json:"mappings"`
	}
	err := xs.ask(ctx, readPatience, http.MethodGet, "/"+name+"/_mapping?filter_path=*.mappings._meta", nil, &answer)
	if is(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string]meta, len(answer))
	for name, a := range answer {
		all[name] = a.Mappings.Meta
	}
	return all, nil
}

// Live implements app.Indexes. Which index it is is asked again once it is no longer there.
func (xs *Indexes) Live(ctx context.Context) (app.Index, error) {
	if x := xs.live.Load(); x != nil {
		return x, nil
	}
	var x *Index
	err := xs.guarded(ctx, func(ctx context.Context) (err error) {
		x, err = xs.resolve(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// resolve asks which index is read.
func (xs *Indexes) resolve(ctx context.Context) (*Index, error) {
	all, err := xs.named(ctx, xs.alias)
	if err != nil {
		return nil, err
	}
	for name, m := range all {
		x := &Index{xs: xs, name: name, epoch: m.Epoch}
		xs.live.Store(x)
		return x, nil
	}
	xs.live.Store(nil)
	return nil, app.ErrUnavailable.WithCause(fmt.Errorf("%w %s", app.ErrNoIndex, xs.alias))
}

// Create implements app.Indexes. While another process makes an index nobody else does: app.ErrUnavailable.
func (xs *Indexes) Create(ctx context.Context, epoch string) (app.Index, error) {
	begun, err := xs.unread(ctx)
	if err != nil {
		return nil, err
	}
	for name, m := range begun {
		x := &Index{xs: xs, name: name, epoch: m.Epoch}
		s, err := x.read(ctx)
		switch {
		case is(err, http.StatusNotFound): // it was not even begun
		case err != nil:
			return nil, err
		case m.Owner != xs.Owner && xs.Now().Sub(s.At) < lease:
			return nil, app.ErrUnavailable.WithCause(fmt.Errorf("%s makes the index %s", m.Owner, name))
		}
		if err := xs.ask(ctx, writePatience, http.MethodDelete, "/"+name, nil, nil); err != nil && !is(err, http.StatusNotFound) {
			return nil, err
		}
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	x := &Index{xs: xs, name: xs.alias + "-" + hex.EncodeToString(random[:]), epoch: epoch}
	body := object{"aliases": object{x.writable(): object{}}, "settings": settings, "mappings": mappings(meta{epoch, xs.Owner})}
	if err := xs.ask(ctx, writePatience, http.MethodPut, "/"+x.name, body, nil); err != nil {
		return nil, err
	}
	return x, x.reach(ctx, 0)
}

// unread returns the indexes of this form that are not read.
func (xs *Indexes) unread(ctx context.Context) (map[string]meta, error) {
	all, err := xs.named(ctx, xs.alias+"-*")
	if err != nil {
		return nil, err
	}
	live, err := xs.named(ctx, xs.alias)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ meta) bool { _, is := live[name]; return is })
	return all, nil
}

// Switch implements app.Indexes: in one step of the cluster the alias names the new index, and all others are gone, those too that somebody
// else was making.
func (xs *Indexes) Switch(ctx context.Context, to app.Index) error {
	x, ours := to.(*Index)
	if !ours || x.xs != xs {
		return app.ErrReplaced
	}
	for {
		all, err := xs.named(ctx, xs.alias+"-*")
		if err != nil {
			return err
		}
		if _, there := all[x.name]; !there {
			return app.ErrReplaced
		}
		delete(all, x.name)
		actions := []object{{"add": object{"index": x.name, "alias": xs.alias}}}
		if len(all) > 0 {
			actions = append(actions, object{"remove_index": object{"indices": slices.Sorted(maps.Keys(all))}})
		}
		err = xs.ask(ctx, writePatience, http.MethodPost, "/_aliases", object{"actions": actions}, nil)
		if err == nil {
			xs.live.Store(x)
			return nil
		}
		if !is(err, http.StatusNotFound) { // else one of them went meanwhile
			return err
		}
	}
}
