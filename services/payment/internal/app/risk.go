package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// rulesFile is the form of a file of rules. Unknown members are faults.
type rulesFile struct {
	Version   int           `yaml:"version"`
	ReviewFor time.Duration `yaml:"review_for"`
	Rules     []struct {
		Name string             `yaml:"name"`
		Then payment.RiskAction `yaml:"then"`
		When struct {
			Provider    []string                 `yaml:"provider"`
			Channel     []string                 `yaml:"channel"`
			AmountAbove map[money.Currency]whole `yaml:"amount_above"`
			Velocity    *struct {
				By     payment.VelocityKey `yaml:"by"`
				Above  whole               `yaml:"above"`
				Within time.Duration       `yaml:"within"`
			} `yaml:"velocity"`
			SecureStatus     []string `yaml:"three_d_secure"`
			LiabilityShifted *bool    `yaml:"liability_shifted"`
			AVSError         []string `yaml:"avs_error"`
			AVSPostal        []string `yaml:"avs_postal"`
			AVSStreet        []string `yaml:"avs_street"`
			CVV              []string `yaml:"cvv"`
			GatewayDecision  []string `yaml:"gateway_decision"`
		} `yaml:"when"`
	} `yaml:"rules"`
}

// whole is a whole number: YAML would cut 1.5 down.
type whole int64

// UnmarshalYAML implements yaml.Unmarshaler.
func (w *whole) UnmarshalYAML(node *yaml.Node) error {
	if node.Tag != "!!int" {
		return fmt.Errorf("line %d: %q is no whole number", node.Line, node.Value)
	}
	return node.Decode((*int64)(w))
}

// RulesFile is a setting: the path of a file of rules, which is read with the settings.
type RulesFile struct{ Rules payment.Rules }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *RulesFile) UnmarshalText(text []byte) (err error) {
	f.Rules, err = Rules(string(text))
	return err
}

const (
	rulesVersion = 1
	reviewFor    = 24 * time.Hour // when a file does not say
)

// Rules reads the file of risk rules at path; without one every sale is accepted. All faults come at once.
func Rules(path string) (payment.Rules, error) {
	if path == "" {
		return payment.Rules{ReviewFor: reviewFor}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return payment.Rules{}, fmt.Errorf("risk rules: %w", err)
	}
	r, err := ParseRules(data)
	if err != nil {
		return r, fmt.Errorf("risk rules %s: %w", path, err)
	}
	return r, nil
}

// ParseRules reads a file of rules strictly.
func ParseRules(data []byte) (payment.Rules, error) {
	f := rulesFile{ReviewFor: reviewFor}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return payment.Rules{}, err
	}
	out := payment.Rules{ReviewFor: f.ReviewFor}
	for _, r := range f.Rules {
		w := r.When
		c := payment.Condition{Provider: w.Provider, Channel: w.Channel, AmountAbove: amounts(w.AmountAbove), SecureStatus: w.SecureStatus, LiabilityShifted: w.LiabilityShifted, AVSError: w.AVSError,
			AVSPostal: w.AVSPostal, AVSStreet: w.AVSStreet, CVV: w.CVV, GatewayDecision: w.GatewayDecision}
		if v := w.Velocity; v != nil {
			c.Velocity = &payment.Velocity{By: v.By, Above: int(v.Above), Within: v.Within}
		}
		out.Rules = append(out.Rules, payment.Rule{Name: r.Name, When: c, Then: r.Then})
	}
	err := readable(out.Check())
	if f.Version != rulesVersion {
		err = errors.Join(fmt.Errorf("version: must be %d", rulesVersion), err)
	}
	return out, err
}

func amounts(all map[money.Currency]whole) (out map[money.Currency]int64) {
	for c, n := range all {
		if out == nil {
			out = map[money.Currency]int64{}
		}
		out[c] = int64(n)
	}
	return out
}

// readable writes all faults of a collection, where a fault's own text has the first.
func readable(err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	var all []error
	for _, field := range f.Fields {
		all = append(all, fmt.Errorf("%s: %s", field.Location, field.Message))
	}
	return errors.Join(all...)
}

// AttemptKey is what an attempt may share with others, hashed.
type AttemptKey struct {
	Key  payment.VelocityKey
	Hash []byte
}

// RiskStore counts attempts and keeps reviews.
type RiskStore interface {
	// Attempt notes what an attempt shares with others and counts, for each velocity whose key the attempt is known by, those
	// within its time before `at`, this one among them.
	Attempt(ctx context.Context, paymentID string, keys []AttemptKey, velocities []payment.Velocity, at time.Time) (map[payment.Velocity]int, error)
	// Decided writes the end of a review; false when it had ended, or an operation is under way.
	Decided(ctx context.Context, p payment.Payment, e payment.Event, actor string) (bool, error)
	Payment(ctx context.Context, id string) (payment.Payment, error)
	// Overdue returns the payments whose review is over; Refused those that are to be voided.
	Overdue(ctx context.Context, now time.Time, n int) ([]payment.Payment, error)
	Refused(ctx context.Context, n int) ([]payment.Payment, error)
	// Forget drops attempts that nobody counts any more.
	Forget(ctx context.Context, before time.Time) error
}

// Risk applies the rules to sales, and does what staff decide about those to be reviewed.
type Risk struct {
	App   *App
	Store RiskStore
	Rules payment.Rules
	Log   *slog.Logger
}

// NewRisk returns the risk of an app, which asks it before and after each sale, whoever takes the money. Without rules it asks nobody.
func NewRisk(a *App, store RiskStore, rules payment.Rules) *Risk {
	r := &Risk{App: a, Store: store, Rules: rules, Log: a.Log}
	if len(rules.Rules) > 0 {
		a.gates = append(a.gates, r.before)
		a.assess = r.after
	}
	return r
}

func hashed(key payment.VelocityKey, text string) AttemptKey {
	sum := sha256.Sum256([]byte(string(key) + "\x00" + text))
	return AttemptKey{Key: key, Hash: sum[:]}
}

// attemptKeys are what is known of an attempt before the gateway has answered. An IPv6 address counts by its network.
func attemptKeys(s Sale) []AttemptKey {
	keys := []AttemptKey{hashed(payment.ByOrder, s.OrderID)}
	if s.CustomerID != "" {
		keys = append(keys, hashed(payment.ByCustomer, s.CustomerID))
	}
	if s.Shopper.Email != "" {
		keys = append(keys, hashed(payment.ByEmail, strings.ToLower(s.Shopper.Email)))
	}
	if ip, err := netip.ParseAddr(s.Shopper.IP); err == nil {
		bits := 32
		if ip = ip.Unmap(); ip.Is6() {
			bits = 64
		}
		if network, err := ip.Prefix(bits); err == nil {
			keys = append(keys, hashed(payment.ByIP, network.String()))
		}
	}
	return keys
}

// before decides as far as it can be decided before the gateway hears of a sale: one that is rejected then is never sent.
func (r *Risk) before(ctx context.Context, s Sale) (*payment.Outcome, error) {
	f := payment.Facts{Amount: s.Amount, Provider: s.Provider, Channel: s.Channel}
	if v := r.Rules.Velocities(); len(v) > 0 {
		var err error
		if f.Attempts, err = r.Store.Attempt(ctx, s.Reference, attemptKeys(s), v, r.App.now()); err != nil {
			return nil, err
		}
	}
	d, decided := r.Rules.Decide(f)
	if !decided || d.Action != payment.Reject {
		return nil, nil
	}
	r.Log.Info("risk", "payment_id", s.Reference, "action", string(d.Action), "rule", d.Rule)
	return &payment.Outcome{Result: payment.DeclinedIt, Amount: s.Amount, Code: payment.CodeRisk, Message: "The payment was rejected."}, nil
}

// after decides with what the gateway and the bank have found out. Attempts are counted as of the beginning of this one, so that the
// answer is the same whenever it is looked up.
func (r *Risk) after(ctx context.Context, p payment.Payment, c payment.Checks) (payment.RiskDecision, time.Time, error) {
	f := payment.Facts{Amount: p.AtGateway(), Checks: &c, Provider: p.Provider, Channel: p.Channel}
	if p.Manual() {
		f.Checks = nil
	}
	if v := r.Rules.Velocities(); len(v) > 0 {
		var keys []AttemptKey
		if c.Instrument != "" {
			keys = append(keys, hashed(payment.ByInstrument, c.Instrument))
		}
		var err error
		if f.Attempts, err = r.Store.Attempt(ctx, p.ID, keys, v, p.CreatedAt); err != nil {
			return payment.RiskDecision{}, time.Time{}, err
		}
	}
	d, _ := r.Rules.Decide(f)
	if p.Like != "" && d.Action == payment.Review { // whoever asked for more waits for the answer
		d.Action = payment.Reject
	}
	r.Log.Info("risk", "payment_id", p.ID, "action", string(d.Action), "rule", d.Rule)
	return d, r.App.now().Add(r.Rules.ReviewFor), nil
}

// ErrNoReview says that there is nothing to decide.
var ErrNoReview = fault.New(fault.Conflict, "payment-not-in-review", "The payment is not under review.")

// Decide is what staff decide about a payment under review: it may be captured, or it is voided. The same decision again is no error.
func (r *Risk) Decide(ctx context.Context, id string, approve bool, actor, reason string) (payment.Payment, error) {
	event, done := payment.ReviewRejected, payment.ReviewIsRejected
	if approve {
		event, done = payment.ReviewApproved, payment.ReviewIsApproved
	}
	p, err := r.Store.Payment(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Review == payment.ReviewPending {
		if p.Live != "" {
			return p, payment.ErrBusy
		}
		if _, err = r.end(ctx, p, event, actor, reason); err != nil {
			return p, err
		}
		if p, err = r.Store.Payment(ctx, id); err != nil {
			return p, err
		}
	}
	if p.Review != done {
		return p, ErrNoReview
	}
	if !approve {
		r.void(ctx, p)
		return r.Store.Payment(ctx, id)
	}
	return p, nil
}

func (r *Risk) end(ctx context.Context, p payment.Payment, t payment.EventType, actor, reason string) (bool, error) {
	now := r.App.now()
	return r.Store.Decided(ctx, p, payment.Event{Version: p.Version + 1, Type: t, OperationID: "review", Amount: p.Authorised, TransactionID: p.TransactionID, Detail: reason, At: now}, actor)
}

// void gives back what was authorised for a payment that nobody may capture. What fails is done by Run.
func (r *Risk) void(ctx context.Context, p payment.Payment) {
	_, err := r.App.Move(ctx, Movement{Kind: payment.Void, OperationID: "review-" + p.ID, PaymentID: p.ID, Reason: "review " + string(p.Review)})
	if err != nil {
		r.Log.Warn("a rejected payment is still authorised", "payment_id", p.ID, "error", err)
	}
}

const reviewBatch = 100

// Run ends the reviews that nobody decided in time, voids what was refused and is still authorised, and forgets old attempts.
func (r *Risk) Run(ctx context.Context) error {
	overdue, err := r.Store.Overdue(ctx, r.App.now(), reviewBatch)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range overdue {
		if p.Live != "" {
			continue
		}
		if _, err := r.end(ctx, p, payment.ReviewExpired, "", ""); err != nil {
			errs = append(errs, err)
		}
	}
	refused, err := r.Store.Refused(ctx, reviewBatch)
	for _, p := range refused {
		r.void(ctx, p)
	}
	return errors.Join(append(errs, err, r.Store.Forget(ctx, r.App.now().Add(-2*payment.MaxWithin)))...)
}
