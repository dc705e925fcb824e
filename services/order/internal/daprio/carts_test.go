package daprio

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// handler is a transport to a handler in this process.
type handler struct{ http.Handler }

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// cartOf answers as cart does: it refuses all lines for the sake of some, names one kind of them at a time, and keeps what each key got.
func cartOf(t *testing.T, unknown, withdrawn []string) (http.Handler, *[]cartapi.BatchInput) {
	t.Helper()
	var taken []cartapi.BatchInput
	keys := map[string]string{}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request, status int, v any) {
		body, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		key := r.Header.Get("Idempotency-Key")
		if len(key) < 32 || keys[key] != "" && keys[key] != r.URL.Path {
			t.Errorf("key %q of %s is that of %s", key, r.URL.Path, keys[key])
		}
		keys[key] = r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
	mux.HandleFunc("POST /v1/carts", func(w http.ResponseWriter, r *http.Request) { answer(w, r, 201, map[string]string{"id": "c1"}) })
	mux.HandleFunc("POST /v1/carts/c1/lines/batch", func(w http.ResponseWriter, r *http.Request) {
		var in cartapi.BatchInput
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		for code, names := range map[string][]string{"unknown-sku": unknown, "not-sellable": withdrawn} {
			f := fault.New(fault.Invalid, code, "no")
			for _, l := range in.Lines {
				if slices.Contains(names, l.SKU) && (code == "unknown-sku" || !slices.ContainsFunc(in.Lines, func(l cartapi.LineInput) bool { return slices.Contains(unknown, l.SKU) })) {
					f = f.WithField("body.lines", "no", l.SKU)
				}
			}
			if len(f.Fields) > 0 {
				httpx.WriteProblem(w, r, f)
				return
			}
		}
		taken = append(taken, in)
		answer(w, r, 201, map[string]string{"id": "c1"})
	})
	return mux, &taken
}

// A channel in which nothing is sold any more keeps nobody from ordering again: the cart is of none then.
func TestACartOfAChannel(t *testing.T) {
	t.Parallel()
	for channel, want := range map[string]string{"app": "app", "closed": "", "": ""} {
		mux, _ := cartOf(t, nil, nil)
		var made []cartapi.CreateInput
		keys := map[string]bool{}
		c := Carts{Caller: daprkit.NewCaller(handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != pathCarts {
				mux.ServeHTTP(w, r)
				return
			}
			var in cartapi.CreateInput
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || keys[r.Header.Get("Idempotency-Key")] {
				t.Errorf("another request with the same key, or %v", err)
			}
			keys[r.Header.Get("Idempotency-Key")] = true
			if in.Channel == "closed" {
				httpx.WriteProblem(w, r, fault.New(fault.Invalid, "validation-failed", "no").WithField("body.channel", "is not a channel of this shop", in.Channel))
				return
			}
			made = append(made, in)
			mux.ServeHTTP(w, r)
		})}, "cart")}
		id, left, err := c.Fill(t.Context(), "key", cartapi.CreateInput{Currency: "USD", Country: "US", Channel: channel}, []orderapi.PlaceLine{{ID: "1", SKU: "a", Quantity: 1}})
		if err != nil || id != "c1" || len(left) != 0 || len(made) != 1 || made[0] != (cartapi.CreateInput{Currency: "USD", Country: "US", Channel: want}) {
			t.Errorf("%q: %q, %+v, %+v, %v", channel, id, left, made, err)
		}
	}
}

// What else cart refuses is refused: nothing is bought in another channel for it.
func TestACartThatIsRefused(t *testing.T) {
	t.Parallel()
	asked := 0
	c := Carts{Caller: daprkit.NewCaller(handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		httpx.WriteProblem(w, r, fault.New(fault.Invalid, "validation-failed", "no").WithField("body.currency", "is not sold in", "XAU"))
	})}, "cart")}
	_, _, err := c.Fill(t.Context(), "key", cartapi.CreateInput{Currency: "XAU", Country: "US", Channel: "app"}, []orderapi.PlaceLine{{ID: "1", SKU: "a", Quantity: 1}})
	if !names(err, "body.currency") || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestACartOfWhatIsStillSold(t *testing.T) {
	t.Parallel()
	lines := []orderapi.PlaceLine{{ID: "1", SKU: "a", Quantity: 1}, {ID: "2", SKU: "b", Quantity: 2, Metadata: json.RawMessage(`{"x":1}`)}, {ID: "3", SKU: "c", Quantity: 3}}
	for _, tc := range []struct {
		unknown, withdrawn []string
		cart               string
		left, sold         int
	}{{nil, nil, "c1", 0, 3}, {[]string{"a"}, []string{"c"}, "c1", 2, 1}, {[]string{"a", "b"}, []string{"c"}, "", 3, 0}} {
		mux, taken := cartOf(t, tc.unknown, tc.withdrawn)
		c := Carts{Caller: daprkit.NewCaller(handler{mux}, "cart")}
		id, left, err := c.Fill(t.Context(), "key", cartapi.CreateInput{Currency: "USD", Country: "US"}, lines)
		if err != nil || id != tc.cart || len(left) != tc.left || (tc.sold > 0) != (len(*taken) == 1) || tc.sold > 0 && len((*taken)[0].Lines) != tc.sold {
			t.Errorf("%v, %v: %q, %+v left, %+v taken, %v", tc.unknown, tc.withdrawn, id, left, *taken, err)
		}
	}
	away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteProblem(w, r, fault.New(fault.Unavailable, "unavailable", "away"))
	})
	if _, _, err := (Carts{Caller: daprkit.NewCaller(handler{away}, "cart")}).Fill(t.Context(), "key", cartapi.CreateInput{Currency: "USD", Country: "US"}, lines); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("cart is away: %v", err)
	}
}
