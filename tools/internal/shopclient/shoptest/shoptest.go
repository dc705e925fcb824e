// Package shoptest is a shop in memory that answers the public API well enough for tests of those who call it: staff's writes
// are recorded, guests buy, repeated Idempotency-Keys are replayed, and faults can be put in front of any call.
package shoptest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Shop is the fake. Its fields may be set before it is called.
type Shop struct {
	URL string
	// SKUs are on offer in every currency.
	SKUs []string
	// Fault, if set, may answer a call itself and returns true then.
	Fault func(w http.ResponseWriter, r *http.Request, body []byte) bool
	// Refuse, if set, gives the errors of a product in a batch; none lets it in.
	Refuse func(p catalogapi.ProductInput) []catalogapi.BatchError

	mu        sync.Mutex
	writes    map[string][]byte // staff's, by method and path; of several the last
	calls     map[string]int
	products  map[string]string // external id → body
	stock     map[string]string // reference → body
	ledger    []movement        // the oldest first
	answers   map[string]answer // Idempotency-Key → answer
	carts     map[string]*cart
	checkouts map[string]*checkout
	orders    map[string]*order
	next      int
}

// The forms below have those members of the contracts' that callers look at; an amount without a currency is none.
type movement struct {
	SKU        string `json:"sku"`
	LocationID string `json:"location_id"`
	Kind       string `json:"kind"`
	OnHand     int64  `json:"on_hand_delta"`
	Reference  string `json:"reference"`
}

type totals struct {
	Total money.Amount `json:"total"`
}

type cart struct {
	ID       string            `json:"id"`
	Currency string            `json:"currency"`
	Lines    []shopclient.Item `json:"lines"`
	Totals   totals            `json:"totals"`
}

type checkout struct {
	ID     string            `json:"id"`
	Status string            `json:"status"`
	Lines  []shopclient.Item `json:"lines"`
	Totals totals            `json:"totals"`
	Order  *order            `json:"order,omitempty"`
	fee    bool
}

type order struct {
	ID          string            `json:"id"`
	Status      string            `json:"status"`
	AccessToken string            `json:"access_token"`
	Lines       []shopclient.Item `json:"lines"`
	Totals      totals            `json:"totals"`
}

type answer struct {
	status int
	body   string
}

// New starts a shop that ends with the test.
func New(t testing.TB) *Shop {
	s := &Shop{SKUs: []string{"a", "b", "c"}, writes: map[string][]byte{}, calls: map[string]int{}, products: map[string]string{}, stock: map[string]string{},
		answers: map[string]answer{}, carts: map[string]*cart{}, checkouts: map[string]*checkout{}, orders: map[string]*order{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Written returns what staff last sent to a path ("PUT /v1/admin/brands/x"), or nil.
func (s *Shop) Written(call string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes[call]
}

// Calls returns how often a call was made whose method and path begin so.
func (s *Shop) Calls(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for call, times := range s.calls {
		if strings.HasPrefix(call, prefix) {
			n += times
		}
	}
	return n
}

// Changes counts what changed the shop: products written or changed, stock booked, orders made.
func (s *Shop) Changes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d products, %d bookings, %d orders", len(s.products), len(s.stock), len(s.orders))
}

// Stock returns what was received of each SKU.
func (s *Shop) Stock() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int64{}
	for _, m := range s.ledger {
		n[m.SKU] += m.OnHand
	}
	return n
}

// Orders returns the orders by status.
func (s *Shop) Orders() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, o := range s.orders {
		n[o.Status]++
	}
	return n
}

// ServeHTTP answers.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if s.Fault != nil && s.Fault(w, r, body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[r.Method+" "+r.URL.Path]++
	key := r.Header.Get("Idempotency-Key")
	if a, ok := s.answers[r.URL.Path+key]; ok && key != "" {
		send(w, a)
		return
	}
	a := s.answer(r, body)
	if key != "" && a.status < 500 {
		s.answers[r.URL.Path+key] = a
	}
	send(w, a)
}

func send(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func reply(status int, v any) answer {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return answer{status: status, body: string(raw)}
}

// Problem is a refusal.
func Problem(status int, code string) (int, string) {
	return status, fmt.Sprintf(`{"type":"https://sidecart.dev/problems/%s","status":%d,"detail":"no"}`, code, status)
}

func problem(status int, code string) answer {
	status, body := Problem(status, code)
	return answer{status, body}
}

func (s *Shop) answer(r *http.Request, body []byte) answer {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/admin/"):
		return s.staff(r, body)
	case r.URL.Path == "/v1/products":
		return s.listing(r.URL.Query().Get("currency"))
	case parts[1] == "carts":
		return s.cart(parts, body)
	case parts[1] == "checkouts":
		return s.checkout(r.Method, parts, body)
	case parts[1] == "orders":
		return s.order(r.Method, parts)
	}
	return problem(404, "not-found")
}

func (s *Shop) staff(r *http.Request, body []byte) answer {
	if r.Header.Get("Authorization") == "" {
		return problem(401, "unauthenticated")
	}
	call := r.Method + " " + r.URL.Path
	s.writes[call] = body
	switch call {
	case "POST /v1/admin/products/batch":
		return s.batch(body)
	case "POST /v1/admin/stock/receive":
		return s.receive(body)
	case "GET /v1/admin/stock/ledger":
		return s.movements(r.URL.Query().Get("sku"), r.URL.Query().Get("cursor"))
	case "GET /v1/admin/locations":
		return answer{200, `{"items":[{"id":"eu-west"},{"id":"us-east"}]}`}
	}
	return answer{204, ""}
}

func (s *Shop) receive(body []byte) answer {
	var in inventoryapi.StockInput
	_ = json.Unmarshal(body, &in)
	was, known := s.stock[in.Reference]
	switch {
	case known && was != string(body):
		return problem(409, "reference-used")
	case !known:
		s.stock[in.Reference] = string(body)
		for _, l := range in.Lines {
			s.ledger = append(s.ledger, movement{l.SKU, l.LocationID, "receive", l.Quantity, in.Reference})
		}
	}
	return answer{200, `{}`}
}

// movements lists those of a SKU, the newest first, one on each page.
func (s *Shop) movements(sku, cursor string) answer {
	before := len(s.ledger)
	if cursor != "" {
		before, _ = strconv.Atoi(cursor)
	}
	for i, m := range slices.Backward(s.ledger[:before]) {
		if m.SKU == sku {
			return reply(200, map[string]any{"items": []movement{m}, "next_cursor": strconv.Itoa(i)})
		}
	}
	return reply(200, map[string]any{"items": []movement{}, "next_cursor": nil})
}

func (s *Shop) batch(body []byte) answer {
	var in catalogapi.BatchInput
	if err := json.Unmarshal(body, &in); err != nil {
		return problem(400, "malformed")
	}
	var out catalogapi.BatchResult
	for _, item := range in.Items {
		var p catalogapi.ProductInput
		res := catalogapi.BatchItemResult{Row: item.Row, Outcome: catalogapi.BatchCreated}
		if err := json.Unmarshal(item.Product, &p); err != nil {
			res.Errors = []catalogapi.BatchError{{Location: "body", Message: err.Error()}}
		} else if s.Refuse != nil {
			res.Errors = s.Refuse(p)
		}
		was, known := s.products[p.ExternalID]
		switch {
		case len(res.Errors) > 0:
			res.Outcome = catalogapi.BatchRefused
		case known && was == string(item.Product):
			res.Outcome = catalogapi.BatchUnchanged
		case known:
			res.Outcome = catalogapi.BatchUpdated
		}
		if res.Outcome != catalogapi.BatchRefused {
			res.ProductID = "id of " + p.ExternalID
			s.products[p.ExternalID] = string(item.Product)
		}
		out.Items = append(out.Items, res)
	}
	return reply(200, out)
}

func (s *Shop) id() string {
	s.next++
	return fmt.Sprintf("%032x", s.next)
}

func (s *Shop) listing(currency string) answer {
	items := []any{}
	if len(s.SKUs) > 0 {
		items = append(items, map[string]any{"price": money.New(1000, money.Currency(currency)), "skus": s.SKUs})
	}
	return reply(200, map[string]any{"items": items, "next_cursor": nil})
}

func (s *Shop) cart(parts []string, body []byte) answer {
	if len(parts) == 2 {
		c := &cart{ID: s.id()}
		_ = json.Unmarshal(body, c)
		c.Totals.Total = money.Zero(money.Currency(c.Currency))
		s.carts[c.ID] = c
		return reply(201, c)
	}
	c := s.carts[parts[2]]
	if c == nil {
		return problem(404, "cart-not-found")
	}
	if parts[3] == "lines" {
		var l shopclient.Item
		_ = json.Unmarshal(body, &l)
		c.Lines = append(c.Lines, l)
		c.Totals.Total.Minor += 1000 * l.Quantity
	}
	return reply(201, c)
}

func (s *Shop) checkout(method string, parts []string, body []byte) answer {
	if len(parts) == 2 {
		var in checkoutapi.CreateInput
		_ = json.Unmarshal(body, &in)
		c := s.carts[in.CartID]
		if c == nil {
			return problem(404, "cart-not-found")
		}
		co := &checkout{ID: s.id(), Status: checkoutapi.StatusOpen, Lines: c.Lines, Totals: c.Totals}
		s.checkouts[co.ID] = co
		return reply(201, co)
	}
	co := s.checkouts[parts[2]]
	switch {
	case co == nil:
		return problem(404, "checkout-not-found")
	case method == http.MethodDelete:
		co.Status = checkoutapi.StatusCancelled
		return answer{204, ""}
	case len(parts) == 3:
		return reply(200, co)
	case parts[3] == "shipping-options":
		return reply(200, map[string]any{"items": []any{map[string]any{"id": "standard"}}})
	case parts[3] == "complete":
		return s.complete(co, body)
	}
	return co.session(body)
}

// session lets euros be paid on delivery, for 3.00.
func (co *checkout) session(body []byte) answer {
	var in checkoutapi.PaymentSessionInput
	_ = json.Unmarshal(body, &in)
	fee := money.New(300, co.Totals.Total.Currency)
	switch {
	case in.Provider == "":
		return reply(200, map[string]any{"provider": "braintree"})
	case fee.Currency != "EUR":
		return problem(422, "payment-provider-not-offered")
	case !co.fee:
		co.fee = true
		co.Totals.Total.Minor += fee.Minor
	}
	return reply(200, checkoutapi.PaymentSession{Amount: co.Totals.Total, Fee: fee})
}

func (s *Shop) complete(co *checkout, body []byte) answer {
	var in checkoutapi.CompleteInput
	_ = json.Unmarshal(body, &in)
	switch {
	case co.Order != nil:
		return problem(409, "checkout-completed")
	case strings.Contains(in.Nonce, "declined"):
		return problem(402, "payment-declined")
	case !in.ExpectedTotal.Equal(co.Totals.Total):
		return problem(409, "price-changed")
	}
	o := &order{ID: s.id(), Status: "confirmed", AccessToken: "token", Lines: co.Lines, Totals: co.Totals}
	s.orders[o.ID] = o
	co.Status, co.Order = checkoutapi.StatusCompleted, o
	return reply(201, o)
}

func (s *Shop) order(method string, parts []string) answer {
	o := s.orders[parts[2]]
	if o == nil {
		return problem(404, "order-not-found")
	}
	if method == http.MethodPost {
		o.Status = "cancelled"
	}
	return reply(200, o)
}
