package payment

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Checks are what the gateway and the bank found out about a sale. The zero value says that nothing is known.
type Checks struct {
	SecureStatus     string // of 3-D Secure, in the gateway's words; "" when the cardholder was not asked
	SecureEnrolled   string // Y, N, U, B or E
	LiabilityShifted bool   // a chargeback for fraud is the bank's
	ShiftPossible    bool
	AVSError         string // E: system error, S: the bank does not take part
	AVSPostal        string // M matches, N does not, U not verified, I not given, A not applicable, S not supported
	AVSStreet        string
	CVV              string
	GatewayDecision  string // of the gateway's own risk service: Approve, Review, Decline …
	GatewayRiskID    string
	Instrument       string // tells one card or wallet from another, without naming it
}

// RiskAction is what a rule says about a sale.
type RiskAction string

// The actions.
const (
	Accept RiskAction = "accept"
	Review RiskAction = "review" // authorised, and captured only when staff approve
	Reject RiskAction = "reject"
)

// VelocityKey is what attempts have in common.
type VelocityKey string

// The keys. The instrument is known once the gateway has answered, all others before.
const (
	ByOrder      VelocityKey = "order"
	ByCustomer   VelocityKey = "customer"
	ByEmail      VelocityKey = "email"
	ByIP         VelocityKey = "ip"
	ByInstrument VelocityKey = "instrument"
)

var velocityKeys = []VelocityKey{ByOrder, ByCustomer, ByEmail, ByIP, ByInstrument}

// MaxWithin is the longest time over which attempts are counted; they are kept so long.
const MaxWithin = 7 * 24 * time.Hour

// Velocity asks whether there were more attempts that share a key within a time, this one among them.
type Velocity struct {
	By     VelocityKey
	Above  int
	Within time.Duration
}

// Condition holds when each of its parts holds that is set. An empty one holds always.
type Condition struct {
	Provider         []string                 // who takes the money
	Channel          []string                 // of sales
	AmountAbove      map[money.Currency]int64 // minor units; a currency that is not named is not above
	Velocity         *Velocity
	SecureStatus     []string // "none" stands for a cardholder who was not asked
	LiabilityShifted *bool
	AVSError         []string
	AVSPostal        []string
	AVSStreet        []string
	CVV              []string
	GatewayDecision  []string
}

// Rule says what to do when a condition holds.
type Rule struct {
	Name string
	When Condition
	Then RiskAction
}

// Rules are read in order: the first that holds decides, and when none does the sale is accepted. ReviewFor is how long a review may
// take.
type Rules struct {
	ReviewFor time.Duration
	Rules     []Rule
}

// maxReview bounds a review: an authorisation runs out after seven days at most banks.
const maxReview = 6 * 24 * time.Hour

var (
	ruleName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	channelForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	answerForm  = regexp.MustCompile(`^[A-Z]$`)
)

// ValidChannel reports whether s can be the key of a channel of sales.
func ValidChannel(s string) bool { return channelForm.MatchString(s) }

// Check reports all faults at once.
func (r Rules) Check() error {
	var c fault.Collector
	c.Check(r.ReviewFor > 0 && r.ReviewFor <= maxReview, "review_for", "must be above 0 and at most 144h: authorisations run out", r.ReviewFor.String())
	seen := map[string]bool{}
	for i, rule := range r.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		c.Check(ruleName.MatchString(rule.Name), at+".name", "must be 1 to 64 small letters, digits or -", rule.Name)
		c.Check(!seen[rule.Name], at+".name", "stands twice", rule.Name)
		seen[rule.Name] = true
		c.Check(slices.Contains([]RiskAction{Accept, Review, Reject}, rule.Then), at+".then", "must be accept, review or reject", string(rule.Then))
		rule.When.check(&c, at+".when")
	}
	return c.Err()
}

func (w Condition) check(c *fault.Collector, at string) {
	for _, p := range w.Provider {
		c.Check(p == Gateway || manual(p), at+".provider", "must hold braintree, bank_transfer or cash_on_delivery", p)
	}
	for _, channel := range w.Channel {
		c.Check(ValidChannel(channel), at+".channel", "must hold keys of 1 to 64 small letters, digits, . _ or -", channel)
	}
	for currency, minor := range w.AmountAbove {
		_, err := money.ParseCurrency(string(currency))
		c.Check(err == nil, at+".amount_above", "must name currencies by ISO 4217", string(currency))
		c.Check(minor >= 0, at+".amount_above."+string(currency), "must not be below zero", minor)
	}
	if v := w.Velocity; v != nil {
		c.Check(slices.Contains(velocityKeys, v.By), at+".velocity.by", "must be order, customer, email, ip or instrument", string(v.By))
		c.Check(v.Above > 0, at+".velocity.above", "must be above zero", v.Above)
		c.Check(v.Within > 0 && v.Within <= MaxWithin, at+".velocity.within", "must be above 0 and at most 168h", v.Within.String())
	}
	for name, all := range map[string][]string{"avs_error": w.AVSError, "avs_postal": w.AVSPostal, "avs_street": w.AVSStreet, "cvv": w.CVV} {
		for _, s := range all {
			c.Check(answerForm.MatchString(s), at+"."+name, "must hold single capital letters", s)
		}
	}
	for _, s := range append(slices.Clone(w.SecureStatus), w.GatewayDecision...) {
		c.Check(s != "", at, "must not hold empty texts", nil)
	}
}

// Facts are what a decision may look at. Checks is nil while the gateway has not answered; where another Provider is people, it is not asked,
// and what hangs on its answer does not hold. Attempts counts, for each velocity that
// the rules ask about, the attempts that share its key, this one among them; what is missing there is not known.
type Facts struct {
	Amount   money.Amount
	Checks   *Checks
	Provider string
	Channel  string
	Attempts map[Velocity]int
}

// Velocities lists what has to be counted for the rules.
func (r Rules) Velocities() (all []Velocity) {
	for _, rule := range r.Rules {
		if v := rule.When.Velocity; v != nil && !slices.Contains(all, *v) {
			all = append(all, *v)
		}
	}
	return all
}

// RiskDecision is the answer of the rules: Rule is empty when none held.
type RiskDecision struct {
	Action RiskAction
	Rule   string
}

// truth has three values: a condition may hang on what is not known yet.
type truth int

const (
	itIsNot truth = iota
	unsure
	itIs
)

func is(b bool) truth {
	if b {
		return itIs
	}
	return itIsNot
}

// Decide reads the rules. Before the gateway has answered, decided is false as soon as a rule hangs on its answer; then the rules are
// read again with it.
func (r Rules) Decide(f Facts) (d RiskDecision, decided bool) {
	for _, rule := range r.Rules {
		switch rule.When.holds(f) {
		case itIs:
			return RiskDecision{Action: rule.Then, Rule: rule.Name}, true
		case unsure:
			return RiskDecision{}, false
		}
	}
	return RiskDecision{Action: Accept}, true
}

// holds is no as soon as one part does not hold, whatever else is unknown.
func (w Condition) holds(f Facts) truth {
	all := itIs
	for _, part := range w.parts(f) {
		if part == itIsNot {
			return itIsNot
		}
		all = min(all, part)
	}
	return all
}

func (w Condition) parts(f Facts) (parts []truth) {
	unknown := unsure
	if manual(f.Provider) {
		unknown = itIsNot
	}
	if w.Provider != nil {
		parts = append(parts, is(slices.Contains(w.Provider, f.Provider)))
	}
	if w.Channel != nil {
		parts = append(parts, is(slices.Contains(w.Channel, f.Channel)))
	}
	if w.AmountAbove != nil {
		limit, named := w.AmountAbove[f.Amount.Currency]
		parts = append(parts, is(named && f.Amount.Minor > limit))
	}
	if w.Velocity != nil {
		n, known := f.Attempts[*w.Velocity]
		part := is(n > w.Velocity.Above)
		if !known && f.Checks == nil && w.Velocity.By == ByInstrument {
			part = unknown
		}
		parts = append(parts, part)
	}
	answer := func(wanted []string, of func(c Checks) string) {
		switch {
		case wanted == nil:
		case f.Checks == nil:
			parts = append(parts, unknown)
		default:
			parts = append(parts, is(slices.Contains(wanted, of(*f.Checks))))
		}
	}
	answer(w.SecureStatus, func(c Checks) string {
		if c.SecureStatus == "" {
			return "none"
		}
		return c.SecureStatus
	})
	answer(w.AVSError, func(c Checks) string { return c.AVSError })
	answer(w.AVSPostal, func(c Checks) string { return c.AVSPostal })
	answer(w.AVSStreet, func(c Checks) string { return c.AVSStreet })
	answer(w.CVV, func(c Checks) string { return c.CVV })
	answer(w.GatewayDecision, func(c Checks) string { return c.GatewayDecision })
	if w.LiabilityShifted != nil {
		part := unknown
		if f.Checks != nil {
			part = is(f.Checks.LiabilityShifted == *w.LiabilityShifted)
		}
		parts = append(parts, part)
	}
	return parts
}
