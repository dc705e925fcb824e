package shopclient_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shopclient"
	"github.com/sidecart/sidecart/tools/internal/shopclient/shoptest"
)

// away answers the first calls to a path with a status, then lets them through.
func away(times int64, status int, code string) func(http.ResponseWriter, *http.Request, []byte) bool {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		if n.Add(1) > times {
			return false
		}
		status, body := shoptest.Problem(status, code)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestRepeatsOnlyWhatMayBeRepeated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		key      string
		patience time.Duration
		ok       bool
	}{
		"away, with a key":             {503, "k", time.Minute, true},
		"too many, with a key":         {429, "k", time.Minute, true},
		"away, without a key":          {503, "", time.Minute, false},
		"away, without patience":       {503, "k", 0, false},
		"refused":                      {409, "k", time.Minute, false},
		"an error of the server's own": {500, "k", time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shoptest.New(t)
			s.Fault = away(2, c.status, "away")
			client := shopclient.New(s.URL)
			client.Patience = c.patience
			var cart struct{ ID string }
			err := client.Post(t.Context(), "/v1/carts", c.key, map[string]string{"currency": "USD"}, &cart)
			if (err == nil) != c.ok || (cart.ID != "") != c.ok {
				t.Errorf("got %q %v", cart.ID, err)
			}
			if !c.ok && !shopclient.Refused(err, "away") {
				t.Errorf("the problem is lost: %v", err)
			}
		})
	}
}

func TestABrokenContractIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"{", ""} {
		s := shoptest.New(t)
		var calls atomic.Int64
		s.Fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			calls.Add(1)
			_, _ = w.Write([]byte(answer))
			return true
		}
		client := shopclient.New(s.URL)
		client.Patience = time.Minute
		var out struct{}
		if err := client.Get(t.Context(), "/v1/products", &out); err == nil || !strings.Contains(err.Error(), "contract") || calls.Load() != 1 {
			t.Errorf("%q: %v after %d calls", answer, err, calls.Load())
		}
	}
}

func TestCompleteFollowsAnOpenOutcome(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	var answers atomic.Int64
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if !strings.HasSuffix(r.URL.Path, "/complete") {
			return false
		}
		w.Header().Set("Retry-After", "0")
		switch answers.Add(1) {
		case 1:
			w.WriteHeader(http.StatusAccepted)
		case 2:
			status, body := shoptest.Problem(http.StatusConflict, "request-in-progress")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		default:
			return false
		}
		return true
	}
	g := shopclient.Guest{Email: "a@example.com", Currency: "USD", Items: []shopclient.Item{{SKU: "a", Quantity: 1}}, Nonce: "fake-valid-nonce"}
	o, err := shopclient.New(s.URL).Buy(t.Context(), g)
	if err != nil || o.ID == "" || answers.Load() != 3 {
		t.Errorf("order %q, %v after %d answers", o.ID, err, answers.Load())
	}
}
