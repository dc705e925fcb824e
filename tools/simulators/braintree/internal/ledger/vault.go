package ledger

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Profile is a customer in the vault.
type Profile struct {
	Customer
	Fax, Website     string
	Fields           []Field
	Created, Updated time.Time
	Deleted          bool
}

// MethodRequest stores or changes a payment method. Nonce is needed to store one.
type MethodRequest struct {
	CustomerID, Token, Nonce, Holder string
	MakeDefault, FailOnDuplicate     bool
	VerifyCard                       bool
}

func onCustomer(attribute, code, message string) *Problem {
	return &Problem{Object: "customer", Attribute: attribute, Code: code, Message: message}
}

func onMethod(attribute, code, message string) *Problem {
	return &Problem{Object: "payment-method", Attribute: attribute, Code: code, Message: message}
}

// The validation errors of the vault.
var (
	customerIDInUse     = onCustomer("id", "91609", "Customer ID has already been taken.")
	customerIDBad       = onCustomer("id", "91610", "Customer ID is invalid (use only letters, numbers, '-', and '_').")
	customerIDForbidden = onCustomer("id", "91611", "Customer ID is not an allowed ID.")
	customerIDTooLong   = onCustomer("id", "91612", "Customer ID is too long (maximum is 36 characters).")
	customerEmailBad    = onCustomer("email", "81604", "Email is an invalid format.")
	methodNonceNeeded   = onMethod("payment_method_nonce", "93103", "Nonce is required.")
	methodOwnerNeeded   = onMethod("customer_id", "93104", "Customer ID is required.")
	methodOwnerBad      = onMethod("customer_id", "93105", "Customer ID is invalid.")
	methodNonceConsumed = onMethod("payment_method_nonce", "93107", "Cannot use a payment_method_nonce more than once.")
	methodNonceUnknown  = onMethod("payment_method_nonce", "93108", "Unknown or expired payment_method_nonce.")
	tokenInUse          = &Problem{Object: "credit-card", Attribute: "token", Code: "91718", Message: "Token has already been taken."}
	tokenBad            = &Problem{Object: "credit-card", Attribute: "token", Code: "91728", Message: "Token is invalid (use only letters, numbers, '-', and '_')."}
	methodTwice         = &Problem{Object: "credit-card", Attribute: "number", Code: "81724", Message: "Duplicate card exists in the vault."}
	methodNumberBad     = &Problem{Object: "credit-card", Attribute: "number", Code: "81715", Message: "Credit card number is invalid."}
)

var vaultID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,36}$`)

func checkCustomer(c Customer) error {
	var faults []*Problem
	switch {
	case len(c.ID) > 36:
		faults = append(faults, customerIDTooLong)
	case c.ID == "all" || c.ID == "new":
		faults = append(faults, customerIDForbidden)
	case c.ID != "" && !vaultID.MatchString(c.ID):
		faults = append(faults, customerIDBad)
	}
	if c.Email != "" && !strings.Contains(c.Email, "@") {
		faults = append(faults, customerEmailBad)
	}
	return refuse(faults...)
}

// Profile answers the customer, or ErrNotFound.
func (b *Book) Profile(id string) (*Profile, error) {
	if p, ok := b.profiles[id]; ok && !p.Deleted {
		return p, nil
	}
	return nil, ErrNotFound
}

// Profiles answers every customer that is not deleted, the youngest first.
func (b *Book) Profiles() []*Profile {
	var all []*Profile
	for _, p := range b.profiles {
		if !p.Deleted {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y *Profile) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID)) })
	return all
}

// CreateProfile makes a customer, and stores a payment method with it when there is a nonce.
func (b *Book) CreateProfile(p Profile, nonce string, terms Terms) (*Profile, []Record, error) {
	if err := checkCustomer(p.Customer); err != nil {
		return nil, nil, err
	}
	if _, err := b.Profile(p.ID); err == nil {
		return nil, nil, refuse(customerIDInUse)
	}
	if p.ID == "" {
		p.ID = b.fresh(terms)
	}
	p.Created, p.Updated = terms.Now, terms.Now
	records := []Record{{Profile: &p}}
	if nonce == "" {
		return &p, records, nil
	}
	v, err := b.vaulted(MethodRequest{CustomerID: p.ID, Nonce: nonce}, terms)
	if err != nil {
		return nil, nil, err
	}
	v.Default = true
	return &p, append(records, Record{Vaulted: v}), nil
}

// UpdateProfile changes what the request names. A default token makes that method the default.
func (b *Book) UpdateProfile(id string, change Profile, defaultToken string, terms Terms) (*Profile, []Record, error) {
	old, err := b.Profile(id)
	if err != nil {
		return nil, nil, err
	}
	if err := checkCustomer(change.Customer); err != nil {
		return nil, nil, err
	}
	n := *old
	for _, f := range []struct{ into, from *string }{{&n.FirstName, &change.FirstName}, {&n.LastName, &change.LastName}, {&n.Company, &change.Company},
		{&n.Email, &change.Email}, {&n.Phone, &change.Phone}, {&n.Fax, &change.Fax}, {&n.Website, &change.Website}} {
		if *f.from != "" {
			*f.into = *f.from
		}
	}
	n.Updated = terms.Now
	records := []Record{{Profile: &n}}
	if defaultToken != "" {
		v, err := b.Token(defaultToken)
		if err != nil || v.CustomerID != id {
			return nil, nil, refuse(onCustomer("default_payment_method_token", "91518", "Payment method token is invalid."))
		}
		records = append(records, b.makeDefault(v, terms)...)
	}
	return &n, records, nil
}

// DeleteProfile deletes a customer with all payment methods.
func (b *Book) DeleteProfile(id string, terms Terms) ([]Record, error) {
	old, err := b.Profile(id)
	if err != nil {
		return nil, err
	}
	n := *old
	n.Deleted, n.Updated = true, terms.Now
	records := []Record{{Profile: &n}}
	for _, v := range b.MethodsOf(id) {
		gone := *v
		gone.Deleted, gone.Updated = true, terms.Now
		records = append(records, Record{Vaulted: &gone})
	}
	return records, nil
}

// MethodsOf answers the payment methods of a customer, oldest first.
func (b *Book) MethodsOf(customer string) []*Vaulted {
	var all []*Vaulted
	for _, v := range b.Vault() {
		if v.CustomerID == customer && !v.Deleted {
			all = append(all, v)
		}
	}
	return all
}

// DefaultOf answers the default payment method of a customer, or nil.
func (b *Book) DefaultOf(customer string) *Vaulted {
	all := b.MethodsOf(customer)
	if i := slices.IndexFunc(all, func(v *Vaulted) bool { return v.Default }); i >= 0 {
		return all[i]
	}
	return nil
}

// AddMethod stores a payment method of a customer; the first one is the default.
func (b *Book) AddMethod(q MethodRequest, terms Terms) (*Vaulted, []Record, error) {
	if _, err := b.Profile(q.CustomerID); err != nil {
		if q.CustomerID == "" {
			return nil, nil, refuse(methodOwnerNeeded)
		}
		return nil, nil, refuse(methodOwnerBad)
	}
	v, err := b.vaulted(q, terms)
	if err != nil {
		return nil, nil, err
	}
	if !q.MakeDefault && b.DefaultOf(q.CustomerID) != nil {
		return v, []Record{{Vaulted: v}}, nil
	}
	return v, b.makeDefault(v, terms), nil
}

// vaulted makes a payment method out of a nonce.
func (b *Book) vaulted(q MethodRequest, terms Terms) (*Vaulted, error) {
	fake, ok := resolve(q.Nonce)
	var bad *Problem
	switch {
	case q.Nonce == "":
		bad = methodNonceNeeded
	case !ok:
		bad = methodNonceUnknown
	case fake.fate == fateConsumed:
		bad = methodNonceConsumed
	case fake.fate == fateLuhn:
		bad = methodNumberBad
	case q.Token != "" && !vaultID.MatchString(q.Token):
		bad = tokenBad
	case q.Token != "" && b.vault[q.Token] != nil:
		bad = tokenInUse
	case q.FailOnDuplicate && b.inVault(fake.method):
		bad = methodTwice
	}
	if bad != nil {
		return nil, refuse(bad)
	}
	if q.VerifyCard && fake.fate != fateTransactable {
		return nil, refuse(&Problem{Object: "credit-card", Attribute: "base", Code: "81736", Message: "CVV verification failed."})
	}
	method := fake.method
	method.Secure = nil // 3-D Secure is lost when a nonce is vaulted
	method.Holder = cmp.Or(q.Holder, method.Holder)
	return &Vaulted{Token: cmp.Or(q.Token, b.fresh(terms)), CustomerID: q.CustomerID, Method: method, Created: terms.Now, Updated: terms.Now}, nil
}

func (b *Book) inVault(m Method) bool {
	for _, v := range b.vault {
		if !v.Deleted && v.Method.fingerprint() == m.fingerprint() {
			return true
		}
	}
	return false
}

// makeDefault makes one of the customer's methods the default, and no other.
func (b *Book) makeDefault(v *Vaulted, terms Terms) []Record {
	n := *v
	n.Default, n.Updated = true, terms.Now
	records := []Record{{Vaulted: &n}}
	*v = n
	for _, other := range b.MethodsOf(v.CustomerID) {
		if other.Default && other.Token != v.Token {
			o := *other
			o.Default, o.Updated = false, terms.Now
			records = append(records, Record{Vaulted: &o})
		}
	}
	return records
}

// ChangeMethod makes a stored method the default, or puts another one behind its token.
func (b *Book) ChangeMethod(token string, q MethodRequest, terms Terms) (*Vaulted, []Record, error) {
	old, err := b.Token(token)
	if err != nil {
		return nil, nil, err
	}
	n := *old
	n.Updated = terms.Now
	if q.Nonce != "" {
		v, err := b.vaulted(MethodRequest{CustomerID: n.CustomerID, Nonce: q.Nonce}, terms)
		if err != nil {
			return nil, nil, err
		}
		n.Method = v.Method
	}
	n.Method.Holder = cmp.Or(q.Holder, n.Method.Holder)
	if q.MakeDefault {
		records := b.makeDefault(&n, terms)
		return &n, records, nil
	}
	return &n, []Record{{Vaulted: &n}}, nil
}

// Unvault deletes a stored payment method; the oldest other one becomes the default in its place.
func (b *Book) Unvault(token string, terms Terms) ([]Record, error) {
	v, err := b.Token(token)
	if err != nil {
		return nil, err
	}
	gone := *v
	gone.Deleted, gone.Default, gone.Updated = true, false, terms.Now
	records := []Record{{Vaulted: &gone}}
	for _, other := range b.MethodsOf(v.CustomerID) {
		if v.Default && other.Token != token {
			o := *other
			o.Default, o.Updated = true, terms.Now
			return append(records, Record{Vaulted: &o}), nil
		}
	}
	return records, nil
}

// store vaults the sale's payment method, and its customer with it.
func (b *Book) store(t *Transaction, terms Terms) ([]Record, error) {
	customer := Customer{}
	if t.Customer != nil {
		customer = *t.Customer
	}
	if err := checkCustomer(customer); err != nil {
		return nil, err
	}
	customer.ID = cmp.Or(customer.ID, b.fresh(terms))
	t.Customer, t.Token = &customer, b.fresh(terms)
	method := t.Method
	method.Secure = nil
	v := &Vaulted{Token: t.Token, CustomerID: customer.ID, Method: method, Created: terms.Now, Updated: terms.Now, Default: b.DefaultOf(customer.ID) == nil}
	records := []Record{{Vaulted: v}}
	if _, err := b.Profile(customer.ID); err != nil {
		records = append(records, Record{Profile: &Profile{Customer: customer, Created: terms.Now, Updated: terms.Now}})
	}
	return records, nil
}

// tokenOf is the vault token that a sale uses: its own, or that of its customer's default.
func (b *Book) tokenOf(q SaleRequest) string {
	if q.Token == "" && q.Nonce == "" && q.Customer != nil {
		if v := b.DefaultOf(q.Customer.ID); v != nil {
			return v.Token
		}
	}
	return q.Token
}

// customerOf is the customer of a sale: the vault's, when it pays with what is stored there.
func (b *Book) customerOf(q SaleRequest) *Customer {
	v, err := b.Token(b.tokenOf(q))
	if err != nil {
		return q.Customer
	}
	c := Customer{ID: v.CustomerID}
	if p, err := b.Profile(v.CustomerID); err == nil {
		c = p.Customer
	}
	return &c
}
