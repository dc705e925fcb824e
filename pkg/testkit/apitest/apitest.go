// Package apitest asks an HTTP handler as a client would and checks what it answers: statuses, problem documents, JSON.
//
// It talks to the handler without a socket, as the sidecar would: with the app token, the calling app's id and, if the test
// has one, a bearer token. An answer with a status that the OpenAPI document does not name for the route fails the test. A failed expectation ends the test with the whole answer.
package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
)

// Client asks a handler. Header goes with every request; With returns a client with more of them.
type Client struct {
	T       testing.TB
	Handler http.Handler
	Header  http.Header
}

// With returns a copy of the client that sends another header.
func (c Client) With(key, value string) Client {
	header := c.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(key, value)
	c.Header = header
	return c
}

// As returns a client that calls as this app, for internal routes.
func (c Client) As(appID string) Client { return c.With("dapr-caller-app-id", appID) }

// Staff returns a client with a token of a staff member who has these scopes.
func (c Client) Staff(signer *auth.Signer, scopes ...string) Client {
	c.T.Helper()
	token, err := signer.Mint(auth.Principal{Subject: "tester", Kind: auth.KindStaff, Scopes: scopes}, 5*time.Minute, time.Now())
	if err != nil {
		c.T.Fatal(err)
	}
	return c.With("Authorization", "Bearer "+token)
}

// Signer makes a key pair for a test: mint with the signer, give the verifier to the server.
func Signer(t testing.TB) (*auth.Signer, *auth.Verifier) {
	t.Helper()
	signer, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}}.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// Answer is what came back.
type Answer struct {
	t      testing.TB
	asked  string
	Status int
	Header http.Header
	Body   []byte
}

// Do asks. A body that is a string or []byte is sent as it is, nil sends none, anything else is encoded as JSON.
func (c Client) Do(method, path string, body any) *Answer {
	c.T.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			c.T.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	r := httptest.NewRequestWithContext(c.T.Context(), method, path, reader)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for key, values := range c.Header {
		r.Header[key] = values
	}
	w := httptest.NewRecorder()
	c.Handler.ServeHTTP(w, r)
	if s, ok := c.Handler.(*httpx.Server); ok && w.Code < 400 && !documented(s, method, r.URL.Path, w.Code) {
		c.T.Errorf("%s %s: the OpenAPI document says nothing of a %d", method, path, w.Code)
	}
	return &Answer{t: c.T, asked: method + " " + path, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

// documented reports whether the server's OpenAPI document names the status for the route. Routes that are not in it pass.
func documented(s *httpx.Server, method, path string, status int) bool {
	item := s.API().OpenAPI().Paths[s.Router().Find(chi.NewRouteContext(), method, path)]
	if item == nil {
		return true
	}
	op := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[method]
	return op == nil || op.Responses[strconv.Itoa(status)] != nil
}

// Want ends the test unless the status is this one.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: %d, want %d: %.2000s", a.asked, a.Status, status, a.Body)
	}
	return a
}

// JSON decodes the body into v.
func (a *Answer) JSON(v any) *Answer {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%s: %v: %.2000s", a.asked, err, a.Body)
	}
	return a
}

// Problem ends the test unless the answer is this problem document; it returns its members.
func (a *Answer) Problem(status int, code string) map[string]any {
	a.t.Helper()
	a.Want(status)
	var members map[string]any
	a.JSON(&members)
	if got, _ := members["type"].(string); !strings.HasSuffix(got, "/"+code) || a.Header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("%s: want the problem %s, got %s %.2000s", a.asked, code, a.Header.Get("Content-Type"), a.Body)
	}
	return members
}

// Locations returns where the faults of a 422 are, in the order of the document.
func Locations(problem map[string]any) (all []string) {
	faults, _ := problem["errors"].([]any)
	for _, f := range faults {
		if m, ok := f.(map[string]any); ok {
			location, _ := m["location"].(string)
			all = append(all, location)
		}
	}
	return all
}
