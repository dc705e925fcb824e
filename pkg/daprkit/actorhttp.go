package daprkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/fault"
)

// names returns the registered types.
func (a *Actors) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.AppendSeq(make([]string, 0, len(a.types)), maps.Keys(a.types))
}

// Check waits until the own sidecar hosts every registered type, asking it again every 200 ms until ctx ends. A sidecar that
// never read the configuration (wrong app token, no actor state store, no placement) answers every call to such an actor with a
// 500 after five seconds; this says so at start-up instead.
func (a *Actors) Check(ctx context.Context, c *Client) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		missing, err := a.missing(ctx, c)
		if err == nil && len(missing) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errUnavailable("the sidecar hosts no actors yet").WithCause(fmt.Errorf("missing %v: %w", missing, errors.Join(err, context.Cause(ctx))))
		}
	}
}

// CheckAtStart logs an error when the own sidecar does not host every registered type in time. It is no failure of the service, which
// may do without its actors or wait for them.
func (a *Actors) CheckAtStart(ctx context.Context, c *Client, patience time.Duration) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := a.Check(limited, c); err != nil && ctx.Err() == nil {
		a.opts.Log.ErrorContext(ctx, "calls to actors will fail: is the sidecar's app token ours, is there an actor state store, does placement run?", "error", err)
	}
}

func (a *Actors) missing(ctx context.Context, c *Client) ([]string, error) {
	m, err := c.sdk.GetMetadata(ctx)
	if err != nil {
		return a.names(), fmt.Errorf("sidecar metadata: %w", err)
	}
	return slices.DeleteFunc(a.names(), func(typ string) bool {
		for _, h := range m.ActiveActorsCount {
			if h.Type == typ {
				return true
			}
		}
		return false
	}), nil
}

func (a *Actors) mount(r chi.Router) {
	r.Get("/dapr/config", a.serveConfig)
	r.Put("/actors/{type}/{id}/method/{method}", a.serveMethod)
	r.Put("/actors/{type}/{id}/method/remind/{name}", a.serveRemind)
	r.Put("/actors/{type}/{id}/method/timer/{name}", a.serveTimer)
	r.Delete("/actors/{type}/{id}", a.serveDeactivate)
}

func (a *Actors) serveConfig(w http.ResponseWriter, _ *http.Request) {
	a.reset()
	cfg := map[string]any{
		"entities":                a.names(),
		"actorIdleTimeout":        a.opts.IdleTimeout.String(),
		"drainOngoingCallTimeout": a.opts.DrainTimeout.String(),
		"drainRebalancedActors":   true,
		"reentrancy":              map[string]any{"enabled": false},
	}
	writeJSON(w, cfg)
}

func (a *Actors) serveMethod(w http.ResponseWriter, r *http.Request) {
	var result json.RawMessage
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil {
		err = a.run(r.Context(), chi.URLParam(r, "type"), chi.URLParam(r, "id"), chi.URLParam(r, "method"), func(ctx context.Context, act Actor) error {
			v, err := act.Invoke(ctx, chi.URLParam(r, "method"), data)
			if err != nil || v == nil {
				return err
			}
			result, err = json.Marshal(v)
			return err
		})
	}
	switch {
	case err == nil:
		writeJSON(w, reply{Data: result})
	case errors.Is(err, errNoType):
		http.Error(w, errNoType.Message, http.StatusNotFound)
	case r.Context().Err() != nil:
		w.WriteHeader(http.StatusServiceUnavailable) // nobody waits for it any more
	default:
		if fault.KindOf(err) == fault.Internal {
			a.opts.Log.ErrorContext(r.Context(), "turn failed", "type", chi.URLParam(r, "type"), "id", chi.URLParam(r, "id"), "method", chi.URLParam(r, "method"), "error", err)
		}
		writeJSON(w, refuse(err))
	}
}

func (a *Actors) serveRemind(w http.ResponseWriter, r *http.Request) {
	a.serveTick(w, r, "remind", func(ctx context.Context, act Actor, data []byte) error {
		if rem, ok := act.(Reminded); ok {
			return rem.Remind(ctx, chi.URLParam(r, "name"), data)
		}
		return ErrUnknownMethod
	})
}

func (a *Actors) serveTimer(w http.ResponseWriter, r *http.Request) {
	a.serveTick(w, r, "timer", func(ctx context.Context, act Actor, data []byte) error {
		if t, ok := act.(Timed); ok {
			return t.Timer(ctx, chi.URLParam(r, "name"), data)
		}
		return ErrUnknownMethod
	})
}

// serveTick runs the turn of a reminder or timer: 200, 404 for what the actor does not take, 500 to have it repeated.
func (a *Actors) serveTick(w http.ResponseWriter, r *http.Request, what string, do func(context.Context, Actor, []byte) error) {
	typ, id, tick := chi.URLParam(r, "type"), chi.URLParam(r, "id"), what+"/"+chi.URLParam(r, "name")
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil {
		err = a.run(r.Context(), typ, id, tick, func(ctx context.Context, act Actor) error { return do(ctx, act, data) })
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errNoType), errors.Is(err, ErrUnknownMethod):
		http.Error(w, "not found", http.StatusNotFound)
	default:
		a.opts.Log.ErrorContext(r.Context(), "turn failed", "type", typ, "id", id, "turn", tick, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (a *Actors) serveDeactivate(w http.ResponseWriter, r *http.Request) {
	err := a.deactivate(r.Context(), chi.URLParam(r, "type"), chi.URLParam(r, "id"))
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errNoType):
		http.Error(w, errNoType.Message, http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// writeJSON answers 200 with v. The results of others are encoded before; an extra member of a fault may still be no JSON: 500.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // the reader is gone: nobody to tell
}
