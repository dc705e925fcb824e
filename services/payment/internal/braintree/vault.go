package braintree

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Codes of Braintree's validation errors of the vault that have a meaning for us.
const (
	customerIDTaken = "91609"
	customerUnknown = "93105"
	tokenTaken      = "91718"
)

// EnsureCustomer implements app.VaultGateway.
func (g *Gateway) EnsureCustomer(ctx context.Context, id string) error {
	_, err := g.client.Customer().Create(ctx, &bt.CustomerRequest{ID: id})
	if err == nil {
		return nil
	}
	err = class(err)
	if refusal, ok := errors.AsType[*payment.Refusal](err); ok && refusal.Code == customerIDTaken {
		return nil
	}
	return err
}

// KeepMethod implements app.VaultGateway. A token that is taken is what was sent before.
func (g *Gateway) KeepMethod(ctx context.Context, customerID, token, nonce string) (payment.Method, error) {
	m, err := g.client.PaymentMethod().Create(ctx, &bt.PaymentMethodRequest{CustomerId: customerID, Token: token, PaymentMethodNonce: nonce})
	if err == nil {
		return method(m)
	}
	err = class(err)
	if refusal, ok := errors.AsType[*payment.Refusal](err); ok {
		switch refusal.Code {
		case customerUnknown:
			refusal.Code = app.CodeNoCustomer
		case tokenTaken:
			return g.Method(ctx, token)
		}
	}
	return payment.Method{}, err
}

// Method implements app.VaultGateway.
func (g *Gateway) Method(ctx context.Context, token string) (payment.Method, error) {
	m, err := g.client.PaymentMethod().Find(ctx, token)
	if err != nil {
		return payment.Method{}, missing(err)
	}
	return method(m)
}

// missing tells a method that is not there from other errors.
func missing(err error) error {
	var status bt.APIError
	if errors.As(err, &status) && status.StatusCode() == http.StatusNotFound {
		return app.ErrNoMethod
	}
	return class(err)
}

// MakeDefault implements app.VaultGateway.
func (g *Gateway) MakeDefault(ctx context.Context, token string) error {
	_, err := g.client.PaymentMethod().Update(ctx, token, &bt.PaymentMethodRequest{Options: &bt.PaymentMethodRequestOptions{MakeDefault: true}})
	if err != nil {
		return missing(err)
	}
	return nil
}

// DropMethod implements app.VaultGateway.
func (g *Gateway) DropMethod(ctx context.Context, token string) error {
	err := g.client.PaymentMethod().Delete(ctx, token)
	if err == nil {
		return nil
	}
	if err = missing(err); errors.Is(err, app.ErrNoMethod) {
		return nil
	}
	return err
}

// method reads what the vault holds.
func method(m bt.PaymentMethod) (payment.Method, error) {
	out := payment.Method{ID: m.GetToken(), CustomerID: m.GetCustomerId(), Default: m.IsDefault()}
	switch x := m.(type) {
	case *bt.CreditCard:
		out.Type, out.Brand, out.Last4, out.Expiry = "credit_card", x.CardType, x.Last4, expiry(x.ExpirationYear, x.ExpirationMonth)
	case *bt.ApplePayCard:
		out.Type, out.Brand, out.Last4, out.Expiry = "apple_pay_card", x.CardType, x.Last4, expiry(x.ExpirationYear, x.ExpirationMonth)
	case *bt.AndroidPayCard:
		out.Type, out.Brand, out.Last4, out.Expiry = "android_pay_card", x.VirtualCardType, x.VirtualCardLast4, expiry(x.ExpirationYear, x.ExpirationMonth)
	case *bt.PayPalAccount:
		out.Type, out.Account = "paypal_account", x.Email
	case *bt.VenmoAccount:
		out.Type, out.Account = "venmo_account", x.Username
	default:
		return out, fmt.Errorf("a payment method of type %T", m)
	}
	if out.ID == "" || out.CustomerID == "" {
		return out, errors.New("a payment method without token or customer")
	}
	return out, nil
}

func expiry(year, month string) string {
	if len(year) != 4 || len(month) != 2 {
		return ""
	}
	return year + "-" + month
}
