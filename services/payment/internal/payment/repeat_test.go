package payment

import "testing"

// Only what the gateway has taken, whole, can be charged once more, for whose it is.
func TestWhatIsRepeatable(t *testing.T) {
	t.Parallel()
	paid := New("o-1", "o", 1, Gateway, "usd", usd(1000))
	paid.Status, paid.Authorised, paid.Captured, paid.TransactionID, paid.CustomerID = StatusCaptured, usd(1000), usd(1000), "tx1", "c"
	if no := Repeatable(paid, "c", usd(300)); no != nil {
		t.Errorf("%+v", no)
	}
	for name, change := range map[string]func(p *Payment){
		"nothing":            func(p *Payment) { *p = Payment{} },
		"by hand":            func(p *Payment) { p.Provider = BankTransfer },
		"by credit":          func(p *Payment) { p.Credit, p.CreditCaptured = usd(1000), usd(1000) },
		"in parts":           func(p *Payment) { p.Split = true },
		"like another":       func(p *Payment) { p.Like = "o-0" },
		"another customer's": func(p *Payment) { p.CustomerID = "d" },
		"another currency":   func(p *Payment) { p.Amount.Currency = "EUR" },
	} {
		p := paid
		change(&p)
		if no := Repeatable(p, "c", usd(300)); no == nil || no.Code != CodeNotRepeatable || no.Amount != usd(300) || no.Retryable || no.Message == "" {
			t.Errorf("%s: %+v", name, no)
		}
	}
	for _, s := range Statuses() {
		p := paid
		p.Status = s
		if no := Repeatable(p, "c", usd(300)); (no == nil) != (s == StatusCaptured) {
			t.Errorf("%s: %+v", s, no)
		}
	}
}
