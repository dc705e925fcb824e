package daprio

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
)

// service answers each call by its number, and counts.
type service struct {
	control string
	status  int
	padding int // bytes
	took    time.Duration
	asked   atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.asked.Add(1)
	select {
	case <-time.After(s.took):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	a := httptest.NewRecorder()
	a.Header().Set("Cache-Control", s.control)
	a.WriteHeader(max(s.status, 200))
	fmt.Fprintf(a, `{"n":%d,"padding":%q}`, n, strings.Repeat("x", s.padding))
	return a.Result(), nil
}

// get asks by k and returns the number of the call that answered.
func ask(t *testing.T, k *kept, path string) int64 {
	t.Helper()
	var out struct{ N int64 }
	if err := k.JSON(t.Context(), http.MethodGet, path, nil, &out); err != nil {
		t.Error(err)
	}
	return out.N
}

func TestWhatIsForEverybodyIsKept(t *testing.T) {
	t.Parallel()
	for control, keeps := range map[string]bool{
		"public, max-age=10": true, "max-age=10, Public": true, "private, max-age=10": false, "public": false, "public, max-age=0": false, "public, max-age=-1": false,
		"public, max-age=10, no-store": false, "max-age=10": false, "no-store": false, "": false, "public, max-age=99999999999999999999": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{control: control}
			k := newKept(daprkit.NewCaller(s, "search"), time.Now)
			ask(t, k, "/a")
			ask(t, k, "/b")
			time.Sleep(9 * time.Second) //nolint:forbidigo // the bubble's clock
			if n := ask(t, k, "/a"); (n == 1) != keeps {
				t.Errorf("%q: answered by call %d", control, n)
			}
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
			if n := ask(t, k, "/a"); n <= 2 {
				t.Errorf("%q: after its time answered by call %d", control, n)
			}
		})
	}
}

func TestManyAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{control: "no-store", took: time.Second}
		k := newKept(daprkit.NewCaller(s, "search"), time.Now)
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := k.JSON(first, http.MethodGet, "/a", nil, new(any)); err == nil {
				t.Error("who has gone got an answer")
			}
		})
		synctest.Wait()
		leave() // and the others get theirs
		for range 20 {
			all.Go(func() {
				if n := ask(t, k, "/a"); n != 1 {
					t.Errorf("answered by call %d", n)
				}
			})
		}
		all.Wait()
		if n := ask(t, k, "/a"); n != 2 {
			t.Errorf("what nobody may keep was kept: call %d", n)
		}
	})
}

func TestWhatIsRefusedIsNotKept(t *testing.T) {
	t.Parallel()
	s := &service{control: "public, max-age=10", status: 503}
	k := newKept(daprkit.NewCaller(s, "search"), time.Now)
	for range 2 {
		if err := k.JSON(t.Context(), http.MethodGet, "/a", nil, new(any)); fault.KindOf(err) != fault.Timeout {
			t.Errorf("%v", err)
		}
	}
	s.status = 200
	ask(t, k, "/a")
	if err := k.JSON(t.Context(), http.MethodPost, "/a", nil, new(any)); err != nil || s.asked.Load() != 4 {
		t.Errorf("%v, %d calls", err, s.asked.Load())
	}
}

func TestKeptAnswersHaveBounds(t *testing.T) {
	t.Parallel()
	const many, fit = 40, 10
	s := &service{control: "public, max-age=3600", padding: 10_000}
	k := newKept(daprkit.NewCaller(s, "search"), time.Now)
	k.room = (fit + 1) * 10_000
	for i := range many {
		ask(t, k, fmt.Sprint("/", i))
		ask(t, k, "/0") // which is asked for all the time
	}
	if s.asked.Load() != many || k.room < 0 || len(k.byPath) != k.order.Len() || len(k.byPath) != fit {
		t.Errorf("%d calls for %d, %d bytes of room, %d and %d answers", s.asked.Load(), many, k.room, len(k.byPath), k.order.Len())
	}
	s.padding = keptMost + 1
	ask(t, k, "/large")
	if k.find("/large") != nil {
		t.Error("an answer over the bound was kept")
	}
}
