package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func TestCrowdCallsWithEachNumberOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []int64
	next, times, err := crowd(t.Context(), 8, 100, 400, time.Hour, func(_ context.Context, n int64) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, n)
		return nil
	})
	slices.Sort(seen)
	if err != nil || next != 400 || len(times) != 300 || len(seen) != 300 || seen[0] != 100 || seen[299] != 399 || len(slices.Compact(seen)) != 300 {
		t.Errorf("%v: next %d, %d times, %d calls", err, next, len(times), len(seen))
	}
}

func TestCrowdEndsWithItsTimeOrTheFirstError(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	next, times, err := crowd(t.Context(), 4, 0, plenty, time.Millisecond, func(context.Context, int64) error { calls.Add(1); return nil })
	if err != nil || next != calls.Load() || int64(len(times)) != calls.Load() || next == 0 {
		t.Errorf("%v: next %d, %d times, %d calls", err, next, len(times), calls.Load())
	}
	broken := errors.New("broken")
	_, _, err = crowd(t.Context(), 4, 0, plenty, time.Hour, func(ctx context.Context, n int64) error {
		if n == 50 {
			return broken
		}
		return ctx.Err()
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// inventory keeps who holds what, as far as a caller's transport shows.
type inventory struct {
	mu    sync.Mutex
	held  map[string]inventoryapi.HoldRequest
	odd   []string
	every int // that many holds in, one is refused; 0: none
	asked int
}

func (s *inventory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, ok := strings.CutPrefix(r.URL.Path, inventoryapi.PathHolds)
	if !ok || r.URL.Host != "inventory" {
		s.odd = append(s.odd, r.Method+" "+r.URL.String())
	}
	switch r.Method {
	case http.MethodPut:
		s.asked++
		if s.every > 0 && s.asked%s.every == 0 {
			http.Error(w, "sold out", http.StatusConflict)
			return
		}
		var in inventoryapi.HoldRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			s.odd = append(s.odd, err.Error())
		}
		s.held[owner] = in
		fmt.Fprint(w, "{}")
	case http.MethodDelete:
		delete(s.held, owner)
		w.WriteHeader(http.StatusNoContent)
	}
}

// RoundTrip is the way to it, without sidecars.
func (s *inventory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func holderOf(s *inventory) *holder {
	s.held = map[string]inventoryapi.HoldRequest{}
	return newHolder(daprkit.NewCaller(s, "inventory"))
}

func TestHolderHoldsAndReleasesAsCheckoutDoes(t *testing.T) {
	t.Parallel()
	s := &inventory{}
	h := holderOf(s)
	if err := h.hold(t.Context(), 7, h.wish("SKU-1")); err != nil {
		t.Fatal(err)
	}
	got := s.held[h.owner(7)]
	if len(got.Lines) != 1 || got.Lines[0] != (inventoryapi.HoldLine{SKU: "SKU-1", Quantity: 1}) || !got.ExpiresAt.Equal(h.expires) || len(s.odd) > 0 {
		t.Errorf("held %+v, odd %q", s.held, s.odd)
	}
	if err := h.release(t.Context(), 7); err != nil || len(s.held) != 0 {
		t.Errorf("%v: %+v", err, s.held)
	}
	s.every = 2
	if err := h.hold(t.Context(), 8, h.wish("SKU-1")); err == nil {
		t.Error("a refusal is taken for a hold")
	}
}

func TestRushCountsOnlyHolds(t *testing.T) {
	t.Parallel()
	s := &inventory{every: 4}
	h := holderOf(s)
	next, o, err := h.rush(t.Context(), 10, 100*time.Millisecond, h.wish("SKU-1"))
	if err != nil {
		t.Fatal(err)
	}
	asked, held := float64(s.asked), float64(len(s.held))
	if o.operations != held || o.refused != (asked-held)/asked || float64(next-10) != asked || o.seconds < 0.1 || o.cpu < 0 || o.generator != "generator" {
		t.Errorf("asked %g, held %g, next %d, %+v", asked, held, next, o)
	}
	if asked >= 4 && len(o.notes) != 1 {
		t.Errorf("no refusal is shown: %q", o.notes)
	}
}

func TestPatientRepeatsALostAnswer(t *testing.T) {
	t.Parallel()
	tries := 0
	lost := func(context.Context, int64) error {
		if tries++; tries < 3 {
			return errors.New("lost")
		}
		return nil
	}
	if err := patient(lost)(t.Context(), 1); err != nil || tries != 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
	tries = -10
	if err := patient(lost)(t.Context(), 1); err == nil || tries != -7 {
		t.Errorf("%v after %d tries", err, tries+10)
	}
}
