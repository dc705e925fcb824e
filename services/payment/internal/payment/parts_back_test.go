package payment

import (
	"testing"
	"time"
)

// A refund over two parts, of which the second was asked for last: the first was seen to be refunded before that. While the gateway's search
// does not show it, it is neither sent again nor given up.
func TestARefundedPartIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	p := Payment{ID: "o-1", Split: true, Status: StatusCaptured, TransactionID: "auth", Amount: usd(1000), Authorised: usd(1000), Captured: usd(1000), Parts: []Part{
		{TransactionID: "part1", Status: PartSettled, Amount: usd(600), Refunded: usd(0)}, {TransactionID: "part2", Status: PartSettled, Amount: usd(400), Refunded: usd(0)}}}
	books := []Transaction{{ID: "auth", State: TxSubmitted, Amount: usd(1000), Reference: "o-1"},
		{ID: "part1", State: TxSettled, Amount: usd(600)}, {ID: "part2", State: TxSettled, Amount: usd(400)}}
	back := func(id, of string, minor int64) Transaction {
		return Transaction{ID: id, Credit: true, State: TxSubmitted, Amount: usd(minor), Reference: "op", RefundOf: of}
	}
	one, two := back("r1", "part1", 600), back("r2", "part2", 300)
	for name, tc := range map[string]struct {
		asked string
		sent  time.Time
		found []Transaction
		want  string
	}{
		"nothing asked yet":               {"", time.Time{}, nil, "send"},
		"the first is on its way":         {"part1", now, nil, "wait"},
		"the first never arrived":         {"part1", now.Add(-Belief), nil, "answer refund_failed 900 strays"},
		"the first is done":               {"part1", now, []Transaction{one}, "send"},
		"neither is shown":                {"part2", now, nil, "wait"},
		"neither is shown for long":       {"part2", now.Add(-Belief), nil, "wait"},
		"the second alone is shown":       {"part2", now.Add(-Belief), []Transaction{two}, "wait"},
		"the second surely was not sent":  {"part2", time.Time{}, nil, "wait"},
		"it was not, the first is shown":  {"part2", time.Time{}, []Transaction{one}, "send"},
		"the second is on its way":        {"part2", now, []Transaction{one}, "wait"},
		"the second never arrived":        {"part2", now.Add(-Belief), []Transaction{one}, "answer refunded 600 strays raised"},
		"both are done, whatever is told": {"part2", now, []Transaction{two, one}, "answer refunded 900"},
	} {
		op := Operation{ID: "op", PaymentID: "o-1", Kind: Refund, Amount: usd(900), Credit: usd(0), SentAt: tc.sent, Asked: Ask{TransactionID: tc.asked}}
		if got := summary(Judge(p, op, append(tc.found, books...), now)); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
