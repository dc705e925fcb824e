package web

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func TestOrderPage(t *testing.T) {
	t.Parallel()
	w := till(t)
	resp, page := w.do("GET", "/en-us/order/"+orderID, nil, withOrder)
	has(t, page, "Order 1001", "Order confirmed", "Paid", "Moved on", "Invoice (PDF)", "Cancel this order", "Buy again", "on its way", "United States")
	lacks(t, page, "<script>alert", `href="javascript`, token)
	if h := resp.Header; resp.StatusCode != 200 || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Robots-Tag") != "noindex" {
		t.Error(resp.StatusCode, resp.Header)
	}
	_, page = w.do("GET", "/de-de/order/"+orderID, nil, withOrder)
	has(t, page, "Bestellung bestätigt", "Bezahlt", `lang="de-DE"`)
}

// Whoever has no token sees the same of an order that is there and of one that is not.
func TestOrdersOfOthers(t *testing.T) {
	t.Parallel()
	w := till(t)
	w.mux = http.NewServeMux()
	w.refuses("GET order/v1/orders/{id}", fault.New(fault.NotFound, "order-not-found", "x"))
	w.refuses("GET order/v1/orders/{id}/timeline", fault.New(fault.NotFound, "order-not-found", "x"))
	const other = "0198f000-0000-7000-8000-000000000001"
	for _, path := range []string{"/en-us/order/" + other, "/en-us/order/" + orderID, "/en-us/order/x", "/en-us/order/" + other + "?access_token=x", "/en-us/order/" + orderID + "?access_token=" + token,
		"/en-us/order/" + other + "/invoice"} {
		resp, page := w.do("GET", path, nil, withOrder)
		if resp.StatusCode != 404 {
			t.Error(path, resp.StatusCode)
		}
		has(t, page, "We cannot show this order here")
	}
	for _, path := range []string{"/cancel", "/again"} {
		if resp, _ := w.do("POST", "/en-us/order/"+other+path, url.Values{"reason": {"0"}, "sure": {"yes"}}, withOrder); resp.StatusCode != 404 {
			t.Error(path, resp.StatusCode)
		}
	}
	if n := w.count("POST order"); n != 0 {
		t.Error(w.calls)
	}
}

func TestLinkWithAToken(t *testing.T) {
	t.Parallel()
	w := till(t)
	resp, _ := w.do("GET", "/en-us/order/"+orderID+"?access_token="+token, nil)
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/en-us/order/"+orderID || !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), "__Host-order="+orderID+"."+token) ||
		resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Error(resp.StatusCode, resp.Header)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := till(t)
	var keys, bodies []string
	w.mux.HandleFunc("POST order/v1/orders/{id}/cancel", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		keys, bodies = append(keys, r.Header.Get("Idempotency-Key")), append(bodies, string(b))
		_, _ = io.WriteString(rw, `{"status":"cancelled"}`)
	})
	path := "/de-de/order/" + orderID + "/cancel"
	for _, form := range []url.Values{{}, {"reason": {"0"}}, {"sure": {"yes"}}, {"reason": {"99"}, "sure": {"yes"}}} {
		resp, page := w.do("POST", path, form, withOrder)
		if resp.StatusCode != 422 {
			t.Error(form, resp.StatusCode)
		}
		has(t, page, "Wählen Sie einen Grund")
	}
	form := url.Values{"reason": {"1"}, "sure": {"yes"}, "key": {formsKey}}
	for range 2 {
		resp, _ := w.do("POST", path, form, withOrder)
		if resp.StatusCode != 303 || resp.Header.Get("Location") != "/de-de/order/"+orderID || !strings.Contains(strings.Join(resp.Header["Set-Cookie"], ""), "__Host-said=cancelled") {
			t.Error(resp.StatusCode, resp.Header)
		}
	}
	if len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" || bodies[0] != `{"reason":"I ordered by mistake"}` {
		t.Error(keys, bodies)
	}
	_, page := w.do("GET", "/de-de/order/"+orderID, nil, withOrder+"; __Host-said=cancelled")
	has(t, page, "Ihre Bestellung ist storniert.")
	late := till(t)
	late.refuses("POST order/v1/orders/{id}/cancel", fault.New(fault.Conflict, "transition-forbidden", "x"))
	resp, page := late.do("POST", "/en-us/order/"+orderID+"/cancel", form, withOrder)
	if resp.StatusCode != 409 {
		t.Error(resp.StatusCode)
	}
	has(t, page, "can no longer be cancelled")
}

// Whoever pays when the parcel comes has paid nothing before, though order says that the money is captured.
func TestCashOnDelivery(t *testing.T) {
	t.Parallel()
	for status, paid := range map[string]bool{"confirmed": false, "picking": false, "shipped": false, "delivered": true} {
		w := newWorld(t)
		o := anOrder()
		o.Status, o.Totals.PaymentFee = status, usd(300)
		w.says("GET order/v1/orders/{id}", o)
		w.says("GET order/v1/orders/{id}/timeline", map[string]any{})
		_, page := w.do("GET", "/de-de/order/"+orderID, nil, withOrder)
		if strings.Contains(page, "<p>Bezahlt</p>") != paid || strings.Contains(page, "Sie zahlen beim Zusteller") == paid || strings.Contains(page, "den ganzen Betrag") {
			t.Errorf("%s:\n%s", status, page)
		}
	}
}

func TestBuyAgain(t *testing.T) {
	t.Parallel()
	w := till(t)
	w.says("POST order/v1/orders/{id}/reorder", orderapi.Reordered{CartID: myCart, LeftOut: []orderapi.LeftOut{{Title: script, Reason: "unknown-sku"}}})
	w.says("GET cart/v1/carts/{id}", aCart("DE", 3))
	resp, _ := w.do("POST", "/en-us/order/"+orderID+"/again", url.Values{"key": {formsKey}}, withOrder)
	set := strings.Join(resp.Header["Set-Cookie"], "\n")
	if resp.StatusCode != 303 || !strings.HasSuffix(resp.Header.Get("Location"), "/cart") || !strings.Contains(set, myCart) || !strings.Contains(set, "__Host-said=left-out") {
		t.Error(resp.StatusCode, resp.Header)
	}
	none := till(t)
	none.says("POST order/v1/orders/{id}/reorder", orderapi.Reordered{LeftOut: []orderapi.LeftOut{{Title: script, Reason: "unknown-sku"}}})
	resp, page := none.do("POST", "/en-us/order/"+orderID+"/again", url.Values{}, withOrder)
	if resp.StatusCode != 409 {
		t.Error(resp.StatusCode)
	}
	has(t, page, "no longer sold")
	lacks(t, page, "<script>alert")
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	w := till(t)
	w.mux.HandleFunc("GET order/v1/orders/{id}/invoice", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("access_token") != token {
			t.Error(r.URL)
		}
		rw.Header().Set("Content-Type", "application/pdf")
		rw.Header().Set("Content-Disposition", `inline; filename="INV-1.pdf"`)
		_, _ = io.WriteString(rw, "%PDF-1.7")
	})
	resp, body := w.do("GET", "/en-us/order/"+orderID+"/invoice", nil, withOrder)
	if h := resp.Header; resp.StatusCode != 200 || body != "%PDF-1.7" || h.Get("Content-Type") != "application/pdf" || h.Get("Content-Disposition") != `inline; filename="INV-1.pdf"` || h.Get("Cache-Control") != "no-store" {
		t.Error(resp.StatusCode, h, body)
	}
	for disposition, want := range map[string]string{`inline; filename="a";b="c"`: "x.pdf", "": "x.pdf", `inline; filename="../a"`: "x.pdf", `inline; filename="RE-5.pdf"`: "RE-5.pdf"} {
		if got := invoiceName(disposition, "x"); got != want {
			t.Errorf("%q: %q", disposition, got)
		}
	}
	early := till(t)
	early.refuses("GET order/v1/orders/{id}/invoice", fault.New(fault.Conflict, "order-not-captured", "x"))
	resp, page := early.do("GET", "/en-us/order/"+orderID+"/invoice", nil, withOrder)
	if resp.StatusCode != 409 {
		t.Error(resp.StatusCode)
	}
	has(t, page, "There is no invoice yet")
}

func TestHowToPayByTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := anOrder()
	o.PaymentStatus, o.CapturedAt = "awaiting_payment", nil
	w.says("GET order/v1/orders/{id}", o)
	w.says("GET payment"+paymentapi.PathTransfers+"{id}", paymentapi.Transfer{Amount: usd(4000), PayTo: script + "IBAN 5", PayBy: time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)})
	_, page := w.do("GET", "/en-us/order/"+orderID, nil, withOrder)
	has(t, page, "Please transfer the amount", "IBAN 5", "Sunday, March 8", "1001", "Waiting for your transfer")
	lacks(t, page, "<script>alert", "/invoice")
	w.says("GET order/v1/orders/{id}/timeline", map[string]any{"items": []map[string]any{{"at": "2026-03-01T12:00:00Z", "what": "cancel_requested"}}})
	_, page = w.do("GET", "/en-us/order/"+orderID, nil, withOrder)
	lacks(t, page, "Please transfer the amount") // of what is being cancelled
}
