package testkit

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Deliver posts a CloudEvent to an app as its sidecar does, with the app's token, and returns the answer. The delivery's deadline, by a
// clock that stands while the app works, is over before anything is tried a second time.
func Deliver(t *testing.T, app http.Handler, token, path, event string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(event))
		req.Header.Set("dapr-api-token", token)
		req.Header.Set("Content-Type", "application/cloudevents+json")
		app.ServeHTTP(w, req)
	})
	return w
}
