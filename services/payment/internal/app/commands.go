package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// The clock of an operation: the binding gives up after 10 s, the call after 11, the whole answer after 13; the lease outlives them.
const (
	callTime   = 11 * time.Second
	answerTime = 13 * time.Second
	LeaseTime  = 20 * time.Second
)

// Authorisation is the command to reserve money.
type Authorisation struct {
	OperationID, PaymentID, OrderID string
	Attempt                         int
	Amount                          money.Amount
	Nonce, MethodID, DeviceData     string
	CustomerID                      string   // of a signed-in shopper; MethodID must be theirs
	Provider                        string   // BankTransfer or CashOnDelivery, in place of Nonce and MethodID
	Country                         string   // where it is sent, for what is offered there
	Channel                         string   // of sales, likewise
	GiftCards                       []string // codes; none is stored or logged
	StoreCredit                     bool     // of CustomerID
	Shopper                         Shopper
	Like                            string // a captured payment of the order, whose means are charged once more, in place of all others
}

// Movement is the command to capture, void or refund. Amount nil is the whole. Actor and Hash are set for staff.
type Movement struct {
	Kind                   payment.Kind
	OperationID, PaymentID string
	Amount                 *money.Amount
	More                   bool      // of a capture: others may follow
	ToCredit               bool      // of a refund: as store credit of the customer
	Expires                time.Time // that; zero: never
	Reason, Actor          string
	Hash                   []byte
}

// Answer is what is known of an operation.
type Answer struct {
	Record
	RetryAfter  time.Duration // when pending
	Replayed    bool          // the operation was there before
	InReview    bool          // staff have not decided yet
	ReviewUntil time.Time     // of InReview
}

// reviewWait is when to ask again for a payment that people look at. Others hear of their decision, so asking is for what got lost.
const reviewWait = time.Hour

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

const maxText = 255

func checkIDs(c *fault.Collector, operationID, paymentID string) {
	c.Check(idForm.MatchString(operationID), "body.operation_id", "must be 1 to 200 letters, digits, . _ or -", nil)
	c.Check(idForm.MatchString(paymentID), "body.payment_id", "must be 1 to 200 letters, digits, . _ or -", nil)
}

func (m Authorisation) check() error {
	for _, text := range append([]string{m.OperationID, m.PaymentID, m.OrderID, m.Nonce, m.MethodID, m.DeviceData, m.CustomerID, m.Like}, m.GiftCards...) {
		if card.Held(text) {
			return card.ErrRefused
		}
	}
	var c fault.Collector
	checkIDs(&c, m.OperationID, m.PaymentID)
	c.Check(idForm.MatchString(m.OrderID), "body.order_id", "must be 1 to 200 letters, digits, . _ or -", nil)
	c.Check(m.Attempt >= 1 && m.PaymentID == fmt.Sprintf("%s-%d", m.OrderID, m.Attempt), "body.payment_id", "must be <order id>-<attempt>", nil)
	c.Check(m.Amount.IsPositive(), "body.amount.amount", "must be above zero", m.Amount.Minor)
	c.Check(m.Nonce == "" || m.MethodID == "", "body.payment_method_nonce", "must not be given beside payment_method_id", nil)
	c.Check(m.Provider == "" || m.Nonce == "" && m.MethodID == "", "body.payment_provider", "must not be given beside another means of payment", nil)
	means := m.Nonce != "" || m.MethodID != "" || m.Provider != "" || m.wanted() != nil
	c.Check(m.Like == "" || !means, "body.like", "must not be given beside a means of payment", nil)
	c.Check(m.Like == "" || idForm.MatchString(m.Like), "body.like", "must be 1 to 200 letters, digits, . _ or -", nil)
	c.Check((m.Like != "") == (m.Attempt >= payment.FirstRepeat), "body.attempt", fmt.Sprintf("must be %d or more for a payment like another, and for no other", payment.FirstRepeat), m.Attempt)
	c.Check(means || m.Like != "", "body.payment_method_nonce", "a means of payment is needed", nil)
	c.Check(len(m.GiftCards) <= MaxGiftCards, "body.gift_cards", fmt.Sprintf("must be %d at most", MaxGiftCards), nil)
	c.Check(!m.StoreCredit || m.CustomerID != "", "body.store_credit", "needs a customer_id", nil)
	c.Check(len(m.Nonce) <= maxText, "body.payment_method_nonce", "is too long", nil)
	c.Check(m.CustomerID == "" || customerForm.MatchString(m.CustomerID), "body.customer_id", "must be 1 to 36 letters, digits, _ or -", nil)
	c.Check(len(m.MethodID) <= maxText, "body.payment_method_id", "is too long", nil)
	return c.Err()
}

// MaxGiftCards is how many gift cards a payment may be made with.
const MaxGiftCards = 5

// wanted is the credit that a payment is to be made with, or nil.
func (m Authorisation) wanted() *payment.Wanted {
	if len(m.GiftCards) == 0 && !m.StoreCredit {
		return nil
	}
	w := &payment.Wanted{Alone: m.Nonce == "" && m.MethodID == "" && m.Provider == ""}
	for _, code := range m.GiftCards {
		hash, _ := codeHash(code) // nil is found nowhere
		w.Cards = append(w.Cards, hash)
	}
	if m.StoreCredit {
		w.CustomerID = m.CustomerID
	}
	return w
}

// Authorise reserves money, at most once per operation id, and answers what is known.
func (a *App) Authorise(ctx context.Context, m Authorisation) (Answer, error) {
	if err := m.check(); err != nil {
		return Answer{}, err
	}
	offer, account, err := a.offer(m)
	if err != nil {
		return Answer{}, err
	}
	now := a.now()
	if len(m.GiftCards) > 0 && !a.guesses.take(now) {
		return Answer{}, ErrGuesses
	}
	p := payment.New(m.PaymentID, m.OrderID, m.Attempt, offer.Provider, account, m.Amount)
	p.CustomerID, p.Channel, p.Like = m.CustomerID, m.Channel, m.Like
	answer, err := a.do(ctx, Start{New: &p, Credit: m.wanted(), Promise: m.promise(offer), Record: Record{
		Operation: payment.Operation{ID: m.OperationID, PaymentID: m.PaymentID, Kind: payment.Authorise, Amount: m.Amount, SentAt: now}}},
		Sale{Reference: m.PaymentID, Account: account, Amount: m.Amount, Nonce: m.Nonce, MethodID: m.MethodID, DeviceData: m.DeviceData,
			CustomerID: m.CustomerID, Shopper: m.Shopper, OrderID: m.OrderID, PayWithin: offer.PayWithin, Provider: offer.Provider, Channel: m.Channel, Country: m.Country, Like: m.Like}, now)
	if len(m.GiftCards) > 0 && (err != nil || answer.Outcome.Code != payment.CodeGiftCard) {
		a.guesses.giveBack()
	}
	if m.Attempt > 1 && m.Like == "" && err == nil && answer.Outcome.Result == payment.Succeeded {
		a.supersede(ctx, m)
	}
	return answer, err
}

// promise is what a payment that people take must keep to, or nil.
func (m Authorisation) promise(o Offer) *Promise {
	limit := o.Amounts[m.Amount.Currency].Open
	if limit == 0 || m.Provider == "" {
		return nil
	}
	p := &Promise{Limit: limit}
	for _, k := range attemptKeys(Sale{CustomerID: m.CustomerID, Shopper: Shopper{Email: m.Shopper.Email}}) {
		if k.Key != payment.ByOrder {
			p.Keys = append(p.Keys, k)
		}
	}
	return p
}

// offer returns who takes what credit does not cover, and the account there.
func (a *App) offer(m Authorisation) (o Offer, account string, err error) {
	provider := m.Provider
	if provider == "" {
		var ok bool
		if account, ok = a.Accounts[m.Amount.Currency]; !ok {
			return o, "", ErrCurrency
		}
		provider = Provider
	}
	o, ok := a.Offers.Find(provider, Sold{Country: m.Country, Channel: m.Channel, Amount: m.Amount})
	if !ok && (m.Provider != "" || m.Nonce != "" || m.MethodID != "") {
		return o, "", ErrNotOffered
	}
	o.Provider = provider
	return o, account, nil
}

// Move captures, voids or refunds, at most once per operation id, and answers what is known. While another operation of the
// payment has no answer, nothing is written, and the answer is pending: ask again.
func (a *App) Move(ctx context.Context, m Movement) (Answer, error) {
	for _, text := range []string{m.OperationID, m.PaymentID, m.Reason} {
		if card.Held(text) {
			return Answer{}, card.ErrRefused
		}
	}
	var c fault.Collector
	checkIDs(&c, m.OperationID, m.PaymentID)
	c.Check(len(m.Reason) <= maxText, "body.reason", "is too long", nil)
	start := Start{Whole: m.Amount == nil, Record: Record{Reason: m.Reason, Actor: m.Actor, Hash: m.Hash,
		Operation: payment.Operation{ID: m.OperationID, PaymentID: m.PaymentID, Kind: m.Kind, More: m.More, ToCredit: m.ToCredit, Expires: m.Expires.UTC().Truncate(time.Microsecond)}}}
	if m.Amount != nil {
		end := m.Kind == payment.Capture && !m.More && m.Amount.IsZero() // of captures in parts
		c.Check(m.Amount.IsPositive() || end, "body.amount.amount", "must be above zero", m.Amount.Minor)
		start.Amount = *m.Amount
	}
	c.Check(m.Expires.IsZero() || m.ToCredit && m.Expires.After(a.now()), "body.expires_at", "is for store credit, and must be in the future", nil)
	c.Check(!m.More || m.Amount != nil, "body.amount", "is needed when other captures follow", nil)
	if err := c.Err(); err != nil {
		return Answer{}, err
	}
	if m.ToCredit && a.settled != nil {
		if err := a.settled(ctx, m.PaymentID); err != nil && !errors.Is(err, ErrNotFound) {
			a.Log.Warn("whether it has settled is not known, our books decide", "payment_id", m.PaymentID, "error", err)
		}
	}
	now := a.now()
	start.SentAt = now
	return a.do(ctx, start, Sale{}, now)
}

// do begins an operation or finds it, performs it if it is free, and answers what is known.
func (a *App) do(ctx context.Context, s Start, sale Sale, now time.Time) (Answer, error) {
	begun, err := a.Store.Begin(ctx, s, now)
	inReview := errors.Is(err, payment.ErrInReview)
	if (inReview || errors.Is(err, payment.ErrBusy)) && s.Actor == "" {
		wait := time.Second
		if inReview {
			wait = reviewWait
		}
		if s.Whole {
			s.Amount = begun.Payment.Amount
		}
		s.Outcome = payment.Outcome{Result: payment.StillUnknown, Amount: s.Amount}
		s.CreatedAt = now
		return Answer{Record: s.Record, RetryAfter: wait, InReview: inReview, ReviewUntil: begun.Payment.ReviewUntil}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	out := Answer{Record: begun.Record, Replayed: !begun.Fresh, InReview: begun.Payment.Review == payment.ReviewPending, ReviewUntil: begun.Payment.ReviewUntil}
	if begun.Mine && begun.Outcome.Result == payment.StillUnknown {
		// Whoever asked may hang up; the money is on its way nevertheless.
		work, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		d := &driving{app: a, lease: begun.Lease, sale: sale, fresh: begun.Fresh, refusal: begun.Refused}
		d.sale.Amount, d.payWithin = begun.Gateway(), sale.PayWithin
		out.Record = d.run(work)
		if !d.review.IsZero() {
			out.InReview, out.ReviewUntil = true, d.review
		}
	}
	if out.Outcome.Result == payment.StillUnknown {
		out.RetryAfter = backoff(out.Tries)
		if !begun.Mine {
			out.RetryAfter = 500 * time.Millisecond
		}
	}
	return out, nil
}

// backoff grows from 1 s to 30 s.
func backoff(tries int) time.Duration {
	return min(time.Second<<min(max(tries-1, 0), 5), 30*time.Second)
}
