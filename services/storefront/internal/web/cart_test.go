package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// carts answers for cart as it does: keys replay, ids are capabilities, closed carts refuse. A piece costs 10.
type carts struct {
	mu     sync.Mutex
	all    map[string]*cartapi.Cart
	known  map[string][]byte // answers by path and key
	lost   int               // so many changes are made whose answer is lost
	unsold map[string]string // SKUs that a currency has not
	both   string            // a SKU that none has
	away   bool
}

func newCarts(w *world) *carts {
	c := &carts{all: map[string]*cartapi.Cart{}, known: map[string][]byte{}, unsold: map[string]string{}}
	w.mux.Handle("cart/v1/carts/", c)
	w.mux.Handle("cart/v1/carts", c)
	return c
}

func (c *carts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	scope := r.Method + r.URL.Path + r.Header.Get("Idempotency-Key")
	body, ok := c.known[scope]
	if !ok || r.Header.Get("Idempotency-Key") == "" {
		out, err := c.answer(r)
		if err != nil {
			httpx.WriteProblem(w, r, err)
			return
		}
		body, _ = json.Marshal(out)
		c.known[scope] = body
		if r.Method != "GET" && c.lost > 0 {
			c.lost--
			httpx.WriteProblem(w, r, fault.New(fault.Timeout, "timeout", "the outcome is unknown"))
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (c *carts) answer(r *http.Request) (*cartapi.Cart, error) {
	if c.away {
		return nil, fault.New(fault.Unavailable, "unavailable", "away")
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/carts"), "/")
	if len(parts) == 1 {
		var in cartapi.CreateInput
		_ = json.NewDecoder(r.Body).Decode(&in)
		if len(r.Header.Get("Idempotency-Key")) < 32 {
			return nil, fault.New(fault.Malformed, "malformed", "short key")
		}
		made := &cartapi.Cart{ID: cartID(len(c.all) + 1), Status: "open", Currency: in.Currency, Country: in.Country}
		c.all[made.ID] = made
		return c.summed(made), nil
	}
	found := c.all[parts[1]]
	switch {
	case found == nil:
		return nil, fault.New(fault.NotFound, "cart-not-found", "no such cart")
	case r.Method == "GET":
		return c.summed(found), nil
	case found.Status != "open":
		return nil, fault.New(fault.Gone, "cart-"+found.Status, "closed")
	}
	return c.change(found, r, parts[2:])
}

func (c *carts) change(found *cartapi.Cart, r *http.Request, parts []string) (*cartapi.Cart, error) {
	var in struct {
		Lines      []cartapi.LineInput `json:"lines"`
		Quantity   int64               `json:"quantity"`
		Code       string              `json:"code"`
		FromCartID string              `json:"from_cart_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch {
	case parts[0] == "lines" && parts[1] == "batch":
		refusal := fault.New(fault.Invalid, "not-sellable", "not sold")
		for i, l := range in.Lines {
			if l.Quantity > 9999 {
				return nil, fault.New(fault.Conflict, "quantity-limit", "too many")
			}
			if c.unsold[l.SKU] == found.Currency || l.SKU == c.both {
				refusal = refusal.WithField(fmt.Sprintf("body.lines[%d].sku", i), "is not sold", l.SKU)
			}
		}
		if len(refusal.Fields) > 0 {
			return nil, refusal
		}
		for _, l := range in.Lines {
			add(found, l.SKU, l.Quantity)
		}
	case parts[0] == "lines":
		i := slices.IndexFunc(found.Lines, func(l cartapi.Line) bool { return l.ID == parts[1] })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "line-not-found", "no such line")
		}
		if found.Lines[i].Quantity = in.Quantity; in.Quantity == 0 {
			found.Lines = slices.Delete(found.Lines, i, i+1)
		}
	case parts[0] == "coupons" && r.Method == "POST":
		if strings.Contains(in.Code, " ") {
			return nil, fault.New(fault.Invalid, "validation-failed", "no code")
		}
		found.Coupons = append(found.Coupons, pricingapi.Coupon{Code: in.Code, Status: "applied"})
	case parts[0] == "coupons":
		found.Coupons = slices.DeleteFunc(found.Coupons, func(o pricingapi.Coupon) bool { return o.Code == parts[1] })
	case parts[0] == "merge":
		from := c.all[in.FromCartID]
		if from == nil {
			return nil, fault.New(fault.NotFound, "cart-not-found", "no such cart")
		}
		if from.Status != "open" {
			return nil, fault.New(fault.Gone, "cart-"+from.Status, "closed")
		}
		for _, l := range from.Lines {
			add(found, l.SKU, l.Quantity)
		}
		from.Status, from.Lines = "merged", nil
	}
	found.Version++
	return c.summed(found), nil
}

func add(c *cartapi.Cart, sku string, quantity int64) {
	if i := slices.IndexFunc(c.Lines, func(l cartapi.Line) bool { return l.SKU == sku }); i >= 0 {
		c.Lines[i].Quantity += quantity
		return
	}
	c.Lines = append(c.Lines, cartapi.Line{ID: "l-" + sku, SKU: sku, ProductID: "p-" + sku, Title: "The " + sku, Quantity: quantity, Availability: "in_stock"})
}

func (c *carts) summed(of *cartapi.Cart) *cartapi.Cart {
	cur := money.Currency(of.Currency)
	zero := money.Zero(cur)
	of.Totals = pricingapi.Totals{Subtotal: zero, Discount: zero, Shipping: zero, Tax: zero, TaxIncluded: cur == "EUR", Total: zero}
	for i := range of.Lines {
		l := &of.Lines[i]
		l.UnitPrice, l.Subtotal = money.New(1000, cur), money.New(1000*l.Quantity, cur)
		l.Total = l.Subtotal
		of.Totals.Subtotal.Minor += l.Subtotal.Minor
		of.Totals.Total.Minor += l.Total.Minor
	}
	return of
}

// jar is a browser's cookies.
type jar struct {
	w       *world
	cookies map[string]string
}

func (w *world) browser() *jar { return &jar{w, map[string]string{}} }

// tab is another tab that has the cookies that this one has now: what either is given later, the other one does not send yet.
func (j *jar) header() string {
	var all []string
	for name, value := range j.cookies {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return "Cookie: " + strings.Join(all, "; ")
}

func (j *jar) take(resp *http.Response) {
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			j.w.t.Errorf("cookie %+v", c)
		}
		if c.MaxAge < 0 {
			delete(j.cookies, c.Name)
		} else {
			j.cookies[c.Name] = c.Value
		}
	}
}

func (j *jar) do(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	j.w.t.Helper()
	resp, page := j.w.do(method, path, form, append(headers, j.header())...)
	j.take(resp)
	return resp, page
}

// post sends a form and follows to the page that it leads to.
func (j *jar) post(path string, form url.Values) string {
	j.w.t.Helper()
	resp, page := j.do("POST", path, form)
	if resp.StatusCode != 303 {
		j.w.t.Errorf("POST %s: %d\n%s", path, resp.StatusCode, page)
		return page
	}
	_, page = j.do("GET", resp.Header.Get("Location"), nil)
	return page
}

func (j *jar) wants(page string, texts ...string) {
	j.w.t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			j.w.t.Errorf("lacks %q:\n%s", s, page)
		}
	}
}

// has is what the carts of a shop hold: "US: A×2 B×1 | DE: C×1".
func (c *carts) has() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, cart := range c.all {
		var lines []string
		for _, l := range cart.Lines {
			lines = append(lines, fmt.Sprintf("%s×%d", l.SKU, l.Quantity))
		}
		slices.Sort(lines)
		if len(lines) > 0 {
			all = append(all, cart.Country+": "+strings.Join(lines, " "))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " | ")
}

func (c *carts) expect(t *testing.T, want string) {
	t.Helper()
	if got := c.has(); got != want {
		t.Errorf("carts have %q, want %q", got, want)
	}
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestAddToCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	page := b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "k1", "back", "/c/shoes"))
	b.wants(page, "The A", "is in your cart", "$20.00", `name="quantity"`, "2 items in your cart")
	if c := storefront.ParseCart(b.cookies[cartCookie]); c.Pieces != 2 || c.Currency != "USD" || c.Country != "US" {
		t.Errorf("cookie %q", b.cookies[cartCookie])
	}
	if strings.Contains(page, storefront.ParseCart(b.cookies[cartCookie]).ID) {
		t.Error("the page has the capability of the cart")
	}
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "k1")) // the same form again: a double click, or the way back
	shop.expect(t, "US: A×2")
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "1", "key", "k2"))
	b.post("/en-us/cart/lines", form("sku", "B", "key", "k2")) // the same page's form, of another variant
	shop.expect(t, "US: A×3 B×1")
	shop.lost = 2
	b.post("/en-us/cart/lines", form("sku", "C", "key", "k3")) // it was made, and the answer lost
	shop.lost = 0
	shop.expect(t, "US: A×3 B×1 C×1")
}

func TestAddWithScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	script := []string{"HX-Request: true", "HX-Target: added"}
	resp, part := b.do("POST", "/de-de/cart/lines", form("sku", "A", "quantity", "3", "key", "k"), script...)
	b.wants(part, "In den Warenkorb gelegt", "30,00", `href="/de-de/cart"`, `hx-swap-oob="true"`, "3 Artikel im Warenkorb")
	if resp.StatusCode != 200 || strings.Contains(part, "<html") {
		t.Error(resp.StatusCode, part)
	}
	shop.unsold["X"] = "EUR"
	resp, part = b.do("POST", "/de-de/cart/lines", form("sku", "X"), script...)
	b.wants(part, "kann in Ihrem Land gerade nicht gekauft werden", `role="alert"`)
	if resp.StatusCode != 422 {
		t.Error(resp.StatusCode)
	}
	shop.away = true
	if resp, _ = b.do("POST", "/de-de/cart/lines", form("sku", "B"), script...); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Error(resp.StatusCode)
	}
	shop.expect(t, "DE: A×3")
}

func TestDoubleClicksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 8 {
		wg.Go(func() {
			resp, _ := w.do("POST", "/en-us/cart/lines", form("sku", "A", "key", "one")) // none has a cookie yet
			mu.Lock()
			defer mu.Unlock()
			b.take(resp)
		})
	}
	wg.Wait()
	b.do("GET", "/en-us/cart", nil)
	shop.expect(t, "US: A×1")
}

// Two tabs that add something at once, without a cart so far, make two carts: the browser keeps one, and nothing is lost.
func TestTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	one, _ := w.do("POST", "/en-us/cart/lines", form("sku", "A", "key", "one"))
	two, _ := w.do("POST", "/en-us/cart/lines", form("sku", "B", "quantity", "2", "key", "two"))
	b.take(two)
	b.take(one)
	shop.expect(t, "US: A×1 | US: B×2")
	_, page := b.do("GET", "/en-us/cart", nil)
	b.wants(page, "The A", "The B", "3 items in your cart")
	shop.expect(t, "US: A×1 B×2")
	calls := w.count("POST cart/")
	b.do("GET", "/en-us/cart", nil)
	if n := w.count("POST cart/") - calls; n != 0 {
		t.Errorf("%d changes for looking again", n)
	}
	// A late answer puts the cart back that was merged meanwhile.
	b.take(one)
	_, page = b.do("GET", "/en-us/cart", nil)
	b.wants(page, "The A", "The B")
}

func TestCartsThatAreClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "key", "one"))
	first := storefront.ParseCart(b.cookies[cartCookie]).ID
	shop.all[first].Status = "completed"
	_, page := b.do("GET", "/en-us/cart", nil)
	b.wants(page, "Your cart is empty")
	if b.cookies[cartCookie] != "" {
		t.Error("an ordered cart is kept")
	}
	shop.all[first].Lines = nil
	b.cookies[cartCookie] = storefront.Cart{ID: first, Currency: "USD", Country: "US", Pieces: 1}.String()
	b.wants(b.post("/en-us/cart/lines", form("sku", "B", "key", "two")), "The B")
	b.cookies[cartCookie] = storefront.Cart{ID: strings.Repeat("f", 32), Currency: "USD", Country: "US", Pieces: 9}.String()
	delete(b.cookies, freshName(cartID(2)))
	b.wants(b.post("/en-us/cart/lines", form("sku", "C", "key", "three")), "The C", "1 item in your cart")
	shop.expect(t, "US: B×1 | US: C×1")
	for _, broken := range []string{"x", "..", strings.Repeat("a", 5000), `"><script>`} {
		b.cookies = map[string]string{cartCookie: broken, savedCookie: broken, freshCookie + "x": broken}
		if resp, _ := b.do("GET", "/en-us/cart", nil); resp.StatusCode != 200 {
			t.Errorf("%.20q: %d", broken, resp.StatusCode)
		}
	}
	if resp, page := w.do("GET", "/en-us/cart?note=added&item=p.1.A", nil); resp.StatusCode != 200 || !strings.Contains(page, "allow cookies") {
		t.Error("nothing is said of cookies that are not kept")
	}
}

func TestCartsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "1"))
	b.wants(b.post("/en-us/cart/lines/l-A", form("quantity", "2", "step", "1")), "3 items in your cart", "$30.00")
	b.wants(b.post("/en-us/cart/lines/l-A", form("quantity", "7")), "$70.00")
	for _, bad := range []string{"x", "-1", "10000", "1.5", "99999999999999999999"} {
		b.wants(b.post("/en-us/cart/lines/l-A", form("quantity", bad)), "whole number from 1")
	}
	b.wants(b.post("/en-us/cart/lines/none", form("quantity", "2")), "not in your cart any more")
	b.wants(b.post("/en-us/cart/lines/l-A/later", form()), "was saved for later", "Saved for later", "Your cart is empty")
	b.post("/en-us/cart/lines/l-A/later", form()) // the second of two clicks
	shop.expect(t, "")
	if s := storefront.ParseSaved(b.cookies[savedCookie]); len(s) != 1 || s[0] != (storefront.Item{Product: "p-A", SKU: "A", Quantity: 7}) {
		t.Error(s)
	}
	back := form("sku", "A", "key", "2")
	b.wants(b.post("/en-us/cart/saved", back), "is in your cart again", "$70.00")
	b.post("/en-us/cart/saved", back)
	shop.expect(t, "US: A×7")
	if b.cookies[savedCookie] != "" {
		t.Error("it is in both")
	}
	page := b.post("/en-us/cart/lines/l-A", form("quantity", "0"))
	b.wants(page, "was removed", "Undo")
	b.post("/en-us/cart/lines/l-A", form("quantity", "0"))
	b.wants(b.post("/en-us/cart/lines", form("sku", "A", "quantity", "7", "key", "3")), "$70.00")
	if resp, _ := b.do("POST", "/en-us/cart/lines", form("sku", "<x>")); resp.StatusCode != 400 {
		t.Error(resp.StatusCode)
	}
}

func TestCartEscapesAndWarns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	for _, sku := range []string{"A", "B", "C", "D", "E"} {
		b.post("/en-us/cart/lines", form("sku", sku, "quantity", "4", "key", "1"))
	}
	w.says("GET catalog/v1/products/p-B", catalogapi.Product{ID: "p-B", Slug: "bee", Title: "Bee " + script, Options: []catalogapi.Option{{Code: "c", Label: script}},
		Variants: []catalogapi.Variant{{SKU: "B", Options: map[string]string{"c": script}, Availability: catalogapi.Availability{Status: "low_stock", Available: 3}}, {SKU: "B2"}}})
	w.says("GET catalog/v1/products/p-C", catalogapi.Product{ID: "somebody else's"})
	lines := shop.all[cartID(1)].Lines
	off := []pricingapi.Discount{{PromotionID: script, Label: script, Amount: money.New(100, "USD")}}
	lines[0].Title, lines[0].ImageURL, lines[0].Discounts = script, "javascript:alert(1)", off
	lines[1].Availability, lines[2].Availability, lines[3].Unsellable, lines[4].Unsellable = "low_stock", "out_of_stock", "withdrawn", "no-price"
	shop.all[cartID(1)].Promotions = []pricingapi.Promotion{{ID: script, Label: script, Amount: money.New(100, "USD"), Explanation: script}}
	_, page := b.do("GET", "/en-us/cart?note=added&problem="+url.QueryEscape(script)+"&item="+url.QueryEscape(script)+"&back=//evil.example", nil)
	b.wants(page, `href="/en-us/p/bee?sku=B"`, "Only 3 can be had", "Sold out. Remove it", "We no longer sell this", "Not sold in your country", "Some items cannot be bought", `aria-disabled="true"`)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, `"javascript:`) || strings.Contains(page, "evil") {
		t.Error("what somebody stored is run:\n", page)
	}
	if strings.Contains(page, `action="/en-us/checkout"`) {
		t.Error("what cannot be bought leads to the checkout")
	}
	_, page = b.do("GET", "/de-de/cart", nil)
	b.wants(page, "20 Artikel liegen in Ihrem Warenkorb für USA (USD)", "Bee &lt;script&gt;")
}

func TestCoupons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Codes = limit.Rate{PerSecond: 0.1, Burst: 3} })
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "key", "1"))
	b.wants(b.post("/en-us/cart/coupons", form("code", "TEN")), "TEN", "Applied")
	resp, page := b.do("POST", "/en-us/cart/coupons", form("code", "no code"))
	b.wants(page, "letters, digits and hyphens only", `aria-invalid="true"`, `aria-describedby="code-fault"`, `value="no code"`, "TEN")
	if resp.StatusCode != 422 {
		t.Error(resp.StatusCode)
	}
	id := storefront.ParseCart(b.cookies[cartCookie]).ID
	missing, least := money.New(1250, "USD"), money.New(5000, "USD")
	shop.all[id].Coupons = append(shop.all[id].Coupons, pricingapi.Coupon{Code: "BIG", Status: "not_applicable", ReasonCode: "min-subtotal", Missing: &missing, Least: &least},
		pricingapi.Coupon{Code: "OLD", Status: "not_applicable", ReasonCode: "expired"}, pricingapi.Coupon{Code: "ODD", Status: "not_applicable", ReasonCode: "new", Reason: script})
	_, page = b.do("GET", "/en-us/cart", nil)
	b.wants(page, "Add $12.50 more to use BIG", `value="75"`, "This code has expired", "does not apply")
	if strings.Contains(page, "<script>alert") {
		t.Error("what somebody stored is run")
	}
	b.post("/en-us/cart/coupons/remove", form("code", "BIG"))
	if _, page = b.do("GET", "/en-us/cart", nil); strings.Contains(page, "BIG") {
		t.Error("it is still there")
	}
	b.do("POST", "/en-us/cart/coupons", form("code", "GUESS3"))
	resp, page = b.do("POST", "/en-us/cart/coupons", form("code", "GUESS4"))
	if b.wants(page, "many codes in a short time"); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "10" {
		t.Error(resp.StatusCode, resp.Header)
	}
}

func TestCartIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "3", "key", "1"))
	kept := b.cookies[cartCookie]
	shop.away = true
	for _, try := range []struct {
		method, path string
		form         url.Values
	}{
		{"GET", "/en-us/cart", nil},
		{"POST", "/en-us/cart/lines", form("sku", "B")},
		{"POST", "/en-us/cart/lines/l-A", form("quantity", "1")},
		{"POST", "/en-us/cart/lines/l-A/later", form()},
		{"POST", "/en-us/cart/coupons", form("code", "TEN")},
		{"POST", "/en-us/cart/coupons/remove", form("code", "TEN")},
	} {
		resp, page := b.do(try.method, try.path, try.form)
		b.wants(page, "cannot be shown for a moment", "3 items in your cart")
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || b.cookies[cartCookie] != kept {
			t.Errorf("%s %s: %d %v", try.method, try.path, resp.StatusCode, b.cookies)
		}
	}
}

func TestMarketsTakeTheCartAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "1"))
	b.post("/en-us/cart/lines", form("sku", "B", "key", "1"))
	b.post("/en-us/cart/coupons", form("code", "TEN"))
	before := maps.Clone(b.cookies)
	resp, _ := b.do("POST", "/en-us/market", form("language", "de", "place", "DE:EUR", "path", "/c/shoes"))
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/de-de/c/shoes" {
		t.Error(resp.StatusCode, resp.Header)
	}
	b.cookies, before = before, b.cookies
	b.do("POST", "/en-us/market", form("language", "de", "place", "DE:EUR", "path", "/c/shoes")) // the second of two clicks, with the cookies of the first
	b.cookies = before
	_, page := b.do("GET", "/de-de/cart", nil)
	b.wants(page, "The A", "The B", "TEN", "30,00", "3 Artikel im Warenkorb")
	shop.expect(t, "DE: A×2 B×1 | US: A×2 B×1") // of which the browser knows the first
	if all := storefront.ParseCarts(b.cookies[cartCookie]); len(all) != 1 || strings.Contains(page, "Hierher") {
		t.Error(all)
	}
	b.post("/de-de/market", form("language", "en", "place", "US:USD", "path", "/cart"))
	_, page = b.do("GET", "/en-us/cart", nil)
	b.wants(page, "The A", "$30.00", "3 items in your cart")
}

func TestMarketsThatDoNotSellAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	shop.unsold["B"], shop.unsold["C"] = "EUR", "EUR"
	b.post("/en-us/cart/lines", form("sku", "A", "quantity", "2", "key", "1"))
	b.post("/en-us/cart/lines", form("sku", "B", "key", "1"))
	b.post("/en-us/cart/lines", form("sku", "C", "key", "1"))
	first := storefront.ParseCarts(b.cookies[cartCookie])[0].ID
	shop.mu.Lock()
	shop.both = "C"
	shop.mu.Unlock()
	page := b.post("/en-us/market", form("language", "de", "place", "DE:EUR", "path", "/c/shoes"))
	b.wants(page, "The A", "In Deutschland nicht zu haben", "The B", "Für später gemerkt", "2 Artikel im Warenkorb")
	shop.all[first].Lines = nil
	shop.expect(t, "DE: A×2 | US: B×1")
	if s := storefront.ParseSaved(b.cookies[savedCookie]); len(s) != 1 || s[0].SKU != "C" {
		t.Error("what is sold nowhere any more is lost:", s)
	}
	b.wants(b.post("/de-de/cart/bring", form()), "In Deutschland nicht zu haben", "The B")
	shop.expect(t, "DE: A×2 | US: B×1")
	_, page = b.do("GET", "/en-us/cart", nil) // by a link, without the switch
	b.wants(page, "The B", "There are 2 items in your cart for Germany (EUR)", "Bring it here", "The A")
	b.wants(b.post("/en-us/cart/bring", form()), "came along", "$30.00")
	b.post("/en-us/cart/bring", form())
	_, page = b.do("GET", "/en-us/cart", nil)
	b.wants(page, "3 items in your cart", "$30.00")
}

func TestMarketsWhileCartIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, b := newCarts(w), w.browser()
	b.post("/en-us/cart/lines", form("sku", "A", "key", "1"))
	kept := b.cookies[cartCookie]
	shop.away = true
	if resp, _ := b.do("POST", "/en-us/market", form("language", "de", "place", "DE:EUR", "path", "/c/shoes")); resp.StatusCode != 303 || b.cookies[cartCookie] != kept {
		t.Error(resp.StatusCode, b.cookies)
	}
	if resp, _ := b.do("POST", "/de-de/cart/bring", form()); resp.StatusCode != 503 || b.cookies[cartCookie] != kept {
		t.Error(resp.StatusCode, b.cookies)
	}
	shop.away = false
	b.wants(b.post("/de-de/cart/bring", form()), "ist mitgekommen", "The A")
}

// cartID is the nth cart's.
func cartID(n int) string { return fmt.Sprintf("%08x%024x", n, n) }
