package paymenttest

import (
	"context"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// EnsureCustomer implements app.VaultGateway.
func (g *Gateway) EnsureCustomer(_ context.Context, id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["EnsureCustomer"]++
	g.customers[id] = true
	return nil
}

// KeepMethod implements app.VaultGateway.
func (g *Gateway) KeepMethod(_ context.Context, customerID, token, nonce string) (payment.Method, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["KeepMethod"]++
	if m, there := g.methods[token]; there {
		return m, nil
	}
	switch {
	case !g.customers[customerID]:
		return payment.Method{}, &payment.Refusal{Code: app.CodeNoCustomer, Message: "no such customer"}
	case nonce == NonceConsumed:
		return payment.Method{}, &payment.Refusal{Code: "93107", Message: "used"}
	}
	m := payment.Method{ID: token, CustomerID: customerID, Type: "credit_card", Brand: "Visa", Last4: "1881", Expiry: "2030-12"}
	g.methods[token] = m
	return m, nil
}

// Method implements app.VaultGateway.
func (g *Gateway) Method(_ context.Context, token string) (payment.Method, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.methods[token]
	if !ok {
		return m, app.ErrNoMethod
	}
	return m, nil
}

// MakeDefault implements app.VaultGateway.
func (g *Gateway) MakeDefault(_ context.Context, token string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.methods[token]
	if !ok {
		return app.ErrNoMethod
	}
	for id, other := range g.methods {
		other.Default = id == token || other.Default && other.CustomerID != m.CustomerID
		g.methods[id] = other
	}
	return nil
}

// DropMethod implements app.VaultGateway.
func (g *Gateway) DropMethod(_ context.Context, token string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["DropMethod"]++
	delete(g.methods, token)
	return nil
}
