package app

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// The faults of the vault.
var (
	ErrNoMethod      = fault.New(fault.NotFound, "payment-method-not-found", "There is no such payment method.")
	ErrMethodRefused = fault.New(fault.Invalid, "payment-method-refused", "The payment method cannot be kept.")
	ErrMethodUnknown = fault.New(fault.Conflict, "request-in-progress", "Nobody knows yet whether the payment method was kept; ask again with the same key.")
)

// CodeMethod is the decline code of a payment by a method that is not there, or not the customer's.
const CodeMethod = "payment-method-unknown"

// customerForm is what a customer's id may look like, so that it can be the gateway's as well.
var customerForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,36}$`)

// Keeping is the command to keep a payment method: ID is the token that it gets. The nonce is neither stored nor logged.
type Keeping struct {
	ID, CustomerID, Nonce string
	MakeDefault           bool
	Hash                  []byte
}

// MethodRecord is a method with its status.
type MethodRecord struct {
	payment.Method
	Status       payment.MethodStatus
	WantsDefault bool
	Hash         []byte
	Code         string
	Replayed     bool
	Mine         bool // this caller may work on it until LeaseTime has passed
}

// VaultGateway is where payment methods are kept. Errors as those of Gateway; ErrNoMethod when there is no such token.
type VaultGateway interface {
	// EnsureCustomer makes a customer of this id, if there is none.
	EnsureCustomer(ctx context.Context, id string) error
	// KeepMethod stores what a nonce stands for under a token.
	KeepMethod(ctx context.Context, customerID, token, nonce string) (payment.Method, error)
	Method(ctx context.Context, token string) (payment.Method, error)
	MakeDefault(ctx context.Context, token string) error
	// DropMethod deletes a method; one that is not there is no error.
	DropMethod(ctx context.Context, token string) error
}

// CodeNoCustomer is the refusal of a method whose customer the gateway does not know.
const CodeNoCustomer = "customer-unknown"

// VaultStore keeps what we know of methods.
type VaultStore interface {
	// BeginMethod notes a method before the gateway hears of it, or returns what is known, leased to the caller when it is
	// pending and free. Fault: ErrReused.
	BeginMethod(ctx context.Context, k Keeping, now time.Time) (MethodRecord, error)
	// KeptMethod notes what became of it: stored with its facts, or refused.
	KeptMethod(ctx context.Context, r MethodRecord, now time.Time) (payment.Method, error)
	// Methods returns the stored methods of a customer, the default first, then oldest first.
	Methods(ctx context.Context, customerID string) ([]payment.Method, error)
	// SetDefault makes one the default, and no other. Fault: ErrNoMethod, also when it is another customer's.
	SetDefault(ctx context.Context, customerID, id string, now time.Time) (payment.Method, error)
	// Drop makes a method unusable at once. Fault: ErrNoMethod, also when it is another customer's.
	Drop(ctx context.Context, customerID, id string, now time.Time) error
	// Dropped ends it. Dropping lists what is still at the gateway.
	Dropped(ctx context.Context, id string, now time.Time) error
	Dropping(ctx context.Context, before time.Time, n int) ([]string, error)
}

// Vault keeps payment methods for customers.
type Vault struct {
	Store   VaultStore
	Gateway VaultGateway
	Clock   func() time.Time
	Log     *slog.Logger
}

// NewVault returns a vault and makes the app ask it whose a method is before it is charged.
func NewVault(a *App, store VaultStore, gateway VaultGateway) *Vault {
	v := &Vault{Store: store, Gateway: gateway, Clock: a.Clock, Log: a.Log}
	a.gates = append(a.gates, v.refuse)
	return v
}

func (v *Vault) now() time.Time { return v.Clock().UTC().Truncate(time.Microsecond) }

// refuse says no to a payment by a method that is not there or not the customer's. It does not say which.
func (v *Vault) refuse(ctx context.Context, s Sale) (*payment.Outcome, error) {
	if s.MethodID == "" || s.Like != "" && s.CustomerID == "" { // a guest's of the payment that it is like: the gateway kept it, and it is nobody's here
		return nil, nil
	}
	var all []payment.Method
	if s.CustomerID != "" {
		var err error
		if all, err = v.Store.Methods(ctx, s.CustomerID); err != nil {
			return nil, err
		}
	}
	for _, m := range all {
		if m.ID == s.MethodID {
			return nil, nil
		}
	}
	return &payment.Outcome{Result: payment.DeclinedIt, Amount: s.Amount, Code: CodeMethod, Retryable: true, Message: "The payment method cannot be used."}, nil
}

func checkCustomer(id string) error {
	var c fault.Collector
	c.Check(customerForm.MatchString(id), "customer_id", "must be 1 to 36 letters, digits, _ or -", nil)
	return c.Err()
}

// Keep keeps a payment method, at most once per id. The customer is made at the gateway on first use.
func (v *Vault) Keep(ctx context.Context, k Keeping) (MethodRecord, error) {
	if err := checkCustomer(k.CustomerID); err != nil {
		return MethodRecord{}, err
	}
	if card.Held(k.Nonce) {
		return MethodRecord{}, card.ErrRefused
	}
	r, err := v.Store.BeginMethod(ctx, k, v.now())
	switch {
	case err != nil:
		return r, err
	case r.Status == payment.MethodRefused:
		return r, ErrMethodRefused.With("decline_code", r.Code)
	case r.Status == payment.MethodStored:
		return r, nil
	case r.Status != payment.MethodPending:
		return r, ErrNoMethod
	case !r.Mine:
		return r, ErrMethodUnknown.WithRetryAfter(time.Second)
	}
	// Whoever asked may hang up; the gateway hears of it nevertheless.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	m, err := v.keep(ctx, k, r.Replayed)
	refusal, refused := errors.AsType[*payment.Refusal](err)
	switch {
	case refused:
		r.Status, r.Code = payment.MethodRefused, refusal.Code
		if _, err := v.Store.KeptMethod(ctx, r, v.now()); err != nil {
			return r, err
		}
		return r, ErrMethodRefused.With("decline_code", refusal.Code)
	case err != nil:
		v.Log.Warn("nobody knows whether a payment method was kept", "method", k.ID, "error", err)
		return r, ErrMethodUnknown.WithRetryAfter(time.Second).WithCause(err)
	}
	r.Method, r.Status = m, payment.MethodStored
	if r.Method, err = v.Store.KeptMethod(ctx, r, v.now()); err != nil {
		return r, err
	}
	if r.Default {
		v.tellDefault(ctx, r.ID)
	}
	return r, nil
}

// keep asks the gateway, after a look when it may have been asked before.
func (v *Vault) keep(ctx context.Context, k Keeping, before bool) (payment.Method, error) {
	if before {
		if m, err := v.Gateway.Method(ctx, k.ID); !errors.Is(err, ErrNoMethod) {
			return m, err
		}
	}
	m, err := v.Gateway.KeepMethod(ctx, k.CustomerID, k.ID, k.Nonce)
	if refusal, ok := errors.AsType[*payment.Refusal](err); ok && refusal.Code == CodeNoCustomer {
		if err = v.Gateway.EnsureCustomer(ctx, k.CustomerID); err == nil {
			m, err = v.Gateway.KeepMethod(ctx, k.CustomerID, k.ID, k.Nonce)
		}
	}
	if _, refused := errors.AsType[*payment.Refusal](err); err == nil || refused {
		return m, err
	}
	if found, lookErr := v.Gateway.Method(ctx, k.ID); lookErr == nil {
		return found, nil
	}
	return m, err
}

// tellDefault makes the gateway's default that of ours. Ours counts: payments name their method, so that a failure is of no matter.
func (v *Vault) tellDefault(ctx context.Context, id string) {
	if err := v.Gateway.MakeDefault(ctx, id); err != nil {
		v.Log.Warn("the gateway does not know the default payment method", "method", id, "error", err)
	}
}

// Methods returns what a customer has left, the default first.
func (v *Vault) Methods(ctx context.Context, customerID string) ([]payment.Method, error) {
	if err := checkCustomer(customerID); err != nil {
		return nil, err
	}
	return v.Store.Methods(ctx, customerID)
}

// SetDefault makes a method of a customer the default.
func (v *Vault) SetDefault(ctx context.Context, customerID, id string) (payment.Method, error) {
	if err := checkCustomer(customerID); err != nil {
		return payment.Method{}, err
	}
	m, err := v.Store.SetDefault(ctx, customerID, id, v.now())
	if err == nil {
		v.tellDefault(ctx, id)
	}
	return m, err
}

// Drop deletes a method of a customer. It cannot be charged from now on; if the gateway does not hear of it now, Sweep tells it.
func (v *Vault) Drop(ctx context.Context, customerID, id string) error {
	if err := checkCustomer(customerID); err != nil {
		return err
	}
	if err := v.Store.Drop(ctx, customerID, id, v.now()); err != nil {
		return err
	}
	v.drop(context.WithoutCancel(ctx), id)
	return nil
}

func (v *Vault) drop(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := v.Gateway.DropMethod(ctx, id)
	if err == nil {
		err = v.Store.Dropped(ctx, id, v.now())
	}
	if err != nil {
		v.Log.Warn("a payment method is still at the gateway", "method", id, "error", err)
	}
}

// sweepMethods bounds a sweep.
const sweepMethods = 100

// Sweep deletes at the gateway what could not be deleted there before.
func (v *Vault) Sweep(ctx context.Context) error {
	ids, err := v.Store.Dropping(ctx, v.now().Add(-LeaseTime), sweepMethods)
	if err != nil {
		return err
	}
	for _, id := range ids {
		v.drop(ctx, id)
	}
	return nil
}
