package load

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shopclient"
	"github.com/sidecart/sidecart/tools/internal/shopclient/shoptest"
)

func run(t *testing.T, s *shoptest.Shop, guests int, seed uint64) Report {
	t.Helper()
	c := shopclient.New(s.URL)
	c.Patience = 5 * time.Second
	r, err := Run(t.Context(), Options{Client: c, Guests: guests, Shoppers: 8, Seed: seed, Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGuestsBuyDeclineLeaveAndCancel(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	r := run(t, s, 300, 7)
	if r.Unexpected != 0 || r.Guests != 300 {
		t.Fatalf("%+v", r)
	}
	orders := s.Orders()
	if n := r.Outcomes["bought"]; n == 0 || n != orders["confirmed"] {
		t.Errorf("reported %v, the shop has %v", r.Outcomes, orders)
	}
	if n := r.Outcomes["cancelled"]; n == 0 || n != orders["cancelled"] {
		t.Errorf("reported %v, the shop has %v", r.Outcomes, orders)
	}
	if r.Outcomes["declined"] == 0 || r.Outcomes["left"] == 0 || len(r.Currencies) != 4 || len(r.Kinds) != len(kinds) {
		t.Errorf("outcomes %v, kinds %v, currencies %v", r.Outcomes, r.Kinds, r.Currencies)
	}
	for _, l := range r.Calls {
		if l.N == 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max {
			t.Errorf("latency %+v", l)
		}
	}
	var out strings.Builder
	r.Print(&out)
	if !strings.Contains(out.String(), "POST /v1/checkouts/{id}/complete") {
		t.Errorf("printed:\n%s", &out)
	}
}

func TestGuestsComeUntilItIsEnough(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	r, err := Run(t.Context(), Options{Client: shopclient.New(shoptest.New(t).URL), Guests: 4, Shoppers: 2, Seed: 3, Out: io.Discard,
		More: func() bool { return asked.Add(1) <= 6 }})
	if err != nil || r.Guests != 10 {
		t.Errorf("%d guests, %v", r.Guests, err)
	}
}

func TestSameSeedSameGuests(t *testing.T) {
	t.Parallel()
	a, b := run(t, shoptest.New(t), 60, 3), run(t, shoptest.New(t), 60, 3)
	if !reflect.DeepEqual(a.Kinds, b.Kinds) || !reflect.DeepEqual(a.Outcomes, b.Outcomes) || !reflect.DeepEqual(a.Currencies, b.Currencies) {
		t.Errorf("%v %v, then %v %v", a.Kinds, a.Outcomes, b.Kinds, b.Outcomes)
	}
	if c := run(t, shoptest.New(t), 60, 4); reflect.DeepEqual(a.Kinds, c.Kinds) && reflect.DeepEqual(a.Currencies, c.Currencies) {
		t.Errorf("another seed changes nothing: %v", c.Kinds)
	}
}

// Every call fails once after it was carried out, as when a service is killed: the guests repeat it with the same key and get
// one order each.
func TestOutlivesRestarts(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	var seen sync.Map
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		key := r.Header.Get("Idempotency-Key")
		if key == "" || !strings.HasSuffix(r.URL.Path, "/complete") {
			return false
		}
		if _, again := seen.LoadOrStore(key, true); again {
			return false
		}
		hijack(w)
		return true
	}
	r := run(t, s, 40, 5)
	if r.Unexpected != 0 {
		t.Fatalf("%+v", r)
	}
	if orders := s.Orders(); orders["confirmed"] != r.Outcomes["bought"] {
		t.Errorf("reported %v, the shop has %v", r.Outcomes, orders)
	}
}

// hijack breaks the connection without an answer.
func hijack(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestSoldOutIsNoFault(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path != "/v1/checkouts" {
			return false
		}
		answer(w, 409, "out-of-stock")
		return true
	}
	if r := run(t, s, 30, 1); r.Unexpected != 0 || r.Outcomes["out of stock"] == 0 || r.Outcomes["bought"] != 0 {
		t.Errorf("%+v", r)
	}
}

func answer(w http.ResponseWriter, status int, code string) {
	status, body := shoptest.Problem(status, code)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// What the shop must not do is found out: each of these shops does one thing wrong.
func TestWrongsAreFound(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*shoptest.Shop) func(http.ResponseWriter, *http.Request, []byte) bool{
		"an error of the server": func(*shoptest.Shop) func(http.ResponseWriter, *http.Request, []byte) bool {
			return func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if !strings.HasSuffix(r.URL.Path, "/payment-session") {
					return false
				}
				answer(w, 500, "internal")
				return true
			}
		},
		"a declined card buys": func(*shoptest.Shop) func(http.ResponseWriter, *http.Request, []byte) bool {
			return func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
				if !strings.Contains(string(body), badCard) {
					return false
				}
				w.WriteHeader(201)
				_, _ = io.WriteString(w, `{"id":"x"}`)
				return true
			}
		},
		"each click is an order": func(*shoptest.Shop) func(http.ResponseWriter, *http.Request, []byte) bool {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request, body []byte) bool {
				if !strings.HasSuffix(r.URL.Path, "/complete") || strings.Contains(string(body), badCard) {
					return false
				}
				w.WriteHeader(201)
				_, _ = io.WriteString(w, `{"id":"`+strings.Repeat("x", int(n.Add(1)))+`"}`)
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shoptest.New(t)
			s.Fault = fault(s)
			if r := run(t, s, 80, 2); r.Unexpected == 0 || len(r.Samples) == 0 {
				t.Errorf("nothing was noticed: %+v", r)
			}
		})
	}
}

func TestAnEmptyShopIsSaid(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	s.SKUs = nil
	_, err := Run(t.Context(), Options{Client: shopclient.New(s.URL), Guests: 1, Shoppers: 1, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "seed it first") {
		t.Errorf("got %v", err)
	}
}
