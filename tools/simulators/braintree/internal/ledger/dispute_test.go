package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

var everyDisputeStatus = []DisputeStatus{DisputeOpen, DisputeDisputed, DisputeUnderReview, DisputeAccepted, DisputeAutoAccepted, DisputeExpired, DisputeWon, DisputeLost}

// bookWith holds one dispute over 10.00 in a status.
func bookWith(status DisputeStatus) (*Book, Terms) {
	n := 0
	terms := Terms{Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), NewID: func() string { n++; return fmt.Sprint("id", n) }}
	b := NewBook()
	b.Apply([]Record{{Dispute: &Dispute{ID: "d", Transaction: "t", Status: status, Amount: Money{1000, "USD"}, ReplyBy: day(terms.Now), Evidence: []Evidence{{ID: "e", Comments: "x"}}}}})
	return b, terms
}

// Every status × every step of a dispute: what is possible, that the merchant is told, and that all else is refused.
func TestEveryStepOfADispute(t *testing.T) {
	t.Parallel()
	want := map[DisputeStatus][]DisputeStatus{
		DisputeOpen:        {DisputeDisputed, DisputeUnderReview, DisputeAccepted, DisputeAutoAccepted, DisputeExpired, DisputeWon, DisputeLost},
		DisputeDisputed:    {DisputeUnderReview, DisputeWon, DisputeLost},
		DisputeUnderReview: {DisputeWon, DisputeLost},
	}
	for _, from := range everyDisputeStatus {
		for _, to := range everyDisputeStatus {
			b, terms := bookWith(from)
			d, records, err := b.ChangeDispute("d", to, terms)
			if !slices.Contains(want[from], to) {
				if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || len(records) > 0 {
					t.Errorf("%s, %s: %v, want a refusal", from, to, err)
				}
				continue
			}
			if err != nil || d.Status != to || len(records) != 2 || records[1].Notice == nil || records[1].Notice.Kind != "dispute_"+string(to) || records[1].Notice.Dispute != d {
				t.Errorf("%s, %s: %+v %v", from, to, records, err)
			}
			if (d.Won == 1000) != (to == DisputeWon) {
				t.Errorf("%s, %s: won %d", from, to, d.Won)
			}
		}
	}
}

// What the merchant may do: while a dispute is open, and not afterwards, with the code of each call.
func TestTheMerchantsPartOfADispute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do   func(b *Book, terms Terms) ([]Record, error)
		code string
	}{
		"accept":   {func(b *Book, terms Terms) ([]Record, error) { return b.AcceptDispute("d", terms) }, "95704"},
		"finalize": {func(b *Book, terms Terms) ([]Record, error) { return b.FinalizeDispute("d", terms) }, "95705"},
		"add": {func(b *Book, terms Terms) ([]Record, error) {
			_, records, err := b.AddEvidence("d", Evidence{Comments: "y"}, terms)
			return records, err
		}, "95701"},
		"remove": {func(b *Book, terms Terms) ([]Record, error) { return b.RemoveEvidence("d", "e", terms) }, "95702"},
	} {
		for _, status := range everyDisputeStatus {
			b, terms := bookWith(status)
			records, err := tc.do(b, terms)
			refusal := (*Refusal)(nil)
			refused := errors.As(err, &refusal) && refusal.Problems[0].Code == tc.code
			if open := status == DisputeOpen; open != (err == nil && len(records) > 0) || open == refused {
				t.Errorf("%s while %s: %+v %v", name, status, records, err)
			}
		}
	}
}

// Time accepts what nobody has answered on the day after the last one, and nothing else.
func TestTimeAcceptsDisputes(t *testing.T) {
	t.Parallel()
	for _, status := range everyDisputeStatus {
		for after, over := range map[time.Duration]bool{11*time.Hour + 59*time.Minute: false, 12 * time.Hour: true} {
			b, terms := bookWith(status)
			terms.Now = terms.Now.Add(after)
			if moved := len(b.PassTime(9, terms)) > 0; moved != (over && status == DisputeOpen) {
				t.Errorf("%s after %s: moved %t", status, after, moved)
			}
		}
	}
}
