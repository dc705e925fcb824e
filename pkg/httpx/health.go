package httpx

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
)

// healthz says that the process is alive, and nothing about what it depends on: a sidecar stops delivering on a no.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive", "service": s.config.Name, "version": s.config.Version})
}

// Readiness is the answer of /readyz. What exactly fails is in the log: the answer may be read by strangers.
type Readiness struct {
	Status       string            `json:"status"` // "ready" or "not-ready"
	Dependencies map[string]string `json:"dependencies"`
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	answer := Readiness{Status: "ready", Dependencies: map[string]string{}}
	status := http.StatusOK
	for name, err := range s.check(r.Context()) {
		answer.Dependencies[name] = "ok"
		if err != nil {
			answer.Dependencies[name] = "failed"
			answer.Status, status = "not-ready", http.StatusServiceUnavailable
			s.log.WarnContext(r.Context(), "dependency not ready", "dependency", name, "error", err)
		}
	}
	writeJSON(w, status, answer)
}

func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	spec, err := s.spec()
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(spec) // a client that has gone is no news
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is no news
}

//go:embed docs.html
var docsPage string

var docsTemplate = template.Must(template.New("docs").Parse(docsPage))

// Docs serves a page that shows the OpenAPI document at specURL, relative to the page. The page is one file: it loads
// nothing from another host.
func Docs(title, specURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		_ = docsTemplate.Execute(w, struct{ Title, Spec string }{title, specURL}) // a client that has gone is no news
	})
}
