package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
)

// Bad input at every door, and where the faults are said to be.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.ready().ID
	long := strings.Repeat("x", 3000)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code               string
		locations          []string
	}{
		"no body":               {"POST", "", ``, 400, "malformed", nil},
		"no JSON":               {"POST", "", `{`, 400, "malformed", []string{"body"}},
		"no cart":               {"POST", "", `{}`, 422, "validation-failed", []string{"body.cart_id"}},
		"wrong types":           {"POST", "", `{"cart_id":7,"email":[]}`, 422, "validation-failed", []string{"body.cart_id", "body.email"}},
		"an unknown member":     {"POST", "", `{"cart_id":"` + cartID + `","total":1}`, 422, "validation-failed", []string{"body.total"}},
		"no e-mail address":     {"POST", "", `{"cart_id":"` + cartID + `","email":"me"}`, 422, "validation-failed", []string{"body.email"}},
		"a cart out of a path":  {"POST", "", `{"cart_id":"../../v1/admin"}`, 404, "cart-not-found", nil},
		"a huge body":           {"POST", "", `{"cart_id":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "body-too-large", nil},
		"an impossible id":      {"GET", "/nobody", ``, 404, "not-found", nil},
		"an unknown id":         {"GET", "/" + otherCartID, ``, 404, "checkout-not-found", nil},
		"patch an unknown id":   {"PATCH", "/" + otherCartID, `{"note":"x"}`, 404, "checkout-not-found", nil},
		"cancel an unknown id":  {"DELETE", "/" + otherCartID, ``, 404, "checkout-not-found", nil},
		"options of nobody":     {"GET", "/" + otherCartID + "/shipping-options", ``, 404, "checkout-not-found", nil},
		"pay for nobody":        {"POST", "/" + otherCartID + "/payment-session", ``, 404, "checkout-not-found", nil},
		"complete nobody":       {"POST", "/" + otherCartID + "/complete", `{"payment_method_nonce":"n","expected_total":{"amount":1,"currency":"USD"}}`, 404, "checkout-not-found", nil},
		"a status by the buyer": {"PATCH", "/" + id, `{"status":"completed"}`, 422, "validation-failed", []string{"body.status"}},
		"a note too long":       {"PATCH", "/" + id, `{"note":"` + long + `"}`, 422, "validation-failed", []string{"body.note"}},
		"a card in a note":      {"PATCH", "/" + id, `{"note":"charge 4111 1111 1111 1111"}`, 422, "card-number-refused", []string{"body.note"}},
		"half an address": {"PATCH", "/" + id, `{"shipping_address":{"name":"N","country":"US"}}`, 422, "validation-failed",
			[]string{"body.shipping_address.city", "body.shipping_address.line1", "body.shipping_address.postal_code"}},
		"two bad addresses": {"PATCH", "/" + id, `{"email":"me","shipping_address":{"name":"","line1":"1","city":"C","postal_code":"1","country":"US"},"billing_address":{"name":"N","line1":"1","city":"C","postal_code":"","country":"XX"}}`,
			422, "validation-failed", []string{"body.email", "body.shipping_address.name", "body.shipping_address.postal_code", "body.shipping_address.region", "body.billing_address.country"}},
		"phones of nobody": {"PATCH", "/" + id, `{"shipping_address":{"name":"N","line1":"1","city":"C","postal_code":"1","country":"DE","phone":"call me"},"billing_address":{"name":"N","line1":"1","city":"C","postal_code":"10115","country":"DE","phone":"+999 1"}}`,
			422, "validation-failed", []string{"body.shipping_address.postal_code", "body.shipping_address.phone", "body.billing_address.phone"}},
		"control characters": {"PATCH", "/" + id, `{"shipping_address":{"name":"N\u0001","line1":"1","city":"C","postal_code":"10115","country":"DE"}}`, 422, "validation-failed", []string{"body.shipping_address.name"}},
		"a nul":              {"PATCH", "/" + id, `{"note":"\u0000"}`, 400, "malformed", nil},
		"a card number":      {"POST", "/" + id + "/complete", `{"payment_method_nonce":"4111 1111 1111 1111","expected_total":{"amount":1,"currency":"USD"}}`, 422, "card-number-refused", nil},
		"two means":          {"POST", "/" + id + "/complete", `{"payment_method_nonce":"n","payment_method_id":"m","expected_total":{"amount":1,"currency":"USD"}}`, 422, "validation-failed", []string{"body.payment_method_id"}},
		"no total":           {"POST", "/" + id + "/complete", `{"payment_method_nonce":"n"}`, 422, "validation-failed", []string{"body.expected_total"}},
		"a total as a float": {"POST", "/" + id + "/complete", `{"payment_method_nonce":"n","expected_total":{"amount":1.5,"currency":"USD"}}`, 422, "validation-failed", []string{"body.expected_total.amount"}},
		"an overflow":        {"POST", "/" + id + "/complete", `{"payment_method_nonce":"n","expected_total":{"amount":99999999999999999999,"currency":"USD"}}`, 422, "validation-failed", []string{"body.expected_total.amount"}},
		"money of nowhere":   {"POST", "/" + id + "/complete", `{"payment_method_nonce":"n","expected_total":{"amount":1,"currency":"XXY"}}`, 422, "validation-failed", []string{"body.expected_total.currency"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.client.With("Idempotency-Key", "bad")
			c.T = t
			var body any
			if tc.body != "" {
				body = tc.body
			}
			p := c.Do(tc.method, "/v1/checkouts"+tc.path, body).Problem(tc.status, tc.code)
			if tc.locations != nil {
				if diff := cmp.Diff(tc.locations, apitest.Locations(p)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestKeyIsRequired(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.ready().ID
	s.client.Do("POST", "/v1/checkouts/"+id+"/complete", pay(total)).Problem(400, "idempotency-key-required")
	s.complete(id, strings.Repeat("k", 256), pay(total)).Problem(400, "malformed")
	s.client.With("Content-Type", "text/plain").Do("PATCH", "/v1/checkouts/"+id, `{}`).Problem(415, "unsupported-media-type")
	if len(s.shop.Places()) != 0 {
		t.Error("something was placed")
	}
}

// Currency without a merchant account is refused before a card is asked for.
func TestPaymentSessionRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shop.Cart(cartID, 1, "JPY", map[string]int64{"mug": 1})
	c := s.create()
	s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", nil).Problem(422, "currency-not-supported")
}

// The OpenAPI document tells the two good answers of complete apart.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := open(t)
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal(s.client.Do("GET", "/openapi.json", nil).Want(200).Body, &doc); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[string]string{"201": "Order", "202": "Checkout"} {
		ref := doc.Paths["/v1/checkouts/{id}/complete"]["post"].Responses[status].Content["application/json"].Schema.Ref
		if ref != "#/components/schemas/"+want {
			t.Errorf("%s is %q", status, ref)
		}
	}
	if len(doc.Paths) != 7 { // one of them is order's alone
		t.Errorf("%d paths", len(doc.Paths))
	}
}
