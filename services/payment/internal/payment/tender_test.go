package payment

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/money"
)

// A payment of any tenders, and whatever is asked of it: each tender gives back what it has given at most, and after each event what the
// credits hold is what the payment says.
func TestEachTenderKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 1000).Draw(t, "total")
		var found []Found
		for i := range rapid.IntRange(0, 4).Draw(t, "credits") {
			balance := usd(rapid.Int64Range(1, 400).Draw(t, "balance"))
			found = append(found, Found{Credit: Credit{ID: fmt.Sprint("c", i), Kind: StoreCredit, CustomerID: "ada", Balance: balance, Held: usd(0)}})
		}
		uses, no := Reserve(Wanted{CustomerID: "ada"}, found, usd(total), now)
		credit := usd(Sum(uses))
		if no != nil || credit.Minor > total {
			t.Fatalf("%s reserved of %d, %+v", credit, total, no)
		}
		p := New("o-1", "o", 1, "braintree", "usd", usd(total))
		apply := func(e Event) {
			e.At, e.OperationID = now, "op"
			var err error
			if p, err = p.Apply(e); err != nil {
				t.Fatal(err)
			}
			if uses, _, err = Follow(uses, e); err != nil {
				t.Fatal(err)
			}
			var held, captured, refunded int64
			for _, u := range uses {
				if u.Held.IsNegative() || u.Captured.IsNegative() || u.Refunded.Minor > u.Captured.Minor || u.Held.Minor+u.Captured.Minor > u.Reserved.Minor {
					t.Fatalf("%+v after %s", u, e.Type)
				}
				held, captured, refunded = held+u.Held.Minor, captured+u.Captured.Minor, refunded+u.Refunded.Minor
			}
			wantHeld := int64(0)
			switch p.Status {
			case StatusAuthorising, StatusAuthorised:
				wantHeld = p.Credit.Minor
			case StatusPartly:
				wantHeld = p.Credit.Minor - p.CreditCaptured.Minor
			}
			var parts int64
			for _, x := range p.Parts {
				parts += x.left()
			}
			if p.Split && p.Status != StatusVoided && parts != p.GatewayLeft().Minor || p.Captured.Minor > p.Authorised.Minor {
				t.Fatalf("%d is left of the parts of %+v after %s", parts, p, e.Type)
			}
			rest := p.GatewayLeft().Minor
			voided := p.Status == StatusVoided && refunded == captured
			if held != wantHeld || !voided && (captured-refunded != p.CreditCaptured.Minor-p.CreditRefunded.Minor) || rest < 0 || rest > total-credit.Minor {
				t.Fatalf("%+v with %+v after %s", p, uses, e.Type)
			}
		}
		apply(Event{Type: AuthoriseRequested, Amount: usd(total), Credit: credit})
		if rapid.IntRange(0, 4).Draw(t, "declined") == 0 {
			apply(Event{Type: Declined, Amount: usd(total), Credit: credit})
			return
		}
		apply(Event{Type: Authorised, Amount: usd(total), Credit: credit, TransactionID: "tx1"})
		for step := range rapid.IntRange(0, 8).Draw(t, "steps") {
			kind := rapid.SampledFrom([]Kind{Capture, Refund, Void}).Draw(t, "kind")
			amount := usd(rapid.Int64Range(1, total).Draw(t, "amount"))
			plan, err := Decide(p, kind, &amount, kind == Capture && rapid.Bool().Draw(t, "more"))
			if err != nil {
				t.Fatal(err)
			}
			if plan.Outcome != nil {
				continue
			}
			if plan.Credit.IsNegative() || plan.Credit.Minor > plan.Amount.Minor {
				t.Fatalf("%+v of %+v", plan, p)
			}
			if kind == Refund && plan.Credit.IsPositive() && plan.Amount.Minor-plan.Credit.Minor < p.GatewayLeft().Minor {
				t.Fatalf("credit goes back before money: %+v of %+v", plan, p)
			}
			types := map[Kind][2]EventType{Capture: {CaptureRequested, Captured}, Void: {VoidRequested, Voided}, Refund: {RefundRequested, Refunded}}[kind]
			for _, typ := range types {
				e := Event{Type: typ, Amount: plan.Amount, Credit: plan.Credit, More: plan.More, TransactionID: fmt.Sprint("tx", step)}
				if typ == Refunded {
					for _, s := range p.shares(Operation{Kind: kind, Amount: plan.Amount, Credit: plan.Credit}) {
						e.Parts = append(e.Parts, PartChange{TransactionID: s.TransactionID, Amount: s.minor})
					}
				}
				apply(e)
			}
		}
	})
}

func card(id string, minor int64) Found {
	return Found{Credit: Credit{ID: id, Kind: GiftCard, Balance: usd(minor), Held: usd(0)}, CodeHash: []byte(id)}
}

func TestWhatIsReserved(t *testing.T) {
	t.Parallel()
	euros, late := card("eur", 500), card("late", 500)
	euros.Balance, late.ExpiresAt = money.New(500, "EUR"), now
	found := []Found{card("a", 300), card("b", 500), card("empty", 0), euros, late,
		{Credit: Credit{ID: "s1", Kind: StoreCredit, CustomerID: "ada", Balance: usd(100)}}, {Credit: Credit{ID: "s2", Kind: StoreCredit, CustomerID: "ada", Balance: usd(100)}},
		{Credit: Credit{ID: "s3", Kind: StoreCredit, CustomerID: "bob", Balance: usd(100)}}}
	cards := func(ids ...string) (w Wanted) {
		for _, id := range ids {
			w.Cards = append(w.Cards, []byte(id))
		}
		return w
	}
	all := cards("b", "a")
	all.CustomerID = "ada"
	for name, tc := range map[string]struct {
		wanted Wanted
		alone  bool
		want   string
		code   string
	}{
		"in the order of the shopper": {wanted: cards("b", "a"), want: "b 500, a 300, "},
		"only what is needed":         {wanted: cards("b", "a", "b"), want: "b 500, a 300, "},
		"then store credit":           {wanted: all, alone: true, want: "b 500, a 300, s1 100, s2 100, "},
		"too little, and no card":     {wanted: cards("a"), alone: true, code: CodeCredit},
		"unknown":                     {wanted: cards("nobody"), code: CodeGiftCard},
		"no code at all":              {wanted: Wanted{Cards: [][]byte{nil}}, code: CodeGiftCard},
		"another currency":            {wanted: cards("eur"), code: CodeGiftCard},
		"run out":                     {wanted: cards("late"), code: CodeGiftCard},
		"empty":                       {wanted: cards("a", "empty"), code: CodeGiftCard},
		"nothing":                     {wanted: Wanted{CustomerID: "eve"}},
	} {
		tc.wanted.Alone = tc.alone
		uses, no := Reserve(tc.wanted, found, usd(1000), now)
		got := ""
		for _, u := range uses {
			got += fmt.Sprintf("%s %d, ", u.CreditID, u.Reserved.Minor)
		}
		code := ""
		if no != nil {
			code = no.Code
		}
		if got != tc.want || code != tc.code || no != nil && !no.Retryable {
			t.Errorf("%s: %q %q, want %q %q", name, got, code, tc.want, tc.code)
		}
	}
}

// What the bank does not pay takes no credit with it; that is given back by a void.
func TestTheBankDidNotPayThePartOfTheCard(t *testing.T) {
	t.Parallel()
	events := []Event{event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 1000), event(Captured, "c", 1000), event(SettlementDeclined, "s", 600)}
	for i := range events[:4] {
		events[i].Credit = usd(400)
	}
	p, err := Fold(New("o-1", "o", 1, "braintree", "usd", usd(1000)), events)
	if err != nil || p.Captured != usd(400) || p.CreditCaptured != usd(400) || !p.GatewayLeft().IsZero() {
		t.Fatalf("%+v %v", p, err)
	}
	plan, err := Decide(p, Void, nil, false)
	if err != nil || plan.Outcome != nil || plan.Amount != usd(400) || plan.Credit != usd(400) {
		t.Errorf("%+v %v", plan, err)
	}
	v := Judge(p, Operation{ID: "v", Kind: Void, Amount: plan.Amount, Credit: plan.Credit}, nil, now)
	if v.Step != Answer || v.Type != Voided {
		t.Errorf("%+v", v)
	}
}

// The gateway is asked for its part, and the answer is about the whole.
func TestTheGatewayIsJudgedByItsPart(t *testing.T) {
	t.Parallel()
	events := []Event{event(AuthoriseRequested, "a", 1000), event(Authorised, "a", 1000), event(CaptureRequested, "c", 1000), event(Captured, "c", 1000), event(RefundRequested, "r", 600)}
	for i := range events[:4] {
		events[i].Credit = usd(400)
	}
	captured, err := Fold(New("o-1", "o", 1, "braintree", "usd", usd(1000)), events)
	if err != nil {
		t.Fatal(err)
	}
	authorise := Operation{ID: "a", PaymentID: "o-1", Kind: Authorise, Amount: usd(1000), Credit: usd(400)}
	sale := Transaction{ID: "tx1", State: TxAuthorised, Amount: usd(600), Reference: "o-1"}
	if v := Judge(captured, authorise, []Transaction{sale}, now); v.Type != Authorised || v.Outcome.Amount != usd(1000) {
		t.Errorf("%+v", v)
	}
	sale.Amount = usd(1000)
	if v := Judge(captured, authorise, []Transaction{sale}, now); v.Step != Undo || v.Outcome.Code != CodeMismatch || v.Outcome.Amount != usd(1000) {
		t.Errorf("the gateway took the whole: %+v", v)
	}
	// A refund of the card's part alone must not void what was paid by credit.
	sale.State, sale.Amount = TxSubmitted, usd(600)
	refused := &Refusal{Code: CodeNotSettled}
	part := Operation{ID: "r", PaymentID: "o-1", Kind: Refund, Amount: usd(600), Credit: usd(0), Refusal: refused}
	if v := Judge(captured, part, []Transaction{sale}, now); v.Type != RefundDeclined || v.Outcome.Code != CodeNotSettled {
		t.Errorf("%+v", v)
	}
	whole := Operation{ID: "r", PaymentID: "o-1", Kind: Refund, Amount: usd(1000), Credit: usd(400), Refusal: refused}
	if v := Judge(captured, whole, []Transaction{sale}, now); v.Step != Undo || v.Type != Voided || v.Outcome.Amount != usd(1000) {
		t.Errorf("%+v", v)
	}
	// Nor must one of goods that came back, when the bank did not pay or the sale was voided at the gateway: the credit was for others too.
	part = Operation{ID: "r", PaymentID: "o-1", Kind: Refund, Amount: usd(700), Credit: usd(100), SentAt: now}
	for state, code := range map[State]string{TxUnsettled: CodeSettlement, TxVoided: CodeVoided} {
		sale.State = state
		if v := Judge(captured, part, []Transaction{sale}, now); v.Type != RefundDeclined || v.Outcome.Code != code || v.Outcome.Amount != usd(700) || (v.Raise != "") != (state == TxVoided) {
			t.Errorf("%s: %+v", state, v)
		}
		if v := Judge(captured, whole, []Transaction{sale}, now); v.Type != Voided || v.Outcome.Amount != usd(1000) {
			t.Errorf("%s, all of it: %+v", state, v)
		}
	}
}
