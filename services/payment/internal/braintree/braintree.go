// Package braintree is the adapter to Braintree's gateway through its XML API and the public Go client of it.
//
// Who decides: the gateway. The client library returns declines and refusals as errors and everything else as text; here each
// answer becomes one of four things: a transaction, a refusal (surely not done), not sent, or unknown. What may go wrong: a
// status of 500 or above, a broken answer and a time-out say nothing about what happened, so they are unknown.
package braintree

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Gateway implements app.Gateway.
type Gateway struct{ client, parts *bt.Braintree }

// Options of a Gateway. The keys are needed only without a binding, which sets its own.
type Options struct {
	URL                               string // base of the API; of no matter behind a binding
	MerchantID, PublicKey, PrivateKey string
	Transport                         http.RoundTripper
}

// New returns a gateway. Time limits are those of the contexts.
func New(o Options) *Gateway {
	client := func(t http.RoundTripper) *bt.Braintree {
		return bt.NewWithHttpClient(bt.NewEnvironment(o.URL), o.MerchantID, o.PublicKey, o.PrivateKey, &http.Client{Transport: t})
	}
	return &Gateway{client: client(plain{o.Transport}), parts: client(partial{plain{o.Transport}})}
}

// partial makes of the library's call for refunds the one for partial settlement, which it does not have: both post an amount and an order
// id to a transaction, and answer another transaction.
type partial struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p partial) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Path = strings.TrimSuffix(req.URL.Path, "/refund") + "/submit_for_partial_settlement"
	return p.next.RoundTrip(req)
}

// plain asks for answers that are not compressed, where the library would ask for gzip: for the few kilobytes of an answer the two ends
// would spend more on that than on all the rest of it.
type plain struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p plain) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Accept-Encoding", "identity")
	return p.next.RoundTrip(req)
}

func decimal(a money.Amount) *bt.Decimal { return bt.NewDecimal(a.Minor, a.Currency.Exponent()) }

// Authorise implements app.Gateway.
func (g *Gateway) Authorise(ctx context.Context, s app.Sale) (payment.Transaction, error) {
	tx, err := g.sale(ctx, s)
	if err == nil {
		return transaction(tx)
	}
	var answer *bt.BraintreeError
	if !errors.As(err, &answer) || answer.StatusCode() != http.StatusUnprocessableEntity {
		return payment.Transaction{}, class(err)
	}
	if answer.Transaction != nil && answer.Transaction.Id != "" {
		return transaction(answer.Transaction)
	}
	if s.Origin != "" { // of a kind that is not cloned
		return payment.Transaction{State: payment.TxDeclined, Amount: s.Amount, Reference: s.Reference, Code: payment.CodeNotRepeatable, Message: payment.NotRepeatable(s.Amount).Message}, nil
	}
	code, _ := firstFault(answer) // of the request: nothing was booked, and another means of payment may do
	return payment.Transaction{State: payment.TxDeclined, Amount: s.Amount, Reference: s.Reference, Code: code, Retryable: true,
		Message: "The payment method cannot be used."}, nil
}

// sale makes one, or clones one: a clone has all of its origin but the amount, its order id too, so that our reference stands in its channel.
func (g *Gateway) sale(ctx context.Context, s app.Sale) (*bt.Transaction, error) {
	if s.Origin != "" {
		return g.client.Transaction().Clone(ctx, s.Origin, &bt.TransactionCloneRequest{Amount: decimal(s.Amount), Channel: s.Reference, Options: &bt.TransactionCloneOptions{}})
	}
	return g.client.Transaction().Create(ctx, &bt.TransactionRequest{Type: "sale", Amount: decimal(s.Amount), OrderId: s.Reference,
		MerchantAccountId: s.Account, PaymentMethodNonce: s.Nonce, PaymentMethodToken: s.MethodID, DeviceData: s.DeviceData,
		CustomerID: customerOf(s), BillingAddress: billing(s.Shopper.Billing), RiskData: riskData(s.Shopper)})
}

func billing(a *app.BillingAddress) *bt.Address {
	if a == nil {
		return nil
	}
	first, last, _ := strings.Cut(a.Name, " ")
	return &bt.Address{FirstName: first, LastName: last, Company: a.Company, StreetAddress: a.Line1, ExtendedAddress: a.Line2, Locality: a.City, Region: a.Region,
		PostalCode: a.PostalCode, CountryCodeAlpha2: a.Country}
}

func riskData(s app.Shopper) *bt.RiskDataRequest {
	if s.IP == "" && s.Browser == "" {
		return nil
	}
	return &bt.RiskDataRequest{CustomerIP: s.IP, CustomerBrowser: s.Browser}
}

// customerOf names the customer of a stored method, so that the gateway checks as well whose it is.
func customerOf(s app.Sale) string {
	if s.MethodID == "" {
		return ""
	}
	return s.CustomerID
}

// Capture implements app.Gateway.
func (g *Gateway) Capture(ctx context.Context, id string, amount money.Amount) (payment.Transaction, error) {
	return step(g.client.Transaction().SubmitForSettlement(ctx, id, decimal(amount)))
}

// CapturePart implements app.PartGateway.
func (g *Gateway) CapturePart(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	return step(g.parts.Transaction().RefundWithRequest(ctx, id, &bt.TransactionRefundRequest{Amount: decimal(amount), OrderID: reference}))
}

// Void implements app.Gateway.
func (g *Gateway) Void(ctx context.Context, id string) (payment.Transaction, error) {
	return step(g.client.Transaction().Void(ctx, id))
}

// Refund implements app.Gateway.
func (g *Gateway) Refund(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	return step(g.client.Transaction().RefundWithRequest(ctx, id, &bt.TransactionRefundRequest{Amount: decimal(amount), OrderID: reference}))
}

// ClientToken implements app.Gateway.
func (g *Gateway) ClientToken(ctx context.Context, account string) (string, error) {
	token, err := g.client.ClientToken().GenerateWithRequest(ctx, &bt.ClientTokenRequest{MerchantAccountID: account})
	if err != nil {
		return "", class(err)
	}
	return token, nil
}

// Find implements app.Gateway.
func (g *Gateway) Find(ctx context.Context, ref app.Ref) ([]payment.Transaction, error) {
	if ref.ID != "" {
		tx, err := g.client.Transaction().Find(ctx, ref.ID)
		var status bt.APIError
		if errors.As(err, &status) && status.StatusCode() == http.StatusNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, class(err)
		}
		t, err := transaction(tx)
		return []payment.Transaction{t}, err
	}
	found, err := g.byOrder(ctx, ref.Reference, ref.Reference)
	if err != nil || ref.Like == "" {
		return found, err
	}
	clones, err := g.byOrder(ctx, ref.Like, ref.Reference)
	return append(found, clones...), err
}

// byOrder returns the transactions of an order id that carry our reference, oldest first.
func (g *Gateway) byOrder(ctx context.Context, order, reference string) ([]payment.Transaction, error) {
	query := new(bt.SearchQuery)
	query.AddTextField("order-id").Is = order
	found, err := g.search(ctx, query)
	slices.Reverse(found) // the gateway answers the youngest first
	return slices.DeleteFunc(found, func(t payment.Transaction) bool { return t.Reference != reference }), err
}

// Transactions implements app.Books.
func (g *Gateway) Transactions(ctx context.Context, ids []string) ([]payment.Transaction, error) {
	if len(ids) == 0 {
		return nil, nil // the gateway would answer everything
	}
	query := new(bt.SearchQuery)
	query.AddMultiField("ids").Items = ids
	return g.search(ctx, query)
}

// search does both steps of a search: the ids, then page by page.
func (g *Gateway) search(ctx context.Context, query *bt.SearchQuery) ([]payment.Transaction, error) {
	ids, err := g.client.Transaction().SearchIDs(ctx, query)
	if err != nil {
		return nil, class(err)
	}
	var found []payment.Transaction
	for page := 1; page <= ids.PageCount; page++ {
		list, err := g.client.Transaction().SearchPage(ctx, query, ids, page)
		if err != nil {
			return nil, class(err)
		}
		for _, tx := range list.Transactions {
			t, err := transaction(tx)
			if err != nil {
				return nil, err
			}
			found = append(found, t)
		}
	}
	if len(found) < len(ids.IDs) {
		return nil, fmt.Errorf("the gateway named %d transactions and showed %d", len(ids.IDs), len(found))
	}
	return found, nil
}

// step reads the answer to a change of a transaction.
func step(tx *bt.Transaction, err error) (payment.Transaction, error) {
	if err != nil {
		return payment.Transaction{}, class(err)
	}
	return transaction(tx)
}

// Codes of Braintree's validation errors that have a meaning for us.
const refundNeedsSettlement = "91506"

// class sorts the errors of the library.
func class(err error) error {
	var answer *bt.BraintreeError
	if errors.As(err, &answer) && answer.StatusCode() == http.StatusUnprocessableEntity {
		code, message := firstFault(answer)
		if code == refundNeedsSettlement {
			code = payment.CodeNotSettled
		}
		return &payment.Refusal{Code: code, Message: message}
	}
	var status bt.APIError
	if errors.As(err, &status) && status.StatusCode() >= 400 && status.StatusCode() < 500 && status.StatusCode() != http.StatusRequestTimeout {
		return app.ErrNotSent.WithCause(err) // it was turned away at the door: credentials, path, version, rate
	}
	if fault.KindOf(err) == fault.Unavailable {
		return app.ErrNotSent.WithCause(err)
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// firstFault is the first of the validation errors by code, so that the same answer gives the same code.
func firstFault(e *bt.BraintreeError) (code, message string) {
	all := e.All()
	slices.SortFunc(all, func(a, b bt.ValidationError) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	if len(all) == 0 {
		return "refused", e.ErrorMessage
	}
	return all[0].Code, all[0].Message
}
