package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Kinds of notifications. Source: "Webhooks" of the public documentation and the constants of the public SDKs.
const (
	NoticeCheck                 = "check"
	NoticeDisbursement          = "disbursement"
	NoticeDisbursementException = "disbursement_exception"
	NoticeDisputeOpened         = "dispute_opened"
	NoticeDisputePrefix         = "dispute_"
	NoticeSettled               = "transaction_settled" // of methods that are no cards
	NoticeSettlementDeclined    = "transaction_settlement_declined"
)

// Notice is a notification to the merchant: what it tells of stands in it as it was then. One of the subjects at most is set.
type Notice struct {
	ID           string
	Kind         string
	At           time.Time
	Dispute      *Dispute      `json:",omitempty"`
	Disbursement *Disbursement `json:",omitempty"`
	Transaction  *Transaction  `json:",omitempty"`
	Delivered    time.Time
	GivenUp      bool
	Tries        int
	Due          time.Time // of the next try
	Failure      string    // of the last one
}

// noticeFor is how long an undelivered notification is tried.
const noticeFor = 24 * time.Hour

func (b *Book) notice(kind string, terms Terms) *Notice {
	return &Notice{ID: b.fresh(terms), Kind: kind, At: terms.Now, Due: terms.Now}
}

func (b *Book) putNotice(n *Notice) {
	if b.notices[n.ID] == nil {
		b.noticedAs[n.ID] = len(b.noticed)
		b.noticed = append(b.noticed, n.ID)
	}
	b.notices[n.ID] = n
	mark(b.waiting, n.ID, n.Delivered.IsZero() && !n.GivenUp)
}

// Notices answers every notification, oldest first.
func (b *Book) Notices() []*Notice {
	all := make([]*Notice, len(b.noticed))
	for i, id := range b.noticed {
		all[i] = b.notices[id]
	}
	return all
}

// NoticesDue answers what is to be sent now, oldest first.
func (b *Book) NoticesDue(now time.Time) []*Notice {
	var due []*Notice
	for id := range b.waiting {
		if n := b.notices[id]; !n.Due.After(now) {
			due = append(due, n)
		}
	}
	slices.SortFunc(due, func(x, y *Notice) int { return cmp.Compare(b.noticedAs[x.ID], b.noticedAs[y.ID]) })
	return due
}

// Notify makes a notification of any kind about a transaction, or about nothing (check).
func (b *Book) Notify(kind, transaction string, terms Terms) (*Notice, []Record, error) {
	n := b.notice(kind, terms)
	if transaction != "" {
		t, err := b.Find(transaction)
		if err != nil {
			return nil, nil, err
		}
		n.Transaction = t
	}
	return n, []Record{{Notice: n}}, nil
}

// Tried records a try to deliver a notification; failure is empty when it was taken. It is tried again after a second, doubling
// to five minutes, for a day.
func (b *Book) Tried(id, failure string, now time.Time) []Record {
	old := b.notices[id]
	if old == nil {
		return nil
	}
	n := *old
	n.Tries, n.Failure = n.Tries+1, failure
	n.Due = now.Add(min(time.Second<<min(n.Tries-1, 9), 5*time.Minute))
	if failure == "" {
		n.Delivered = now
	}
	n.GivenUp = failure != "" && now.Sub(n.At) > noticeFor
	return []Record{{Notice: &n}}
}

// Resend makes a notification due again, delivered or not, as a gateway that repeats itself.
func (b *Book) Resend(id string, terms Terms) (*Notice, []Record, error) {
	old := b.notices[id]
	if old == nil {
		return nil, nil, ErrNotFound
	}
	n := *old
	n.Delivered, n.GivenUp, n.Due = time.Time{}, false, terms.Now
	return &n, []Record{{Notice: &n}}, nil
}
