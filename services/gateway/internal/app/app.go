// Package app is what the edge knows beside its routes: who has an API key, how the services are, and how they describe
// themselves.
//
// Everything here is kept in memory and may be lost: a gateway that starts anew asks again.
package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

// Asker asks a service for one of its own pages. The error says that no answer came.
type Asker interface {
	Get(ctx context.Context, app, path string) (status int, body []byte, err error)
}

// Services asks all services and remembers what they said for a while. Use New.
type Services struct {
	Asker Asker
	Table *gateway.Table
	Info  gateway.Info
	Now   func() time.Time
	Log   *slog.Logger

	states memo[map[string]string]
	spec   memo[Spec]
	docs   map[string]gateway.Document // last good ones, by app; under the lock of spec
}

// The states of a service.
const (
	Ready       = "ready"
	NotReady    = "not-ready"   // it answers, and something that it depends on is away
	Unreachable = "unreachable" // no answer
)

const (
	askTimeout = 1500 * time.Millisecond
	stateTTL   = time.Second
	specTTL    = time.Minute
	partialTTL = 2 * time.Second // of a document that lacks a service
)

// Spec is the merged OpenAPI document.
type Spec struct {
	Data []byte
	ETag string
}

// States returns how each service is. It asks them at most once a second, whoever calls how often.
func (s *Services) States(ctx context.Context) map[string]string {
	states, _ := s.states.get(s.Now, func() (map[string]string, time.Duration, error) {
		states := map[string]string{}
		for _, a := range s.ask(ctx, "/readyz") {
			switch {
			case a.err != nil:
				states[a.app] = Unreachable
			case a.status == http.StatusOK:
				states[a.app] = Ready
			default:
				states[a.app] = NotReady
			}
		}
		return states, stateTTL, nil
	})
	return states
}

// Spec returns the merged document. A service that does not answer stands in it as it was last seen, if ever it was.
func (s *Services) Spec(ctx context.Context) (Spec, error) {
	return s.spec.get(s.Now, func() (Spec, time.Duration, error) {
		if s.docs == nil {
			s.docs = map[string]gateway.Document{}
		}
		ttl := specTTL
		for _, a := range s.ask(ctx, "/openapi.json") {
			if a.err != nil || a.status != http.StatusOK {
				s.Log.Warn("no OpenAPI document", "service", a.app, "status", a.status, "error", a.err)
				ttl = partialTTL
				continue
			}
			doc := gateway.Document{App: a.app, Data: a.body}
			if _, err := gateway.Merge(s.Info, s.Table, []gateway.Document{doc}); err != nil { // one must not spoil all
				s.Log.Error("unusable OpenAPI document", "service", a.app, "error", err)
				ttl = partialTTL
				continue
			}
			s.docs[a.app] = doc
		}
		info, docs := s.Info, make([]gateway.Document, 0, len(s.docs))
		for _, app := range s.Table.Apps() {
			doc, ok := s.docs[app]
			if !ok {
				info.Missing = append(info.Missing, app)
				continue
			}
			docs = append(docs, doc)
		}
		data, err := gateway.Merge(info, s.Table, docs)
		if err != nil {
			return Spec{}, 0, fmt.Errorf("merge OpenAPI documents: %w", err)
		}
		sum := sha256.Sum256(data)
		return Spec{Data: data, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`}, ttl, nil
	})
}

type answer struct {
	app    string
	status int
	body   []byte
	err    error
}

// ask asks all services at once. That the first caller goes away is no reason to stop: others wait for the answers.
func (s *Services) ask(ctx context.Context, path string) []answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	apps := s.Table.Apps()
	answers := make([]answer, len(apps))
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() {
			status, body, err := s.Asker.Get(ctx, app, path)
			answers[i] = answer{app, status, body, err}
		})
	}
	wg.Wait()
	return answers
}

// memo keeps a value for a while. While one caller makes it anew the others wait.
type memo[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
}

func (m *memo[T]) get(now func() time.Time, make func() (T, time.Duration, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now().Before(m.until) {
		return m.value, nil
	}
	value, ttl, err := make()
	if err != nil {
		return value, err
	}
	m.value, m.until = value, now().Add(ttl) // it may have taken longer than the value is good for
	return value, nil
}
