// Package app is a service small enough to see the runner through: it answers who it is, hosts an actor, keeps the
// events that it gets, and knows the sub-commands that every service has.
package app

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
)

// Poison is the data of an event that is never taken, Early that of one that comes too early seven times.
const (
	Poison = `"poison"`
	Early  = `"early"`
)

// App says what the service has beside its identity.
type App struct {
	ActorType string // "" hosts none
	Topic     string // "" subscribes to none
	Version   string // told by /whoami

	mu       sync.Mutex
	events   []string
	refusals int // deliveries of what was not taken
}

// Main runs the sub-command.
func (a *App) Main() {
	if len(os.Args) > 1 && os.Args[1] == "migrate" {
		if os.Getenv("SIDECART_DATABASE_URL") == "" {
			log.Fatal("no database")
		}
		fmt.Println("migrated")
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /dapr/config", a.config)
	mux.HandleFunc("GET /dapr/subscribe", a.subscribe)
	mux.HandleFunc("GET /whoami", a.whoami)
	mux.HandleFunc("PUT /actors/{type}/{id}/method/{method}", a.turn)
	mux.HandleFunc("DELETE /actors/{type}/{id}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /events", a.take)
	mux.HandleFunc("POST /dead", a.take)
	mux.HandleFunc("GET /events", a.list)
	log.Fatal(http.ListenAndServe(os.Getenv("SIDECART_HTTP_ADDR"), guard(mux)))
}

// guard lets nobody in without the app token, but health probes.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && r.Header.Get("dapr-api-token") != os.Getenv("APP_API_TOKEN") {
			http.Error(w, "no app token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *App) config(w http.ResponseWriter, _ *http.Request) {
	entities := []string{}
	if a.ActorType != "" {
		entities = append(entities, a.ActorType)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"entities": entities})
}

func (a *App) subscribe(w http.ResponseWriter, _ *http.Request) {
	subs := []map[string]any{}
	if a.Topic != "" {
		dead := a.Topic + ".dead." + os.Getenv("APP_ID")
		subs = append(subs,
			map[string]any{"pubsubname": "pubsub", "topic": a.Topic, "route": "/events", "deadLetterTopic": dead},
			map[string]any{"pubsubname": "pubsub", "topic": dead, "route": "/dead"})
	}
	_ = json.NewEncoder(w).Encode(subs)
}

func (a *App) whoami(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"pid": os.Getpid(), "app": os.Getenv("APP_ID"), "version": a.Version})
}

func (a *App) turn(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"actor": r.PathValue("id"), "method": r.PathValue("method"), "pid": os.Getpid()})
}

func (a *App) take(w http.ResponseWriter, r *http.Request) {
	var ev struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ev); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case string(ev.Data) == Poison && r.URL.Path == "/events":
		a.refusals++
		_, _ = w.Write([]byte(`{"status":"DROP"}`))
		return
	case string(ev.Data) == Early && a.refusals < 7:
		a.refusals++
		_, _ = w.Write([]byte(`{"status":"RETRY"}`))
		return
	}
	a.events = append(a.events, r.URL.Path+" "+string(ev.Data))
}

func (a *App) list(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"events": a.events, "refusals": a.refusals})
}
