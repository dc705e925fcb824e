package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-chi/cors"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
)

// Public is the public listener's parts. Server must read no credentials of its own: the edge does.
type Public struct {
	Server   *httpx.Server
	Edge     Config
	Services *app.Services
	Ready    func(context.Context) map[string]error // of the gateway's own dependencies
	MediaDir string                                 // empty: no media
	Origins  []string                               // of CORS; empty: none
}

// writeTimeout bounds an answer, so that a client that does not read cannot hold it for ever. It is above all routes' time-outs.
const writeTimeout = 90 * time.Second

// Handler registers the public routes and returns what to listen with.
func Handler(p Public) http.Handler {
	e := newEdge(p.Edge)
	r := p.Server.Router()
	r.Handle("/v1/*", e.limited(e))
	r.Get("/media/*", e.limited(media{p.MediaDir}))
	r.Get("/openapi.json", e.limited(http.HandlerFunc(p.openAPI)))
	r.Get("/readyz", e.limited(http.HandlerFunc(p.readyz)))
	var h http.Handler = p.Server
	if len(p.Origins) > 0 {
		h = cors.New(cors.Options{
			AllowedOrigins: p.Origins,
			AllowedMethods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
			AllowedHeaders: []string{"Accept", "Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
				"Traceparent", "X-Api-Key", "X-Request-Id"},
			ExposedHeaders:     []string{"ETag", "Idempotency-Replayed", "Location", "Retry-After", "Traceparent", "X-Request-Id"},
			MaxAge:             600,
			OptionsPassthrough: true,
		}).Handler(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // where there is no connection there is no deadline
		h.ServeHTTP(w, r)
	})
}

func (p Public) openAPI(w http.ResponseWriter, r *http.Request) {
	spec, err := p.Services.Spec(r.Context())
	if err != nil {
		httpx.WriteProblem(w, r, err)
		return
	}
	h := w.Header()
	h.Set("ETag", spec.ETag)
	h.Set("Cache-Control", "public, max-age=60")
	if r.Header.Get("If-None-Match") == spec.ETag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(spec.Data) // a client that has gone is no news
}

// Readiness is the answer of /readyz. The gateway is ready when it can send: what a single service lacks is told and is no
// reason to take the whole shop from the net.
type Readiness struct {
	Status       string            `json:"status"` // "ready", "degraded" when a service is not ready, "not-ready" with 503
	Dependencies map[string]string `json:"dependencies"`
	Services     map[string]string `json:"services"`
}

// readyTimeout bounds the look at the gateway's own dependencies.
const readyTimeout = time.Second

func (p Public) readyz(w http.ResponseWriter, r *http.Request) {
	answer := Readiness{Status: "ready", Dependencies: map[string]string{}, Services: p.Services.States(r.Context())}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout) // not before: a service that hangs must not use it up
	defer cancel()
	status := http.StatusOK
	for _, state := range answer.Services {
		if state != app.Ready {
			answer.Status = "degraded"
		}
	}
	for name, err := range p.Ready(ctx) {
		answer.Dependencies[name] = "ok"
		if err != nil {
			answer.Dependencies[name] = "failed"
			answer.Status, status = "not-ready", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone is no news
}
