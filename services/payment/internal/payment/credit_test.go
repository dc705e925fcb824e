package payment

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/money"
)

var entryTypes = []EntryType{CreditIssued, CreditAdjusted, CreditExpired, CreditReserved, CreditReleased,
	CreditCaptured, CreditRefunded}

// Whatever is asked of a credit: balance and held are never negative, and they are the sums of the ledger.
func TestACreditIsTheSumOfItsLedger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := now
		c := Credit{ID: "c", Balance: usd(0), Held: usd(0)}
		balance, held, version := usd(0), usd(0), int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			typ := rapid.SampledFrom(entryTypes).Draw(t, "type")
			amount := usd(rapid.Int64Range(-50, 200).Draw(t, "amount"))
			after, e, err := c.Move(typ, amount, now)
			if err != nil {
				if after != c {
					t.Fatalf("a refused %s changed %+v to %+v", typ, c, after)
				}
				continue
			}
			if amount.IsZero() || amount.IsNegative() && typ != CreditAdjusted {
				t.Fatalf("%s over %s was taken", typ, amount)
			}
			balance.Minor, held.Minor, version = balance.Minor+e.Amount.Minor, held.Minor+e.Held.Minor, version+1
			if after.Balance != balance || after.Held != held || after.Version != version || e.Version != version || e.Balance != balance || balance.IsNegative() || held.IsNegative() {
				t.Fatalf("%s over %s made %+v of %+v", typ, amount, after, c)
			}
			c = after
		}
	})
}

func TestOtherMoneyIsNoCredit(t *testing.T) {
	t.Parallel()
	c := Credit{ID: "c", Balance: usd(100), Held: usd(0)}
	if _, _, err := c.Move(CreditReserved, money.New(1, "EUR"), time.Now()); err == nil {
		t.Error("euros were taken from dollars")
	}
}

// What comes back to a credit that has run out can be spent for a while; what has not run out keeps its time.
func TestWhatComesBackCanBeSpent(t *testing.T) {
	t.Parallel()
	now := now
	c := Credit{ID: "c", Balance: usd(0), Held: usd(100), ExpiresAt: now}
	if !c.Expired(now) || c.Expired(now.Add(-1)) {
		t.Error("it runs out at the time it says")
	}
	after, _, err := c.Move(CreditReleased, usd(100), now)
	if err != nil || after.Spendable(now) != usd(100) || after.ExpiresAt != now.Add(ReturnedFor) {
		t.Errorf("%+v %v", after, err)
	}
	before := now.Add(-time.Hour)
	if after, _, err = c.Move(CreditReleased, usd(100), before); err != nil || after.ExpiresAt != now {
		t.Errorf("%+v %v", after, err)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	var random [CodeLength]byte
	for i := range random {
		random[i] = byte(i + 241)
	}
	code := Code(random)
	plain := strings.ReplaceAll(code, "-", "")
	want, ok := CodeHash(plain)
	if !ok || len(code) != 23 || CodeEnd(code) != code[18:] {
		t.Fatalf("%q %t", code, ok)
	}
	for _, none := range []string{"", code, strings.ToLower(plain), plain[1:], plain + "A", "U" + plain[1:], "Ü" + plain[2:]} {
		if _, ok := CodeHash(none); ok {
			t.Errorf("%q is taken for a code", none)
		}
	}
	if got, ok := CodeHash(plain[1:] + plain[:1]); !ok || bytes.Equal(got, want) {
		t.Errorf("two codes have one hash: %t", ok)
	}
}
