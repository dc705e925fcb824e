package httpapi

import (
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// customer is a signed-in shopper.
func (s *shop) customer(id string) apitest.Client {
	s.t.Helper()
	token, err := s.signer.Mint(auth.Principal{Subject: id, Kind: auth.KindCustomer}, auth.MaxTTL, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.plain.With("Authorization", "Bearer "+token)
}

// A customer's methods through both doors, and a payment with one of them.
func TestPaymentMethodsOfACustomer(t *testing.T) {
	t.Parallel()
	s, _ := atSimulator(t)
	ada, bob := s.customer("ada"), s.customer("bob")
	var first, second paymentapi.Method
	key := ada.With("Idempotency-Key", "key-0123456789abcdef0123456789abcdef")
	key.Do("POST", paymentapi.PathMyMethods, `{"payment_method_nonce":"fake-valid-visa-nonce"}`).Want(201).JSON(&first)
	if again := key.Do("POST", paymentapi.PathMyMethods, `{"payment_method_nonce":"fake-valid-visa-nonce"}`).Want(201); again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the second was not the first")
	}
	key.Do("POST", paymentapi.PathMyMethods, `{"payment_method_nonce":"fake-valid-amex-nonce"}`).Problem(422, "idempotency-key-reused")
	s.plain.As("customer").Do("POST", paymentapi.PathMethods, `{"customer_id":"ada","payment_method_nonce":"fake-valid-mastercard-nonce","make_default":true}`).Want(201).JSON(&second)
	if first.Brand != "Visa" || first.Last4 != "1881" || first.Expiry != "2030-12" || first.Expired || !second.Default || second.Brand != "MasterCard" {
		t.Errorf("%+v %+v", first, second)
	}
	var list paymentapi.Methods
	ada.Do("GET", paymentapi.PathMyMethods, nil).Want(200).JSON(&list)
	if len(list.Items) != 2 || list.Items[0].ID != second.ID || list.Items[1].Default {
		t.Errorf("%+v", list.Items)
	}
	bob.Do("GET", paymentapi.PathMyMethods, nil).Want(200).JSON(&list)
	if len(list.Items) != 0 {
		t.Errorf("another's: %+v", list.Items)
	}
	pay := func(customer, method string) (r paymentapi.Result) {
		order := newOrder()
		s.order.Do("POST", paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: order + "-a", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: usd(1000),
			MethodID: method, CustomerID: customer}).Want(200).JSON(&r)
		return r
	}
	if r := pay("ada", first.ID); r.Outcome != paymentapi.Succeeded {
		t.Errorf("%+v", r)
	}
	for _, customer := range []string{"bob", ""} {
		if r := pay(customer, first.ID); r.Outcome != paymentapi.Declined || r.DeclineCode != "payment-method-unknown" {
			t.Errorf("for %q: %+v", customer, r)
		}
	}
	bob.Do("POST", paymentapi.PathMyMethods+"/"+first.ID+"/default", nil).Problem(404, "payment-method-not-found")
	bob.Do("DELETE", paymentapi.PathMyMethods+"/"+first.ID, nil).Problem(404, "payment-method-not-found")
	ada.Do("POST", paymentapi.PathMyMethods+"/"+first.ID+"/default", nil).Want(200).JSON(&first)
	if !first.Default {
		t.Errorf("%+v", first)
	}
	s.plain.As("customer").Do("POST", paymentapi.PathMethods+"/"+second.ID+"/default", `{"customer_id":"ada"}`).Want(200)
	ada.Do("DELETE", paymentapi.PathMyMethods+"/"+first.ID, nil).Want(204)
	s.plain.As("customer").Do("DELETE", paymentapi.PathMethods+"/"+second.ID+"?customer_id=ada", nil).Want(204)
	s.plain.As("checkout").Do("GET", paymentapi.PathMethods+"?customer_id=ada", nil).Want(200).JSON(&list)
	if len(list.Items) != 0 {
		t.Errorf("%+v", list.Items)
	}
	if r := pay("ada", first.ID); r.DeclineCode != "payment-method-unknown" {
		t.Errorf("deleted: %+v", r)
	}
	ada.Do("POST", paymentapi.PathMyMethods, `{"payment_method_nonce":"fake-consumed-nonce"}`).Problem(422, "payment-method-refused")
}

func TestTheDoorsOfTheVault(t *testing.T) {
	t.Parallel()
	s := open(t, paymenttest.NewGateway())
	s.plain.Do("GET", paymentapi.PathMyMethods, nil).Problem(401, "unauthenticated")
	s.staff.Do("GET", paymentapi.PathMyMethods, nil).Problem(403, "forbidden")
	s.plain.Do("GET", paymentapi.PathMethods+"?customer_id=ada", nil).Problem(403, "forbidden")
	s.order.Do("GET", paymentapi.PathMethods+"?customer_id=ada", nil).Problem(403, "forbidden")
	service := s.plain.As("customer")
	service.Do("GET", paymentapi.PathMethods, nil).Problem(422, "validation-failed")
	service.Do("GET", paymentapi.PathMethods+"?customer_id=no+good", nil).Problem(422, "validation-failed")
	service.Do("POST", paymentapi.PathMethods, `{"customer_id":"ada","payment_method_nonce":"","tip":1}`).Problem(422, "validation-failed")
	ada := s.customer("ada")
	for _, body := range []string{`{"payment_method_nonce":"4111111111111111"}`, `{"payment_method_nonce":"n","number":"4111 1111 1111 1111"}`} {
		ada.Do("POST", paymentapi.PathMyMethods, body).Problem(422, "card-number-refused")
	}
	ada.Do("DELETE", paymentapi.PathMyMethods+"/nobody", nil).Problem(404, "payment-method-not-found")
}
