package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
)

// Gift cards go to order as they are, in their order; store credit only when the customer whose checkout it is says so.
func TestWhoMaySpendCredit(t *testing.T) {
	t.Parallel()
	s := open(t)
	co := s.ready()
	if _, err := s.pool.Exec(t.Context(), `UPDATE checkouts SET customer_id = 'ada'`); err != nil {
		t.Fatal(err)
	}
	in := checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, GiftCards: []string{"B", "A"}, StoreCredit: true}
	as := func(customer, key string) int {
		token, err := s.signer.Mint(auth.Principal{Subject: customer, Kind: auth.KindCustomer}, auth.MaxTTL, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return s.client.With("Idempotency-Key", key).With("Authorization", "Bearer "+token).Do("POST", "/v1/checkouts/"+co.ID+"/complete", in).Status
	}
	s.complete(co.ID, "guest", in).Problem(403, "forbidden")
	if status := as("bob", "bob"); status != 403 {
		t.Errorf("another customer: %d", status)
	}
	if n := len(s.shop.Places()); n != 0 {
		t.Errorf("%d attempts", n)
	}
	if status := as("ada", "ada"); status != 201 {
		t.Fatalf("the owner: %d", status)
	}
	got := s.shop.Places()
	if len(got) != 1 || !got[0].Payment.StoreCredit || len(got[0].Payment.GiftCards) != 2 || got[0].Payment.GiftCards[0] != "B" || got[0].Payment.Nonce != "" {
		t.Errorf("%+v", got)
	}
}

func TestGiftCardsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := open(t)
	co := s.ready()
	s.complete(co.ID, "a", checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, GiftCards: []string{"1", "2", "3", "4", "5", "6"}}).Problem(422, "validation-failed")
	for i, code := range []string{"", strings.Repeat("A", 65), strings.Repeat("A", 100_000)} {
		got := apitest.Locations(s.complete(co.ID, fmt.Sprint("long-", i), checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, GiftCards: []string{"A", code}}).Problem(422, "validation-failed"))
		if !slices.Equal(got, []string{"body.gift_cards[1]"}) {
			t.Errorf("%d letters: %v", len(code), got)
		}
	}
	s.complete(co.ID, "b", checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, GiftCards: []string{"4111 1111 1111 1111"}}).Problem(422, "card-number-refused")
	s.complete(co.ID, "c", checkoutapi.CompleteInput{ExpectedTotal: co.Totals.Total, GiftCards: []string{"A"}}).Want(201)
}
