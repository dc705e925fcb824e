package daprkit

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Routes is what a service offers its sidecar. Nil members are offered as empty.
type Routes struct {
	AppID         string // own app id, for the names of the dead-letter topics
	AppToken      string // see RequireAppToken; Mount panics without one
	Subscriptions *Subscriptions
	Actors        *Actors
	Jobs          *Jobs
}

// Mount serves /dapr/config, /dapr/subscribe, /events/*, /actors/* and /job/* on r, behind RequireAppToken and not for other
// apps: they can reach any path of ours by invocation, but an event, a turn or a job is the sidecar's own. It panics when the app
// id or token is missing.
func Mount(r chi.Router, o Routes) {
	if o.AppID == "" || o.AppToken == "" {
		panic("daprkit: Mount needs the app id and the app token")
	}
	if o.Subscriptions == nil {
		o.Subscriptions = NewSubscriptions(PubSub, slog.Default())
	}
	if o.Actors == nil {
		o.Actors = NewActors(ActorOptions{})
	}
	if o.Jobs == nil {
		o.Jobs = NewJobs(nil)
	}
	r.Group(func(r chi.Router) {
		r.Use(RequireAppToken(o.AppToken), refuseInvocation)
		o.Subscriptions.mount(r, o.AppID)
		o.Actors.mount(r)
		o.Jobs.mount(r)
	})
}

// RequireAppToken lets only the own sidecar pass: it shows APP_API_TOKEN in the header dapr-api-token, and everybody else on the
// machine does not know it. An empty token lets nobody pass.
func RequireAppToken(token string) func(http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := sha256.Sum256([]byte(r.Header.Get(apiTokenHeader)))
			if token == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				http.Error(w, "unauthenticated", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// refuseInvocation hides a route from service invocation, which daprd marks with the app id of the callee; its own events, turns
// and jobs bear no such mark (and the caller's id is no sign: turns have one too).
func refuseInvocation(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("dapr-callee-app-id") != "" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
