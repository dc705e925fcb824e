package checkouttest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// payment tells what may be paid with, and what credit is worth.
func (n *Neighbours) payment(r *http.Request, body []byte) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch r.URL.Path {
	case paymentapi.PathGiftCardBalance:
		req, err := read[paymentapi.GiftCardCode](body)
		worth, ok := n.Credit[req.Code]
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "gift-card-not-found", "There is no such gift card.")
		}
		return paymentapi.GiftCardBalance{Balance: money.New(worth, "USD")}, err
	case paymentapi.PathMyStoreCredit:
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		return paymentapi.StoreCredit{Totals: []money.Amount{money.New(1_000_000, "EUR"), money.New(n.Credit[token], "USD")}}, nil
	}
	req, err := read[paymentapi.ClientTokenRequest](body)
	if err == nil && req.Currency == "JPY" {
		err = fault.New(fault.Invalid, "currency-not-supported", "No merchant account takes JPY.")
	}
	if err != nil {
		return nil, err
	}
	return n.offers(req)
}

// offers are a card, over the telephone a bank transfer before it, and cash on delivery.
func (n *Neighbours) offers(req paymentapi.ClientTokenRequest) (paymentapi.ClientToken, error) {
	t := paymentapi.ClientToken{ClientToken: "token-" + req.Currency, Providers: []paymentapi.Offer{{Provider: "braintree"}}}
	if req.Channel == "phone" {
		t.Providers = append([]paymentapi.Offer{{Provider: paymentapi.BankTransfer, PayWithinSeconds: 3600, PayTo: "account 5"}}, t.Providers...)
	}
	if req.Country == "US" && req.Amount.Minor-req.PaymentFee.Minor+n.Cash <= 10000 {
		cash := paymentapi.Offer{Provider: paymentapi.CashOnDelivery}
		if n.Cash > 0 {
			cash.Fee = money.New(n.Cash, req.Amount.Currency)
		}
		t.Providers = append(t.Providers, cash)
	}
	if req.Provider != "" {
		t.ClientToken = ""
		t.Providers = slices.DeleteFunc(t.Providers, func(o paymentapi.Offer) bool { return o.Provider != req.Provider })
		if len(t.Providers) == 0 {
			return t, fault.New(fault.Invalid, "payment-provider-not-offered", "This way to pay is not offered for this order.")
		}
	}
	t.Provider = t.Providers[0].Provider
	return t, nil
}
