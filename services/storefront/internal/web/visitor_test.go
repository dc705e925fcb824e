package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

func TestVisitorsHaveANameOnlyWhereRulesAreTested(t *testing.T) {
	t.Parallel()
	for _, tests := range []bool{false, true} {
		var pages *Shop
		w := newWorld(t, func(c *Config) { c.Tests = tests })
		pages = w.pages
		w.says("GET search/v1/products", searchapi.Products{})
		resp, _ := w.do("GET", "/en-us/c/shoes", nil)
		name := ""
		for _, c := range resp.Cookies() {
			if c.Name == visitorCookie && c.HttpOnly && c.Secure && c.MaxAge == 30*24*60*60 {
				name = c.Value
			}
		}
		if visitorName.MatchString(name) != tests || w.count("GET search/v1/products?") != 1 || strings.Contains(w.calls[len(w.calls)-1], "visitor="+name) != (tests && name != "") {
			t.Errorf("tests %v: the browser is called %q, asked %v", tests, name, w.calls)
		}
		if !tests {
			continue
		}
		if resp, _ := w.do("GET", "/en-us/c/shoes", nil, "Cookie: "+visitorCookie+"="+name); len(resp.Cookies()) != 0 {
			t.Error("it is named twice:", resp.Cookies())
		}
		var told []string
		w.mux.HandleFunc("POST search"+searchapi.PathInteractions, func(rw http.ResponseWriter, r *http.Request) {
			var in searchapi.Interaction
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			w.mu.Lock()
			told = append(told, fmt.Sprintf("%s %s %v %v", in.Type, in.OrderID, in.Value != nil, in.Visitor == name))
			w.mu.Unlock()
			rw.WriteHeader(204)
		})
		r := &http.Request{Header: http.Header{"Cookie": {visitorCookie + "=" + name}}}
		total := money.New(100, "USD")
		pages.did(r, "view", "", nil)
		pages.did(r, "order", "o", &total)
		pages.did(&http.Request{Header: http.Header{"Cookie": {visitorCookie + "=<x>"}}}, "view", "", nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- pages.Run(ctx) }()
		testkit.Eventually(t, testkit.Patience, func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.Equal(told, []string{"view  false true", "order o true true"}) {
				return fmt.Errorf("told %q", told)
			}
			return nil
		})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for range 2 * untold { // nobody tells it: nothing waits
			pages.did(r, "view", "", nil)
		}
	}
}
