package chaos

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// Undisturbed the proxy is not there. Disturbed it loses requests, hears answers that nobody else does, and cuts some; what it passes
// on is what the shop said.
func TestProxy(t *testing.T) {
	t.Parallel()
	const body = `{"id":"a body that is long enough to be cut"}`
	var heard atomic.Int64
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard.Add(1)
		w.Header().Set("X-Path", r.URL.Path)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(shop.Close)
	p, err := listen(shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	ask := func() (whole bool) {
		resp, err := http.Post(p.URL()+"/v1/carts", "application/json", nil)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			return false
		}
		if string(got) != body || resp.StatusCode != http.StatusCreated || resp.Header.Get("X-Path") != "/v1/carts" {
			t.Errorf("%s %v %s", resp.Status, resp.Header, got)
		}
		return true
	}
	const calm, rough = 20, 60
	for range calm {
		if !ask() {
			t.Fatal("a request was lost without a disturbance")
		}
	}
	p.disturb(true)
	var through atomic.Int64
	var guests sync.WaitGroup
	for range rough { // at once: some are late
		guests.Go(func() {
			if ask() {
				through.Add(1)
			}
		})
	}
	guests.Wait()
	whole := int(through.Load())
	unheard := int(heard.Load()) - calm - whole // of what the shop heard the guest got nothing, or half
	if whole == 0 || whole == rough || unheard == 0 || int(heard.Load()) == calm+rough {
		t.Errorf("%d of %d came through, %d were answered in vain, the shop heard %d", whole, rough, unheard, heard.Load()-calm)
	}
	p.disturb(false)
	if !ask() {
		t.Error("the disturbance does not end")
	}
}
