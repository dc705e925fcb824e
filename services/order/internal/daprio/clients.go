// Package daprio is order's side of the sidecar: it asks payment and inventory, hosts the actor that is the door for commands
// to one order, and runs the reconciler's job. It guards nothing: the version in the database does.
package daprio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Payments asks payment. It implements app.Payments and app.OpenPayments.
type Payments struct{ Caller daprkit.Caller }

// Authorise implements app.Payments.
func (p Payments) Authorise(ctx context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return p.ask(ctx, paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: c.OperationID, PaymentID: c.PaymentID, OrderID: c.OrderID,
		Attempt: c.Attempt, Amount: c.Amount, Nonce: c.Means.Nonce, MethodID: c.Means.MethodID, DeviceData: c.Means.DeviceData, CustomerID: c.CustomerID,
		Provider: c.Means.Provider, Country: c.Country, Channel: c.Channel, GiftCards: c.Means.GiftCards, StoreCredit: c.Means.StoreCredit, Shopper: shopper(c.Email, c.Means.ClientIP, c.Billing), Like: c.Like})
}

// Left implements app.Payments.
func (p Payments) Left(ctx context.Context, orderID string, currency money.Currency) (map[int]app.PaymentLeft, error) {
	var all paymentapi.Payments
	if err := p.Caller.JSON(ctx, http.MethodGet, paymentapi.PathPayments+url.PathEscape(orderID), nil, &all); err != nil {
		return nil, err
	}
	left := map[int]app.PaymentLeft{}
	for _, item := range all.Items {
		if item.Amount.Currency != currency {
			return nil, fmt.Errorf("payment %s is in %s", item.ID, item.Amount.Currency)
		}
		left[item.Attempt] = app.PaymentLeft{Captured: item.Captured, Left: money.New(item.Captured.Minor-item.Refunded.Minor, currency), Unpaid: item.Status == paymentapi.StatusSettlementDeclined, Pending: item.Pending}
	}
	return left, nil
}

// shopper is who pays, for the checks of the bank and the rules. Payment has no use for a telephone number.
func shopper(email, ip string, a orderapi.Address) *paymentapi.Shopper {
	return &paymentapi.Shopper{Email: harmless(email), IP: ip, Billing: &paymentapi.Address{Name: harmless(a.Name), Company: harmless(a.Company), Line1: harmless(a.Line1),
		Line2: harmless(a.Line2), City: harmless(a.City), Region: harmless(a.Region), PostalCode: harmless(a.PostalCode), Country: harmless(a.Country)}}
}

const longestText = 255 // payment takes no longer ones

// harmless leaves out a text in which payment sees a card number: it refuses the whole call, and what people wrote must keep
// neither an order from being paid nor its money from going back.
func harmless(text string) string {
	if card.Held(text) || utf8.RuneCountInString(text) > longestText {
		return ""
	}
	return text
}

// Capture implements app.Payments.
func (p Payments) Capture(ctx context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return p.ask(ctx, paymentapi.PathCapture, paymentapi.MoneyRequest{OperationID: c.OperationID, PaymentID: c.PaymentID, Amount: &c.Amount})
}

// Void implements app.Payments.
func (p Payments) Void(ctx context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return p.ask(ctx, paymentapi.PathVoid, paymentapi.MoneyRequest{OperationID: c.OperationID, PaymentID: c.PaymentID, Reason: harmless(c.Reason)})
}

// Refund implements app.Payments: no amount asks for what is left.
func (p Payments) Refund(ctx context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	var part *money.Amount
	if c.Part.IsPositive() {
		part = &c.Part
	}
	return p.ask(ctx, paymentapi.PathRefund, paymentapi.MoneyRequest{Amount: part, OperationID: c.OperationID, PaymentID: c.PaymentID, Reason: harmless(c.Reason)})
}

// outcomes maps payment's words to ours. A word that is not here is an outcome that nobody knows.
var outcomes = map[string]string{
	paymentapi.Succeeded: app.MoneyDone, paymentapi.Declined: app.MoneyDeclined, paymentapi.Failed: app.MoneyFailed, paymentapi.Pending: app.MoneyPending,
}

func (p Payments) ask(ctx context.Context, path string, in any) (app.MoneyAnswer, error) {
	var r paymentapi.Result
	if err := p.Caller.JSON(ctx, http.MethodPost, path, in, &r); err != nil {
		return app.MoneyAnswer{}, err
	}
	outcome, ok := outcomes[r.Outcome]
	if !ok {
		return app.MoneyAnswer{}, fmt.Errorf("payment answered the outcome %q", r.Outcome)
	}
	answer := app.MoneyAnswer{Outcome: outcome, Amount: r.Amount, DeclineCode: r.DeclineCode, Retryable: r.Retryable, Message: r.Message,
		RetryAfter: time.Duration(r.RetryAfterMS) * time.Millisecond, Review: r.Review}
	if r.ReviewUntil != nil {
		answer.ReviewUntil = *r.ReviewUntil
	}
	return answer, nil
}

// Open implements app.OpenPayments.
func (p Payments) Open(ctx context.Context, olderThan time.Duration) ([]app.OpenPayment, error) {
	var r paymentapi.Payments
	query := url.Values{"older_than_seconds": {strconv.Itoa(int(olderThan.Seconds()))}}
	if err := p.Caller.JSON(ctx, http.MethodGet, paymentapi.PathOpen+"?"+query.Encode(), nil, &r); err != nil {
		return nil, err
	}
	open := make([]app.OpenPayment, len(r.Items))
	for i, item := range r.Items {
		open[i] = app.OpenPayment{ID: item.ID, OrderID: item.OrderID, Attempt: item.Attempt, Captured: item.Status != paymentapi.StatusAuthorised, Amount: item.Amount}
	}
	return open, nil
}

// Checkout asks checkout. It implements app.Repricer.
type Checkout struct{ Caller daprkit.Caller }

// Reprice implements app.Repricer. What checkout refuses, staff have asked for.
func (c Checkout) Reprice(ctx context.Context, in checkoutapi.RepriceRequest) (out checkoutapi.Repriced, err error) {
	err = c.Caller.JSON(ctx, http.MethodPost, checkoutapi.PathReprice, in, &out)
	return out, err
}

// Stock asks inventory. It implements app.Stock.
type Stock struct{ Caller daprkit.Caller }

// Allocate implements app.Stock.
func (s Stock) Allocate(ctx context.Context, a app.Allocation) ([]app.Part, []order.Shortage, error) {
	in := inventoryapi.AllocateRequest{Owner: a.Owner, Customer: a.Customer, Country: a.Country, Region: a.Region, Postal: a.Postal, Lines: allocateLines(a.Lines)}
	return s.put(ctx, a.Key, in)
}

// put asks for an allocation; what is short is an answer.
func (s Stock) put(ctx context.Context, path string, in any) ([]app.Part, []order.Shortage, error) {
	var out inventoryapi.Allocation
	err := s.Caller.JSON(ctx, http.MethodPut, inventoryapi.PathAllocations+path, in, &out)
	if fault.CodeOf(err) == "out-of-stock" {
		short, err := shortages(err)
		return nil, short, err
	}
	if err != nil {
		return nil, nil, err
	}
	return partsOf(out), nil, nil
}

// Revise implements app.Stock.
func (s Stock) Revise(ctx context.Context, edition int64, a app.Allocation) ([]app.Part, []order.Shortage, error) {
	in := inventoryapi.ReviseRequest{Edition: edition, Customer: a.Customer, Country: a.Country, Region: a.Region, Postal: a.Postal, Lines: allocateLines(a.Lines)}
	return s.put(ctx, a.Key+"/lines", in)
}

// Available implements app.Stock.
func (s Stock) Available(ctx context.Context, skus []string) (map[string]int64, error) {
	var out inventoryapi.AvailabilityAnswer
	if err := s.Caller.JSON(ctx, http.MethodPost, inventoryapi.PathAvailability, inventoryapi.AvailabilityRequest{SKUs: skus}, &out); err != nil {
		return nil, err
	}
	available := map[string]int64{}
	for _, a := range out.Items {
		available[a.SKU] = a.Available
	}
	return available, nil
}

func allocateLines(lines []app.AllocateLine) (all []inventoryapi.AllocateLine) {
	for _, l := range lines {
		all = append(all, inventoryapi.AllocateLine{LineID: l.LineID, SKU: l.SKU, Quantity: l.Quantity})
	}
	return all
}

// Parts implements app.Stock.
func (s Stock) Parts(ctx context.Context, key string) ([]app.Part, error) {
	var out inventoryapi.Allocation
	if err := s.Caller.JSON(ctx, http.MethodGet, inventoryapi.PathAllocations+key, nil, &out); err != nil {
		return nil, err
	}
	return partsOf(out), nil
}

func partsOf(a inventoryapi.Allocation) (parts []app.Part) {
	for _, l := range a.Lines {
		for _, p := range l.Parts {
			part := app.Part{LineID: l.LineID, LocationID: p.LocationID, Quantity: p.Quantity, ShipsAt: p.ShipsAt}
			if p.Kind != inventoryapi.PartStock {
				part.Owed = p.Kind
			}
			parts = append(parts, part)
		}
	}
	return parts
}

// shortages reads the lines of an out-of-stock problem.
func shortages(err error) ([]order.Shortage, error) {
	f, _ := fault.As(err)
	data, encodeErr := json.Marshal(f.Extra["lines"])
	if encodeErr != nil {
		return nil, fmt.Errorf("shortages: %w", encodeErr)
	}
	var lines []inventoryapi.Shortage
	if decodeErr := json.Unmarshal(data, &lines); decodeErr != nil {
		return nil, fmt.Errorf("shortages %.200s: %w", data, decodeErr)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("inventory is out of stock but names nothing: %w", err)
	}
	short := make([]order.Shortage, len(lines))
	for i, l := range lines {
		short[i] = order.Shortage(l)
	}
	return short, nil
}

// Release implements app.Stock.
func (s Stock) Release(ctx context.Context, key string) error {
	return s.Caller.JSON(ctx, http.MethodDelete, inventoryapi.PathAllocations+key, nil, nil)
}
