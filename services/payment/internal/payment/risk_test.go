package payment

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

func yesNo(b bool) *bool { return &b }

// Each part of a condition on each kind of facts: before the gateway has answered, and after.
func TestConditions(t *testing.T) {
	t.Parallel()
	byOrder, byCard := Velocity{By: ByOrder, Above: 3, Within: time.Hour}, Velocity{By: ByInstrument, Above: 3, Within: time.Hour}
	facts := map[string]Facts{
		"before":        {Amount: usd(1000), Channel: "app", Attempts: map[Velocity]int{byOrder: 4}},
		"before, quiet": {Amount: usd(999), Attempts: map[Velocity]int{byOrder: 3}},
		"good":          {Amount: usd(999), Attempts: map[Velocity]int{byOrder: 1, byCard: 1}, Checks: &Checks{SecureStatus: "authenticate_successful", LiabilityShifted: true, AVSPostal: "M", AVSStreet: "M", CVV: "M", GatewayDecision: "Approve"}},
		"bad":           {Amount: usd(5000), Channel: "phone", Attempts: map[Velocity]int{byOrder: 9, byCard: 9}, Checks: &Checks{AVSError: "E", AVSPostal: "N", AVSStreet: "N", CVV: "N", GatewayDecision: "Decline"}},
	}
	for name, tc := range map[string]struct {
		when Condition
		want string // before, before quiet, good, bad; as truth
	}{
		"always":                     {Condition{}, "yes yes yes yes"},
		"amount":                     {Condition{AmountAbove: map[money.Currency]int64{"USD": 999}}, "yes no no yes"},
		"amount in another currency": {Condition{AmountAbove: map[money.Currency]int64{"EUR": 0}}, "no no no no"},
		"a channel":                  {Condition{Channel: []string{"app", "web"}}, "yes no no no"},
		"a channel and cvv":          {Condition{Channel: []string{"app", "phone"}, CVV: []string{"N"}}, "unknown no no yes"},
		"velocity of orders":         {Condition{Velocity: &byOrder}, "yes no no yes"},
		"velocity of cards":          {Condition{Velocity: &byCard}, "unknown unknown no yes"},
		"velocity nobody counted":    {Condition{Velocity: &Velocity{By: ByEmail, Above: 1, Within: time.Hour}}, "no no no no"},
		"not asked for 3-D Secure":   {Condition{SecureStatus: []string{"none"}}, "unknown unknown no yes"},
		"3-D Secure went well":       {Condition{SecureStatus: []string{"authenticate_successful"}}, "unknown unknown yes no"},
		"liability shifted":          {Condition{LiabilityShifted: yesNo(true)}, "unknown unknown yes no"},
		"liability ours":             {Condition{LiabilityShifted: yesNo(false)}, "unknown unknown no yes"},
		"avs error":                  {Condition{AVSError: []string{"E", "S"}}, "unknown unknown no yes"},
		"avs postal":                 {Condition{AVSPostal: []string{"N"}}, "unknown unknown no yes"},
		"avs street":                 {Condition{AVSStreet: []string{"N", "M"}}, "unknown unknown yes yes"},
		"cvv":                        {Condition{CVV: []string{"N"}}, "unknown unknown no yes"},
		"gateway":                    {Condition{GatewayDecision: []string{"Decline"}}, "unknown unknown no yes"},
		"amount and cvv":             {Condition{AmountAbove: map[money.Currency]int64{"USD": 999}, CVV: []string{"N"}}, "unknown no no yes"},
		"no of many":                 {Condition{CVV: []string{}, Velocity: &byCard}, "unknown unknown no no"},
	} {
		got := ""
		for _, f := range []string{"before", "before, quiet", "good", "bad"} {
			got += map[truth]string{itIsNot: "no", unsure: "unknown", itIs: "yes"}[tc.when.holds(facts[f])] + " "
		}
		if got != tc.want+" " {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// The first rule that holds decides, and nothing is decided behind one that is not known yet.
func TestTheFirstRuleDecides(t *testing.T) {
	t.Parallel()
	above := func(minor int64) Condition { return Condition{AmountAbove: map[money.Currency]int64{"USD": minor}} }
	rules := Rules{Rules: []Rule{{"promises", Condition{Provider: []string{CashOnDelivery}}, Reject}, {"far-too-much", above(10000), Reject}, {"shifted", Condition{LiabilityShifted: yesNo(true)}, Accept}, {"much", above(1000), Review}}}
	checked := func(shifted bool) *Checks { return &Checks{LiabilityShifted: shifted} }
	for i, tc := range []struct {
		f    Facts
		want string
	}{
		{Facts{Amount: usd(10001)}, "reject far-too-much true"},
		{Facts{Amount: usd(500)}, "  false"},
		{Facts{Amount: usd(5000), Checks: checked(true)}, "accept shifted true"},
		{Facts{Amount: usd(5000), Checks: checked(false)}, "review much true"},
		{Facts{Amount: usd(500), Checks: checked(false)}, "accept  true"},
		{Facts{Amount: usd(10001), Checks: checked(true)}, "reject far-too-much true"},
		{Facts{Amount: usd(5000), Provider: BankTransfer}, "review much true"},
		{Facts{Amount: usd(500), Provider: BankTransfer}, "accept  true"},
		{Facts{Amount: usd(500), Provider: CashOnDelivery}, "reject promises true"},
		{Facts{Amount: usd(500), Provider: Gateway, Checks: checked(false)}, "accept  true"},
	} {
		d, decided := rules.Decide(tc.f)
		if got := fmt.Sprint(string(d.Action), " ", d.Rule, " ", decided); got != tc.want {
			t.Errorf("%d: %q, want %q", i, got, tc.want)
		}
	}
	if d, decided := (Rules{}).Decide(Facts{}); d.Action != Accept || !decided {
		t.Errorf("without rules: %+v %t", d, decided)
	}
}

func TestRulesAreChecked(t *testing.T) {
	t.Parallel()
	bad := Rules{Rules: []Rule{
		{"No Good", Condition{AmountAbove: map[money.Currency]int64{"XXY": -1}}, "panic"},
		{"twice", Condition{Velocity: &Velocity{By: "moon", Above: 0, Within: 0}}, Review},
		{"twice", Condition{CVV: []string{"no"}, AVSPostal: []string{"n"}, SecureStatus: []string{""}, Channel: []string{"app", "A b"}}, Reject},
	}}
	f, ok := fault.As(bad.Check())
	if !ok || len(f.Fields) != 13 {
		t.Errorf("%v, %d faults: %+v", ok, len(f.Fields), f.Fields)
	}
	good := Rules{ReviewFor: time.Hour, Rules: []Rule{{"a", Condition{Velocity: &Velocity{ByIP, 5, time.Hour}}, Reject}, {"b", Condition{Velocity: &Velocity{ByIP, 5, time.Hour}}, Review}}}
	if err := good.Check(); err != nil || len(good.Velocities()) != 1 {
		t.Errorf("%v %v", err, good.Velocities())
	}
}
