package ledger

import (
	"slices"
	"strings"
	"time"
)

// SaleRequest is a request for a sale as it came in, unchecked.
type SaleRequest struct {
	Type, Amount, OrderID, Account, Nonce, Token string
	Channel, PONumber, TaxAmount, Device         string
	TaxExempt                                    bool
	Customer                                     *Customer
	Billing, Shipping                            *Address
	Fields                                       []Field
	Statement                                    *Descriptor
	SubmitForSettlement                          bool
	StoreInVault, StoreInVaultOnSuccess          bool
	ThreeDSecureRequired                         bool
	CVV                                          string // test values only: what the bank says of it
}

const (
	maxOrderID      = 255
	authorisedFor   = 7 * 24 * time.Hour // Visa's documented period
	apiUser         = "api"
	settlementUser  = "settlement"
	controlUser     = "control"
	duplicateReason = "duplicate"
)

// Sale decides about a sale. It answers the transaction, which may be a decline (see Succeeded), and what to record; or a
// *Refusal with every fault of the request at once.
func (b *Book) Sale(q SaleRequest, terms Terms) (*Transaction, []Record, error) {
	account, amount, fake, err := b.check(q, terms)
	if err != nil {
		return nil, nil, err
	}
	t := &Transaction{
		ID: b.fresh(terms), Kind: Sale, Amount: amount, OrderID: q.OrderID, Account: account.ID,
		Channel: q.Channel, PONumber: q.PONumber, TaxAmount: q.TaxAmount, TaxExempt: q.TaxExempt, Device: q.Device,
		Method: fake.method, Token: b.tokenOf(q), Customer: b.customerOf(q), Billing: q.Billing, Shipping: q.Shipping,
		Fields: q.Fields, Statement: q.Statement, Created: terms.Now,
	}
	v := b.judge(t, fake.fate, q.ThreeDSecureRequired, terms)
	t.Processor, t.Rejection = v.response, v.rejection
	if v.status != GatewayRejected || v.rejection == "avs" || v.rejection == "cvv" {
		t.AVS, t.CVV = avsOf(q.Billing), cvvOf(q.CVV)
	}
	t = b.authorised(t.next(v.status, apiUser, terms.Now), terms)
	if v.status == Authorized && q.SubmitForSettlement {
		to, err := t.Target(StepSubmit)
		if err != nil {
			return nil, nil, err
		}
		t = t.next(to, apiUser, terms.Now)
	}
	var records []Record
	if t.Token == "" && (q.StoreInVault || q.StoreInVaultOnSuccess && t.Succeeded()) {
		kept, err := b.store(t, terms)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, kept...)
	}
	records = append(records, Record{Transaction: t})
	if fake.fate != fateDisputed || t.Status != Submitted {
		return t, records, nil
	}
	disputed, err := b.disputedAtOnce(t, terms)
	return t, append(records, disputed...), err
}

// disputedAtOnce settles a sale of the test card of disputes and opens a dispute against it: the whole amount, with the reason code
// that the amount sets. The answer to the sale is that of any other.
func (b *Book) disputedAtOnce(t *Transaction, terms Terms) ([]Record, error) {
	settled := t.next(Settled, settlementUser, terms.Now)
	b.transactions[t.ID] = settled // so that the dispute sees it; recorded below
	defer delete(b.transactions, t.ID)
	_, opened, err := b.OpenDispute(DisputeRequest{Transaction: t.ID, ReasonCode: reasonOfAmount[t.Amount.hundredths()]}, terms)
	return append([]Record{{Transaction: settled}}, opened...), err
}

// authorised completes a sale that the processor has approved.
func (b *Book) authorised(t *Transaction, terms Terms) *Transaction {
	if t.Status == Authorized {
		t.Authorize = t.Amount.Minor
		t.AuthCode = strings.ToUpper(terms.NewID())[:6]
		t.AuthExpires = terms.Now.Add(authorisedFor)
	}
	return t
}

// check validates the request and collects every fault.
func (b *Book) check(q SaleRequest, terms Terms) (Account, Money, fakeNonce, error) {
	var faults []*Problem
	switch q.Type {
	case string(Sale):
	case "":
		faults = append(faults, typeIsRequired)
	case string(Credit):
		faults = append(faults, creditsUnsupported)
	default:
		faults = append(faults, typeIsInvalid)
	}
	account, bad := accountFor(q.Account, terms.Accounts)
	faults = append(faults, bad)
	amount, bad := parseAmount(q.Amount, account.Currency)
	faults = append(faults, bad)
	if len(q.OrderID) > maxOrderID {
		faults = append(faults, orderIDIsTooLong)
	}
	if _, bad := parseAmount(q.TaxAmount, account.Currency); bad == amountIsInvalid {
		faults = append(faults, taxIsInvalid)
	}
	fake, bad := b.methodFor(q)
	faults = append(faults, bad)
	return account, amount, fake, refuse(faults...)
}

func accountFor(id string, accounts []Account) (Account, *Problem) {
	if id == "" {
		return accounts[0], nil
	}
	i := slices.IndexFunc(accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return accounts[0], accountIsInvalid
	}
	return accounts[i], nil
}

func (b *Book) methodFor(q SaleRequest) (fakeNonce, *Problem) {
	switch {
	case q.Nonce != "" && q.Token != "":
		return fakeNonce{}, methodConflict
	case q.Token != "":
		v, err := b.Token(q.Token)
		if err != nil || q.Customer != nil && q.Customer.ID != "" && q.Customer.ID != v.CustomerID {
			return fakeNonce{}, tokenIsInvalid
		}
		return fakeNonce{method: v.Method}, nil
	case q.Nonce == "" && q.Customer != nil && q.Customer.ID != "": // the customer's default
		if v := b.DefaultOf(q.Customer.ID); v != nil {
			return fakeNonce{method: v.Method}, nil
		}
		return fakeNonce{}, customerIsInvalid
	case q.Nonce == "":
		return fakeNonce{}, noPaymentMethod
	}
	fake, ok := resolve(q.Nonce)
	switch {
	case !ok:
		return fake, nonceUnknown
	case fake.fate == fateConsumed:
		return fake, nonceConsumed
	case fake.fate == fateLuhn:
		return fake, numberIsInvalid
	}
	return fake, nil
}

// judge decides what becomes of a valid sale: the gateway's own checks first, then the processor.
func (b *Book) judge(t *Transaction, f fate, secureRequired bool, terms Terms) verdict {
	rejected := func(reason string) verdict { return verdict{status: GatewayRejected, rejection: reason} }
	switch {
	case f == fateFraud:
		return rejected("fraud")
	case f == fateRisk:
		return rejected("risk_threshold")
	case secureRequired && t.Method.Type == Card && (t.Method.Secure == nil || !t.Method.Secure.Shifted):
		return rejected("three_d_secure")
	case b.duplicate(t, terms):
		return rejected(duplicateReason)
	}
	if terms.TestAmounts {
		if v := testAmount(t.Amount, t.Method); v.status != Authorized {
			return v
		}
	}
	switch f {
	case fateDeclined:
		return verdict{status: ProcessorDeclined, response: declined(2000)}
	case fateFailed:
		return verdict{status: Failed, response: unavailable}
	}
	return verdict{status: Authorized, response: approved}
}

// duplicate tells whether a like sale succeeded within the window, voided ones included. PayPal is not checked.
// Source: "Duplicate transaction checking" of the public documentation.
func (b *Book) duplicate(t *Transaction, terms Terms) bool {
	if terms.DuplicateWindow <= 0 || t.Method.Type == PayPal {
		return false
	}
	earlier := b.transactions[b.latest[samenessOf(t)]]
	return earlier != nil && terms.Now.Sub(earlier.Created) < terms.DuplicateWindow
}
