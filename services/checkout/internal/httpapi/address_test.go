package httpapi_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
)

// Order hears from where the shopper asks, when a public edge says so; nobody else is believed.
func TestTheShoppersAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ caller, address, want string }{
		{"gateway", "198.51.100.1", "198.51.100.1"}, {"storefront", "198.51.100.2", "198.51.100.2"}, {"gateway", "nonsense", ""}, {"cart", "198.51.100.1", ""}, {"", "198.51.100.1", ""},
	} {
		s := open(t)
		co := s.ready()
		in := checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, Nonce: "fake-valid-nonce"}
		s.client.As(tc.caller).With("X-Real-Ip", tc.address).With("Idempotency-Key", co.ID).Do("POST", "/v1/checkouts/"+co.ID+"/complete", in).Want(201)
		if got := s.shop.Places(); len(got) != 1 || got[0].Payment.ClientIP != tc.want {
			t.Errorf("%+v: %+v", tc, got)
		}
	}
	s := open(t)
	co := s.ready()
	s.client.As("gateway").With("Idempotency-Key", co.ID).Do("POST", "/v1/checkouts/"+co.ID+"/complete", map[string]any{"expected_total": co.Totals.Total, "payment_method_nonce": "n", "client_ip": "6.6.6.6"}).
		Problem(422, "validation-failed")
}
