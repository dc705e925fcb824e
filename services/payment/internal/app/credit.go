package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// The faults of credit. A code that cannot be one and one that nobody has are answered alike.
var (
	ErrNoCredit = fault.New(fault.NotFound, "credit-not-found", "There is no such credit.")
	ErrNoCard   = fault.New(fault.NotFound, "gift-card-not-found", "There is no such gift card.")
	ErrGuesses  = fault.New(fault.RateLimited, "rate-limited", "Too many wrong codes: wait a little.").WithRetryAfter(time.Second)
)

// Wrong codes that this process answers at each of its two doors, from whomever they come. It is more than the gateway lets one address ask
// for balances, so that one address keeps nobody else from asking; and who guesses by paying keeps nobody from asking either.
const (
	guessBurst = 300
	guessRate  = 60 // a second
)

// guesses counts wrong codes. A code is counted before anybody knows whether it is wrong, so that many at once are no way around it.
type guesses struct {
	mu   sync.Mutex
	left float64
	at   time.Time
}

// take counts a code, or returns false when there were too many wrong ones.
func (g *guesses) take(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.After(g.at) {
		g.left, g.at = min(guessBurst, g.left+now.Sub(g.at).Seconds()*guessRate), now
	}
	if g.left < 1 {
		return false
	}
	g.left--
	return true
}

// giveBack says that a code which was counted is right, or that nobody was told of it.
func (g *guesses) giveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = min(guessBurst, g.left+1)
}

// Issue is the command to issue credit: a gift card, or a customer's store credit.
type Issue struct {
	ID         string // the same for the same request
	CustomerID string // empty: a gift card
	Amount     money.Amount
	ExpiresAt  time.Time // zero: never
	Reason     string
	Actor      string
	Hash       []byte // of the request; nil: none
}

// Adjustment is the command to change a balance, up or down.
type Adjustment struct {
	OperationID, CreditID string
	Amount                money.Amount
	Reason, Actor         string
}

// CodeOf is what is kept of a code.
type CodeOf struct {
	Hash []byte
	End  string
}

// CreditStore keeps credit and its ledger.
type CreditStore interface {
	// Issue makes a credit with its first entry, or returns the one of this id and true. Fault: ErrReused.
	Issue(ctx context.Context, i Issue, code CodeOf, now time.Time) (payment.Credit, bool, error)
	// Adjust writes an adjustment once, or returns true when it was there. Faults: ErrNoCredit, ErrReused, payment.ErrBalance.
	Adjust(ctx context.Context, m Adjustment, now time.Time) (payment.Credit, bool, error)
	// ReplaceCode gives a gift card another code. Fault: ErrNoCredit.
	ReplaceCode(ctx context.Context, id string, code CodeOf, actor string, now time.Time) (payment.Credit, error)
	// ByCode finds a gift card. Fault: ErrNoCard.
	ByCode(ctx context.Context, hash []byte) (payment.Credit, error)
	// OfCustomer returns the store credit of a customer that has a balance, what runs out first first.
	OfCustomer(ctx context.Context, customerID string) ([]payment.Credit, error)
	// Expire empties what has run out, n at most, and says how many.
	Expire(ctx context.Context, now time.Time, n int) (int, error)
}

// Credits issues gift cards and store credit, and tells what they are worth.
type Credits struct {
	App     *App
	Store   CreditStore
	guesses guesses
}

// NewCredits returns the credits of an app.
func NewCredits(a *App, store CreditStore) *Credits {
	return &Credits{App: a, Store: store}
}

// codeHash returns what is kept of a code, however it is written; false for what cannot be one.
func codeHash(code string) ([]byte, bool) { return payment.CodeHash(paymentapi.PlainCode(code)) }

// newCode draws a code. It is shown once and kept nowhere.
func newCode() (string, CodeOf) {
	for {
		var random [payment.CodeLength]byte
		_, _ = rand.Read(random[:]) // never fails
		code := payment.Code(random)
		if hash, ok := codeHash(code); ok && !card.Held(code) { // no door would take it
			return code, CodeOf{Hash: hash, End: payment.CodeEnd(code)}
		}
	}
}

// Issued is a credit that was issued. Code is set once: for the call that made it.
type Issued struct {
	payment.Credit
	Code     string
	Replayed bool
}

// Issue issues credit, once per id.
func (c *Credits) Issue(ctx context.Context, i Issue) (Issued, error) {
	now := c.App.now()
	var f fault.Collector
	f.Check(i.Amount.IsPositive(), "body.amount.amount", "must be above zero", i.Amount.Minor)
	f.Check(c.App.takes(i.Amount.Currency), "body.amount.currency", "no payment is taken in it", string(i.Amount.Currency))
	f.Check(i.ExpiresAt.IsZero() || i.ExpiresAt.After(now), "body.expires_at", "must be in the future", nil)
	f.Check(i.CustomerID == "" || customerForm.MatchString(i.CustomerID), "body.customer_id", "must be 1 to 36 letters, digits, _ or -", nil)
	if err := f.Err(); err != nil {
		return Issued{}, err
	}
	i.ExpiresAt = i.ExpiresAt.UTC().Truncate(time.Microsecond)
	var out Issued
	var code CodeOf
	if i.CustomerID == "" {
		out.Code, code = newCode()
	}
	var err error
	if out.Credit, out.Replayed, err = c.Store.Issue(ctx, i, code, now); err != nil || out.Replayed {
		out.Code = ""
		return out, err
	}
	c.App.Log.Info("credit", "event", string(payment.CreditIssued), "credit_id", out.ID, "kind", string(out.Kind), "amount", i.Amount.String(), "actor", i.Actor)
	return out, nil
}

// Adjust changes a balance, once per operation.
func (c *Credits) Adjust(ctx context.Context, m Adjustment) (payment.Credit, bool, error) {
	var f fault.Collector
	f.Check(!m.Amount.IsZero(), "body.amount.amount", "must not be zero", m.Amount.Minor)
	f.Check(m.Reason != "", "body.reason", "must be given", nil)
	if err := f.Err(); err != nil {
		return payment.Credit{}, false, err
	}
	credit, replayed, err := c.Store.Adjust(ctx, m, c.App.now())
	if err == nil && !replayed {
		c.App.Log.Info("credit", "event", string(payment.CreditAdjusted), "credit_id", credit.ID, "amount", m.Amount.String(), "actor", m.Actor)
	}
	return credit, replayed, err
}

// ReplaceCode gives a gift card another code; the old one is worth nothing from now on.
func (c *Credits) ReplaceCode(ctx context.Context, id, actor string) (Issued, error) {
	code, kept := newCode()
	credit, err := c.Store.ReplaceCode(ctx, id, kept, actor, c.App.now())
	return Issued{Credit: credit, Code: code}, err
}

// Balance tells whoever has the code of a gift card what it is worth. Wrong codes are counted; after many of them nobody is told
// anything for a while.
func (c *Credits) Balance(ctx context.Context, code string) (payment.Credit, error) {
	if !c.guesses.take(c.App.now()) {
		return payment.Credit{}, ErrGuesses
	}
	credit, err := payment.Credit{}, error(ErrNoCard)
	if hash, ok := codeHash(code); ok {
		credit, err = c.Store.ByCode(ctx, hash)
	}
	if fault.CodeOf(err) != ErrNoCard.Code {
		c.guesses.giveBack()
	}
	return credit, err
}

// StoreCredit returns what a customer may spend, what runs out first first, and its sums by currency.
func (c *Credits) StoreCredit(ctx context.Context, customerID string) (spendable []payment.Credit, totals []money.Amount, err error) {
	if err := checkCustomer(customerID); err != nil {
		return nil, nil, err
	}
	all, err := c.Store.OfCustomer(ctx, customerID)
	if err != nil {
		return nil, nil, err
	}
	at := map[money.Currency]int{}
	for _, credit := range all {
		if credit.Expired(c.App.now()) {
			continue
		}
		spendable = append(spendable, credit)
		i, seen := at[credit.Balance.Currency]
		if !seen {
			at[credit.Balance.Currency], totals = len(totals), append(totals, credit.Balance)
			continue
		}
		if totals[i], err = totals[i].Add(credit.Balance); err != nil {
			return nil, nil, fmt.Errorf("store credit: %w", err)
		}
	}
	return spendable, totals, nil
}

const expireBatch = 100

// Expire empties what has run out. It may run on several replicas.
func (c *Credits) Expire(ctx context.Context) error {
	for {
		n, err := c.Store.Expire(ctx, c.App.now(), expireBatch)
		if err != nil || n < expireBatch {
			return err
		}
	}
}
