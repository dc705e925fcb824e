package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/limit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

func TestBought(t *testing.T) {
	t.Parallel()
	w := till(t)
	var got checkoutapi.CompleteInput
	var header http.Header
	w.mux.HandleFunc("POST checkout/v1/checkouts/{id}/complete", func(rw http.ResponseWriter, r *http.Request) {
		header = r.Header
		_ = json.NewDecoder(r.Body).Decode(&got)
		o := anOrder()
		o.AccessToken = token
		rw.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(rw).Encode(o)
	})
	resp, _ := w.do("POST", "/en-us/checkout/complete", completes(), withCheckout+"; __Host-giftcards=AAAABBBBCCCCDDDDEEEE")
	set := strings.Join(resp.Header["Set-Cookie"], "\n")
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/order/"+orderID {
		t.Error(resp.StatusCode, resp.Header)
	}
	for _, c := range []string{"__Host-order=" + orderID + "." + token, "__Host-checkout=;", "__Host-giftcards=;", "__Host-cart=;", "__Host-said=bought"} {
		if !strings.Contains(set, c) {
			t.Errorf("cookies lack %s:\n%s", c, set)
		}
	}
	if header.Get("Idempotency-Key") != formsKey || header.Get("X-Real-Ip") == "" || got.Nonce != "fake-valid-visa-nonce" || got.ExpectedTotal != usd(4849) || len(got.GiftCards) != 1 || got.Provider != "" {
		t.Errorf("%v %+v", header, got)
	}
	_, page := w.do("GET", "/en-us/order/"+orderID, nil, withOrder+"; __Host-said=bought")
	has(t, page, "Thank you for your order", "Order 1001", "$40.00")
	_, page = w.do("GET", "/en-us/order/"+orderID, nil, withOrder)
	lacks(t, page, "Thank you for your order", "<script>alert", "javascript:", token)
}

// Each answer of complete leads to what can be done.
func TestAnswersOfComplete(t *testing.T) {
	t.Parallel()
	lines := []checkoutapi.Warning{{SKU: "boot-42", Requested: 2, Available: 0}}
	for name, tc := range map[string]struct {
		refusal *fault.Fault
		status  int
		want    string // on the page, or where it leads
	}{
		"declined for funds":     {fault.New(fault.PaymentRequired, "payment-declined", "x").With("decline_code", "2001").With("retryable", true), 303, "not enough money"},
		"declined unknown":       {fault.New(fault.PaymentRequired, "payment-declined", "x").With("decline_code", script), 303, "use another way to pay"},
		"processor away":         {fault.New(fault.PaymentRequired, "payment-declined", "x").With("decline_code", "3000"), 303, "bank could not be reached"},
		"price changed":          {fault.New(fault.Conflict, "price-changed", "x").With("expected_total", usd(4849)).With("actual_total", usd(5000)), 303, "It was $48.49 and is now $50.00"},
		"out of stock":           {fault.New(fault.Conflict, "out-of-stock", "x").With("lines", lines), 409, "sold out"},
		"hold expired":           {fault.New(fault.Conflict, "hold-expired", "x").With("lines", lines), 409, "reservation had run out"},
		"limit":                  {fault.New(fault.Conflict, "quantity-limit", "x").With("lines", lines), 409, "at most"},
		"order refused":          {fault.New(fault.Conflict, "order-refused", "x"), 303, "cannot be placed as it is"},
		"other fee":              {fault.New(fault.Conflict, "payment-fee-differs", "x"), 303, "cannot be placed as it is"},
		"key reused":             {fault.New(fault.Invalid, "idempotency-key-reused", "x"), 303, "look at it again"},
		"card number":            {fault.New(fault.Invalid, "card-number-refused", "x"), 303, "cannot be placed as it is"},
		"provider not offered":   {fault.New(fault.Invalid, "payment-provider-not-offered", "x"), 303, "no longer offered"},
		"too fast":               {fault.New(fault.RateLimited, "rate-limited", "x"), 303, "wait a few seconds"},
		"away":                   {fault.New(fault.Unavailable, "unavailable", "x"), 303, "Nothing was charged"},
		"in progress":            {fault.New(fault.Conflict, "request-in-progress", "x"), 303, "/en-us/checkout/wait"},
		"nobody knows":           {fault.New(fault.Timeout, "timeout", "x"), 303, "/en-us/checkout/wait"},
		"completed":              {fault.New(fault.Conflict, "checkout-completed", "x"), 303, "/en-us/checkout"},
		"incomplete":             {fault.New(fault.Invalid, "checkout-incomplete", "x").With("missing", []string{"shipping_address"}), 303, "/en-us/checkout"},
		"expired":                {fault.New(fault.Gone, "checkout-expired", "x"), 303, "/en-us/cart"},
		"cancelled":              {fault.New(fault.Gone, "checkout-cancelled", "x"), 303, "/en-us/cart"},
		"another one's checkout": {fault.New(fault.NotFound, "checkout-not-found", "x"), 303, "/en-us/cart"},
		"a bug":                  {fault.New(fault.Internal, "internal", "x"), 500, "went wrong on our side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := till(t)
			w.refuses("POST checkout/v1/checkouts/{id}/complete", tc.refusal)
			resp, page := w.do("POST", "/en-us/checkout/complete", completes(), withCheckout)
			if resp.StatusCode != tc.status {
				t.Errorf("%d, want %d", resp.StatusCode, tc.status)
			}
			if tc.status == 303 && !strings.HasPrefix(tc.want, "/") { // the page says it once, and a reload sends nothing
				said := ""
				for _, c := range resp.Cookies() {
					if c.Name == saidCookie {
						said = c.Value
					}
				}
				if said == "" || resp.Header.Get("Location") != "/en-us/checkout" {
					t.Fatal(resp.Header)
				}
				resp, page = w.do("GET", "/en-us/checkout", nil, withCheckout+"; "+saidCookie+"="+said)
				if !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), saidCookie+"=;") {
					t.Error(resp.Header)
				}
			} else if tc.status == 303 {
				if resp.Header.Get("Location") != tc.want {
					t.Error(resp.Header)
				}
				return
			}
			has(t, page, tc.want)
			lacks(t, page, "<script>alert", formsKey)
			if tc.status != 500 {
				has(t, page, `name="key" value="`)
			}
			if w.count("POST checkout/v1/checkouts/"+checkoutID+"/complete") != 1 {
				t.Error("bought more than once:", w.calls)
			}
		})
	}
}

func TestWaitingForAnOrder(t *testing.T) {
	t.Parallel()
	co := aCheckout()
	co.Status = checkoutapi.StatusCompleting
	w := newWorld(t)
	w.mux.HandleFunc("POST checkout/v1/checkouts/{id}/complete", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "2")
		rw.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(rw).Encode(co)
	})
	if resp, _ := w.do("POST", "/en-us/checkout/complete", completes(), withCheckout); resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/checkout/wait" {
		t.Error(resp.StatusCode, resp.Header)
	}
	var status atomic.Value
	status.Store(co)
	w.mux.HandleFunc("GET checkout/v1/checkouts/{id}", func(rw http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(rw).Encode(status.Load()) })
	resp, page := w.do("GET", "/en-us/checkout/wait", nil, withCheckout)
	has(t, page, `http-equiv="refresh" content="2"`, `hx-get="/en-us/checkout/wait"`, `hx-swap="none"`, `<h1 tabindex="-1" data-focus>`, "do not order again") // what has the focus stays
	if resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
	if resp, _ := w.do("GET", "/en-us/checkout", nil, withCheckout); resp.Header.Get("Location") != "/en-us/checkout/wait" {
		t.Error(resp.StatusCode, resp.Header)
	}
	co.Status, co.Order = checkoutapi.StatusCompleted, &checkoutapi.OrderRef{ID: orderID, Number: "1001", AccessToken: token}
	status.Store(co)
	if resp, _ := w.do("GET", "/en-us/checkout/wait", nil, withCheckout, "HX-Request: true"); resp.StatusCode != 204 || resp.Header.Get("HX-Redirect") != "/en-us/order/"+orderID {
		t.Error(resp.StatusCode, resp.Header)
	}
	for _, path := range []string{"/en-us/checkout/wait", "/en-us/checkout"} { // the second tab, and the browser's back button
		if resp, _ := w.do("GET", path, nil, withCheckout); resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/order/"+orderID {
			t.Error(path, resp.StatusCode, resp.Header)
		}
	}
	open := aCheckout()
	status.Store(open)
	if resp, _ := w.do("GET", "/en-us/checkout/wait", nil, withCheckout); resp.Header.Get("Location") != "/en-us/checkout" || !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), "not-placed") {
		t.Error(resp.StatusCode, resp.Header)
	}
	for said, f := range map[string]checkoutapi.FailedAttempt{
		"declined:cvv": {Outcome: "declined", DeclineCode: "2010"}, "declined:other": {Outcome: "declined", DeclineCode: "new"}, "sold-out": {Outcome: "out_of_stock"}, "not-placed": {Outcome: "failed"},
	} {
		open.FailedAttempt = &f
		status.Store(open)
		resp, _ := w.do("GET", "/en-us/checkout/wait", nil, withCheckout, "HX-Request: true")
		if resp.Header.Get("HX-Redirect") != "/en-us/checkout" || !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), saidCookie+"="+said+";") {
			t.Errorf("of %+v is said: %v", f, resp.Header)
		}
	}
	open.Status = checkoutapi.StatusExpired
	status.Store(open)
	for _, path := range []string{"/en-us/checkout/wait", "/en-us/checkout"} {
		if resp, _ := w.do("GET", path, nil, withCheckout); resp.Header.Get("Location") != "/en-us/cart" {
			t.Error(path, resp.StatusCode, resp.Header)
		}
	}
}

// Forms without a key, with somebody else's total, or with a cookie that was made up never reach checkout.
func TestOddFormsBuyNothing(t *testing.T) {
	t.Parallel()
	w := till(t)
	for _, change := range []func(url.Values){
		func(f url.Values) { f.Del("key") }, func(f url.Values) { f.Set("key", strings.Repeat("x", 32)) }, func(f url.Values) { f.Set("total", "USD x") }, func(f url.Values) { f.Set("total", "DOLLARS 5") },
	} {
		form := completes()
		change(form)
		if resp, _ := w.do("POST", "/en-us/checkout/complete", form, withCheckout); resp.StatusCode != 303 {
			t.Error(resp.StatusCode)
		}
	}
	if resp, _ := w.do("POST", "/en-us/checkout/complete", completes(), "Cookie: __Host-checkout=../../v1/admin."+myCart); resp.StatusCode != 303 {
		t.Error(resp.StatusCode)
	}
	form := completes()
	form.Set("nonce", "")
	if resp, _ := w.do("POST", "/en-us/checkout/complete", form, withCheckout); resp.StatusCode != 303 {
		t.Error(resp.StatusCode)
	}
	_, page := w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-said=choose")
	has(t, page, "Choose a card or another way to pay", `href="#payment_method"`)
	_, page = w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-said=price:4849:"+strings.Repeat("9", 40))
	has(t, page, "The price has changed")
	if n := w.count("POST checkout/v1/checkouts/" + checkoutID + "/complete"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// A checkout that hangs keeps nobody waiting for ever: the page that asks again comes within its limit, and the cookie stays.
func TestCheckoutHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := till(t)
		hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		w.mux.HandleFunc("POST checkout/v1/checkouts/{id}/complete", hang)
		begun := time.Now()
		resp, _ := w.do("POST", "/en-us/checkout/complete", completes(), withCheckout)
		if took := time.Since(begun); resp.Header.Get("Location") != "/en-us/checkout/wait" || took > 20*time.Second || len(resp.Header["Set-Cookie"]) != 0 {
			t.Error(resp.StatusCode, resp.Header, took)
		}
		w.mux.HandleFunc("PATCH checkout/v1/checkouts/{id}", hang)
		begun = time.Now()
		resp, page := w.do("POST", "/en-us/checkout/address", url.Values{"shipping.country": {"US"}, "shipping.name": {"Ann"}, "billing": {"same"}}, withCheckout)
		if took := time.Since(begun); resp.StatusCode != 503 || took > 20*time.Second || !strings.Contains(page, `value="Ann"`) {
			t.Error(resp.StatusCode, took)
		}
	})
}

func TestServicesOfAPurchaseAreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away := fault.New(fault.Unavailable, "unavailable", "away")
	w.refuses("GET checkout/v1/checkouts/{id}", away)
	w.refuses("GET order/v1/orders/{id}", away)
	w.refuses("GET order/v1/orders/{id}/timeline", away)
	for _, path := range []string{"/en-us/checkout", "/en-us/order/" + orderID} {
		resp, page := w.do("GET", path, nil, withCheckout+"; "+strings.TrimPrefix(withOrder, "Cookie: "))
		if resp.StatusCode != 503 || len(resp.Header["Set-Cookie"]) != 0 {
			t.Error(path, resp.StatusCode, resp.Header)
		}
		has(t, page, "Your cart is safe")
	}
	if resp, _ := w.do("GET", "/en-us/checkout/wait", nil, withCheckout); resp.StatusCode != 200 { // it asks again
		t.Error(resp.StatusCode)
	}
	late := till(t)
	late.mux = http.NewServeMux()
	late.says("GET order/v1/orders/{id}", anOrder())
	if resp, page := late.do("GET", "/en-us/order/"+orderID, nil, withOrder); resp.StatusCode != 200 || !strings.Contains(page, "Order 1001") { // without its timeline
		t.Error(resp.StatusCode)
	}
}

func TestOnlyTheCardFormLoadsFromElsewhere(t *testing.T) {
	t.Parallel()
	w := till(t, func(c *Config) { c.Dropin = true })
	resp, page := w.do("GET", "/en-us/checkout", nil, withCheckout)
	has(t, page, dropinScript, `data-token="tok"`, "needs JavaScript")
	lacks(t, page, "fake-valid")
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "https://js.braintreegateway.com") || !strings.Contains(csp, "frame-src https://assets.braintreegateway.com") || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	for _, path := range []string{"/en-us/checkout?step=address", "/en-us/checkout?step=shipping", "/en-us/gift-card"} {
		resp, page := w.do("GET", path, nil, withCheckout)
		lacks(t, page, "braintreegateway")
		if csp := resp.Header.Get("Content-Security-Policy"); strings.Contains(csp, "https://") {
			t.Error(path, csp)
		}
	}
}

func TestGiftCardsAtThePayment(t *testing.T) {
	t.Parallel()
	w := till(t, func(c *Config) { c.Codes = limit.Rate{PerSecond: 0.001, Burst: 4} })
	const code = "AAAABBBBCCCCDDDDEEEE"
	w.mux.HandleFunc("POST payment"+paymentapi.PathGiftCardBalance, func(rw http.ResponseWriter, r *http.Request) {
		var in paymentapi.GiftCardCode
		_ = json.NewDecoder(r.Body).Decode(&in)
		if in.Code != code {
			httpx.WriteProblem(rw, r, fault.New(fault.NotFound, "gift-card-not-found", "x"))
			return
		}
		_ = json.NewEncoder(rw).Encode(paymentapi.GiftCardBalance{Balance: usd(1000)})
	})
	resp, _ := w.do("POST", "/en-us/checkout/gift-card", url.Values{"code": {"aaaa-bbbb-cccc-dddd-eeee"}}, withCheckout)
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/checkout" || !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), "__Host-giftcards="+code) {
		t.Error(resp.StatusCode, resp.Header)
	}
	_, page := w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-giftcards="+code+"~GONE")
	has(t, page, "Gift card … DEEEE", "$10.00", "Left to pay: <strong>$38.49", "· $48.49")
	lacks(t, page, code, "GONE")
	w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-giftcards="+code)
	if n := w.count("POST payment"); n != 2 { // each code once
		t.Errorf("balances were asked for %d times", n)
	}
	for i, want := range []string{"none", "none", "none", "many"} {
		code := "WRONG"
		if i == 0 {
			code = script
		}
		resp, _ := w.do("POST", "/en-us/checkout/gift-card", url.Values{"code": {code}}, withCheckout)
		if set := strings.Join(resp.Header["Set-Cookie"], ""); resp.StatusCode != 303 || !strings.Contains(set, "__Host-said=gift:"+want) || strings.Contains(set, "WRONG") {
			t.Errorf("try %d: %d %s", i, resp.StatusCode, set)
		}
	}
	for said, want := range map[string]string{"none": "We do not know this code", "many": "Too many tries", "off": "cannot be looked up", "other": "another currency", "full": "Remove one first"} {
		_, page := w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-said=gift:"+said)
		has(t, page, want, `id="code-fault"`)
	}
	resp, _ = w.do("POST", "/en-us/checkout/gift-card", url.Values{"code": {code}}, withCheckout+"; __Host-giftcards=A~B~C~D~E")
	if set := strings.Join(resp.Header["Set-Cookie"], ""); !strings.Contains(set, "__Host-said=gift:full") || strings.Contains(set, "__Host-giftcards") {
		t.Error("nobody is told that a sixth card is one too many:", resp.Header)
	}
	resp, _ = w.do("POST", "/en-us/checkout/gift-card", url.Values{"remove": {"0"}}, withCheckout+"; __Host-giftcards="+code)
	if !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), "__Host-giftcards=;") {
		t.Error(resp.Header)
	}
}

// A cookie may hold any code: trying codes by it is no faster than by the form. What is known is shown all the same, until it is paid with.
func TestCodesOfTheCookieAreCounted(t *testing.T) {
	t.Parallel()
	w := till(t, func(c *Config) { c.Codes = limit.Rate{PerSecond: 0.001, Burst: 4} })
	w.mux.HandleFunc("POST payment"+paymentapi.PathGiftCardBalance, func(rw http.ResponseWriter, r *http.Request) {
		var in paymentapi.GiftCardCode
		if _ = json.NewDecoder(r.Body).Decode(&in); in.Code == "MINE" {
			_ = json.NewEncoder(rw).Encode(paymentapi.GiftCardBalance{Balance: usd(1000)})
			return
		}
		httpx.WriteProblem(rw, r, fault.New(fault.NotFound, "gift-card-not-found", "x"))
	})
	w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-giftcards=MINE")
	for i := range 10 {
		n := strconv.Itoa(i)
		_, page := w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-giftcards=A"+n+"~B"+n+"~MINE")
		has(t, page, "Left to pay: <strong>$38.49")
		if i > 2 {
			has(t, page, "Gift card … A"+n, "cannot be looked up")
		}
	}
	if n := w.count("POST payment"); n != 4 {
		t.Errorf("%d codes were tried", n)
	}
	w.refuses("POST checkout/v1/checkouts/{id}/complete", fault.New(fault.PaymentRequired, "payment-declined", "no").With("decline_code", "gift-card-refused"))
	w.do("POST", "/en-us/checkout/complete", completes(), withCheckout+"; __Host-giftcards=MINE")
	_, page := w.do("GET", "/en-us/checkout", nil, withCheckout+"; __Host-giftcards=MINE")
	lacks(t, page, "$38.49") // it has to be asked for again
}

func TestBalanceOfAGiftCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Codes = limit.Rate{PerSecond: 0.001, Burst: 2} })
	until := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	w.says("POST payment"+paymentapi.PathGiftCardBalance, paymentapi.GiftCardBalance{Balance: money.New(2550, "EUR"), ExpiresAt: &until})
	w.shows(200, "/de-de/gift-card", "Guthaben der Geschenkkarte", "noindex")
	resp, page := w.do("POST", "/de-de/gift-card", url.Values{"code": {"aaaa-bbbb"}})
	has(t, page, "25,50", "1. März 2027")
	lacks(t, page, "AAAABBBB", "aaaa-bbbb")
	if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Error(resp.StatusCode, resp.Header)
	}
	for _, tc := range []struct {
		code   string
		status int
		want   string
	}{{" ", 422, "Geben Sie den Code"}, {"ok", 200, "25,50"}, {"ok", 429, "Zu viele Versuche"}} {
		resp, page := w.do("POST", "/de-de/gift-card", url.Values{"code": {tc.code}})
		if resp.StatusCode != tc.status {
			t.Error(tc, resp.StatusCode)
		}
		has(t, page, tc.want)
	}
	for want, f := range map[int]*fault.Fault{422: fault.New(fault.NotFound, "gift-card-not-found", "x"), 429: fault.New(fault.RateLimited, "rate-limited", "x"), 503: fault.New(fault.Unavailable, "unavailable", "x")} {
		w := newWorld(t)
		w.refuses("POST payment"+paymentapi.PathGiftCardBalance, f)
		if resp, _ := w.do("POST", "/en-us/gift-card", url.Values{"code": {"x"}}); resp.StatusCode != want {
			t.Error(resp.StatusCode, want)
		}
	}
}

// What is put into the cart in another window while the payment is shown is not left behind: nobody pays for less than what is in the cart.
func TestBuyingWhatHasGrown(t *testing.T) {
	t.Parallel()
	w := till(t)
	grown := aCheckout()
	grown.Totals.Total.Minor += 500
	w.says("POST checkout/v1/checkouts", grown)
	w.refuses("POST checkout/v1/checkouts/{id}/complete", fault.New(fault.Internal, "internal", "it must not be asked"))
	total := aCheckout().Totals.Total
	resp, _ := w.do("POST", "/en-us/checkout/complete", url.Values{"key": {strings.Repeat("a", 32)}, "total": {string(total.Currency) + " " + fmt.Sprint(total.Minor)},
		"provider": {view.ByCard}, "nonce": {"n"}}, withCheckout)
	if resp.Header.Get("Location") != "/en-us/checkout" || w.count("POST checkout/v1/checkouts/"+checkoutID+"/complete") != 0 {
		t.Error(resp.StatusCode, resp.Header, w.calls)
	}
}

// An answer that was lost is no lost order: whoever comes back by the cart, or begins another checkout, is led to it.
func TestAnOrderWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	done := aCheckout()
	done.Status, done.Order = checkoutapi.StatusCompleted, &checkoutapi.OrderRef{ID: "01900000-0000-7000-8000-000000000001", Number: "SC-1", AccessToken: strings.Repeat("b", 32)}
	other := strings.Repeat("c", 32)
	for _, status := range []string{checkoutapi.StatusCompleted, checkoutapi.StatusCompleting} {
		w := newWorld(t)
		co := done
		if co.Status = status; status == checkoutapi.StatusCompleting {
			co.Order = nil
		}
		w.says("GET checkout/v1/checkouts/{id}", co)
		closed := aCart("US", 1)
		closed.Status = "completed"
		w.says("GET cart/v1/carts/{id}", closed)
		if resp, _ := w.do("GET", "/en-us/cart", nil, withCheckout); resp.Header.Get("Location") != "/en-us/checkout" {
			t.Error("the cart of an order is shown as empty:", resp.StatusCode, resp.Header)
		}
		begun := aCheckout()
		begun.ID, begun.CartID = other, other
		w.says("POST checkout/v1/checkouts", begun)
		resp, _ := w.do("POST", "/en-us/checkout", url.Values{}, "Cookie: __Host-cart="+other+".USD.US.1; __Host-checkout="+checkoutID+"."+myCart)
		set := strings.Join(resp.Header["Set-Cookie"], "\n")
		switch {
		case status == checkoutapi.StatusCompleting && resp.Header.Get("Location") != "/en-us/checkout/wait":
			t.Error("another checkout begins while an order is being placed:", resp.Header)
		case status == checkoutapi.StatusCompleted && (resp.Header.Get("Location") != "/en-us/checkout" || !strings.Contains(set, done.Order.ID)):
			t.Error("the order is forgotten:", resp.Header)
		}
	}
}
