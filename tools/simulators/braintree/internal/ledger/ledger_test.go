package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var allStatuses = []Status{Authorized, AuthorizationExpired, Submitted, Settling, Settled, SettlementConfirmed, SettlementDeclined, SettlementPending, Voided, ProcessorDeclined, GatewayRejected, Failed}

// TestEveryStatusTimesEveryStep states the whole table again, by hand: what is not listed is refused.
func TestEveryStatusTimesEveryStep(t *testing.T) {
	t.Parallel()
	allowed := map[Step]map[Status]Status{
		StepSubmit:     {Authorized: Submitted},
		StepSubmitPart: {Authorized: SettlementPending},
		StepSettle:     {Submitted: Settled, Settling: Settled, SettlementPending: Settled, SettlementConfirmed: Settled},
		StepConfirm:    {Submitted: SettlementConfirmed, Settling: SettlementConfirmed},
		StepPend:       {Submitted: SettlementPending, Settling: SettlementPending},
		StepDecline:    {Submitted: SettlementDeclined, Settling: SettlementDeclined, SettlementPending: SettlementDeclined},
		StepVoid:       {Authorized: Voided, Submitted: Voided},
		StepExpire:     {Authorized: AuthorizationExpired},
	}
	for step := range rules {
		for _, from := range allStatuses {
			got, err := (&Transaction{Status: from, Method: visa}).Target(step)
			want, ok := allowed[step][from]
			if ok != (err == nil) || got != want {
				t.Errorf("%s from %s: %q %v, want %q", step, from, got, err, want)
			}
			if refusal := (*Refusal)(nil); err != nil && (!errors.As(err, &refusal) || len(refusal.Problems) != 1) {
				t.Errorf("%s from %s: %v is no single validation error", step, from, err)
			}
		}
	}
}

// TestReadmeDrawsTheTable keeps the README's table of steps equal to the code's.
func TestReadmeDrawsTheTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for step, r := range rules {
		from := make([]string, len(r.from))
		for i, f := range r.from {
			from[i] = string(f)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s |", step, strings.Join(from, ", "), r.to, r.refusal.Code)
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README lacks the row\n%s", row)
		}
	}
}

func TestStepsOfParentsPartsAndPayPal(t *testing.T) {
	t.Parallel()
	parent := &Transaction{Status: SettlementPending, PartIDs: []string{"x"}, Method: visa}
	for step := range rules {
		_, err := parent.Target(step)
		if (err == nil) != (step == StepSubmitPart || step == StepVoid) {
			t.Errorf("a parent's %s: %v", step, err)
		}
	}
	if _, err := (&Transaction{Status: Submitted, AuthorizedBy: "p", Method: visa}).Target(StepSubmitPart); err == nil {
		t.Error("a part was split")
	}
	paypal := Method{Type: PayPal}
	if to, err := (&Transaction{Status: SettlementPending, Method: paypal}).Target(StepVoid); err != nil || to != Voided {
		t.Errorf("PayPal pending void: %v", err)
	}
	if to, err := (&Transaction{Status: Authorized, Method: paypal}).Target(StepSubmit); err != nil || to != Settling {
		t.Errorf("PayPal submit: %s %v", to, err)
	}
}

func TestPayPalSettlementAmounts(t *testing.T) {
	t.Parallel()
	for minor, want := range map[int64]Step{1000_00: StepSettle, 4001_50: StepDecline, 4002_00: StepPend, 4003_00: StepDecline, 5000_99: StepDecline, 5002_00: StepSettle} {
		tx := &Transaction{Kind: Sale, Status: Submitted, Amount: Money{minor, "USD"}, Method: Method{Type: PayPal}}
		if got := settlementOutcome(tx, true); got != want {
			t.Errorf("PayPal %d: %s", minor, got)
		}
		if got := settlementOutcome(tx, false); got != StepSettle {
			t.Errorf("PayPal %d without test amounts: %s", minor, got)
		}
		tx.Method = visa
		if got := settlementOutcome(tx, true); got != StepSettle {
			t.Errorf("card %d: %s", minor, got)
		}
	}
}

func TestAmountsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"USD", "JPY", "KWD", "EUR"}).Draw(t, "currency")
		m := Money{rapid.Int64Range(1, 99_999_999).Draw(t, "minor"), currency}
		got, bad := parseAmount(m.Decimal(), currency)
		if bad != nil || got != m {
			t.Fatalf("%s %s: %+v %v", m.Decimal(), currency, got, bad)
		}
	})
}

func TestParseAmountNeverPanicsNorTakesNonsense(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[-+0-9., e]{0,14}`).Draw(t, "text")
		got, bad := parseAmount(text, "USD")
		if bad == nil && got.Minor <= 0 {
			t.Fatalf("%q became %+v", text, got)
		}
	})
}

// TestMoneyLaws walks random calls over a few sales: whatever comes, no more is captured than was authorised, no more is
// refunded than was captured, a refused call changes nothing, and history ends in the present status.
func TestMoneyLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := NewBook()
		n := 0
		terms := Terms{
			Now: time.Unix(1_700_000_000, 0), Accounts: []Account{{"usd", "USD"}}, TestAmounts: true, DuplicateWindow: 30 * time.Second,
			NewID: func() string { n++; return fmt.Sprintf("id%06d", n) },
		}
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			terms.Now = terms.Now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			before := b.All() // stored transactions are never changed, so that the same pointers are the same content
			if err := call(t, b, terms); err != nil && !slices.Equal(before, b.All()) {
				t.Fatalf("a refused call changed the book: %v", err)
			}
			check(t, b)
		}
	})
}

func call(t *rapid.T, b *Book, terms Terms) error {
	id := "none"
	if len(b.sequence) > 0 {
		id = rapid.SampledFrom(b.sequence).Draw(t, "id")
	}
	amount := rapid.SampledFrom([]string{"", "0.01", "3.00", "10.00", "10.01", "-1.00"}).Draw(t, "amount")
	var records []Record
	var err error
	switch rapid.IntRange(0, 7).Draw(t, "call") {
	case 0, 1:
		_, records, err = b.Sale(SaleRequest{
			Type: "sale", Amount: rapid.SampledFrom([]string{"10.00", "2000.00", "5.00"}).Draw(t, "price"), Nonce: "fake-valid-nonce",
			OrderID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "order"), SubmitForSettlement: rapid.Bool().Draw(t, "submit"),
		}, terms)
	case 2:
		_, records, err = b.Submit(id, amount, terms)
	case 3:
		_, records, err = b.SubmitPart(id, amount, "", terms)
	case 4:
		_, records, err = b.Void(id, terms)
	case 5:
		_, records, err = b.Refund(id, amount, "", terms)
	case 6:
		_, records = b.SettleDue(terms.Now, 3, terms)
	case 7:
		step := rapid.SampledFrom([]Step{StepSettle, StepDecline, StepPend, StepConfirm, StepExpire}).Draw(t, "step")
		_, records, err = b.Simulate(id, step, terms)
	}
	if err == nil {
		b.Apply(records)
	}
	return err
}

func check(t *rapid.T, b *Book) {
	for _, tx := range b.All() {
		captured := tx.Captured()
		if len(tx.PartIDs) > 0 {
			captured = b.parted(tx)
		}
		if tx.AuthorizedBy == "" && captured > tx.Authorize {
			t.Fatalf("%s captured %d of %d", tx.ID, captured, tx.Authorize)
		}
		if refunded := b.Refunded(tx); refunded > tx.Amount.Minor || refunded > 0 && tx.Captured() == 0 {
			t.Fatalf("%s refunded %d of %d", tx.ID, refunded, tx.Captured())
		}
		if last := tx.History[len(tx.History)-1]; last.Status != tx.Status {
			t.Fatalf("%s is %s, its history ends in %s", tx.ID, tx.Status, last.Status)
		}
	}
}

func TestSettleDueTakesTheOldestFirstAndOnlyTheDue(t *testing.T) {
	t.Parallel()
	b := NewBook()
	now := time.Unix(1_700_000_000, 0)
	for i := range 5 {
		at := now.Add(time.Duration(i) * time.Minute)
		b.Apply([]Record{{Transaction: &Transaction{ID: fmt.Sprint(i), Kind: Sale, Status: Submitted, Method: visa, Created: at, Updated: at}}})
	}
	n, records := b.SettleDue(now.Add(2*time.Minute), 2, Terms{Now: now.Add(time.Hour)})
	if n != 2 || records[0].Transaction.ID != "0" || records[1].Transaction.ID != "1" {
		t.Fatalf("first batch: %d %+v", n, records)
	}
	b.Apply(records)
	if n, records = b.SettleDue(now.Add(2*time.Minute), 2, Terms{Now: now.Add(time.Hour)}); n != 1 {
		t.Fatalf("second batch: %d", n)
	}
	b.Apply(records)
	if n, _ = b.SettleDue(now.Add(2*time.Minute), 2, Terms{Now: now.Add(time.Hour)}); n != 0 {
		t.Fatalf("nothing is due any more: %d", n)
	}
}
