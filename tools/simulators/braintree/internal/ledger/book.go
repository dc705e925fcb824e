package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Record is one thing to write: exactly one member is set.
type Record struct {
	Transaction  *Transaction  `json:",omitempty"`
	Vaulted      *Vaulted      `json:",omitempty"`
	Profile      *Profile      `json:",omitempty"`
	Dispute      *Dispute      `json:",omitempty"`
	Disbursement *Disbursement `json:",omitempty"`
	Notice       *Notice       `json:",omitempty"`
	Clock        *Clock        `json:",omitempty"`
}

// Clock is how far the gateway's clock was turned.
type Clock struct{ Ahead time.Duration }

// Terms are the merchant's settings and the sources that a decision needs from outside.
type Terms struct {
	Now             time.Time
	NewID           func() string // a fresh id per call; the Book refuses one that is taken by asking again
	Accounts        []Account     // the first is the default
	DuplicateWindow time.Duration // 0 switches the duplicate check off; the documented default is 30 s
	TestAmounts     bool          // whether the documented amounts decide about sales
}

// Account is a merchant account: the gateway keeps one for each currency.
type Account struct{ ID, Currency string }

// Book is the gateway's whole state in memory. It is not safe for concurrent use; package store guards it.
type Book struct {
	transactions map[string]*Transaction
	sequence     []string            // ids in the order of creation
	byOrder      map[string][]string // order id → transaction ids
	latest       map[sameness]string // the youngest successful sale that looks like this
	unsettled    map[string]struct{} // ids that settlement has to look at
	undisbursed  map[string]struct{} // settled, and not paid out yet
	held         map[string]struct{} // authorisations that can run out
	vault        map[string]*Vaulted
	profiles     map[string]*Profile
	disputes     map[string]*Dispute
	disputed     []string            // dispute ids in the order of their opening
	disputesOf   map[string][]string // transaction id → dispute ids
	disbursed    map[string]*Disbursement
	notices      map[string]*Notice
	noticed      []string            // notice ids in the order of their making
	noticedAs    map[string]int      // its place in noticed
	waiting      map[string]struct{} // notices that are not delivered
	clock        Clock
}

// sameness is what two sales must share to be duplicates.
type sameness struct {
	account, orderID, method string
	minor                    int64
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		transactions: map[string]*Transaction{},
		byOrder:      map[string][]string{},
		latest:       map[sameness]string{},
		unsettled:    map[string]struct{}{},
		undisbursed:  map[string]struct{}{},
		held:         map[string]struct{}{},
		vault:        map[string]*Vaulted{},
		profiles:     map[string]*Profile{},
		disputes:     map[string]*Dispute{},
		disputesOf:   map[string][]string{},
		disbursed:    map[string]*Disbursement{},
		notices:      map[string]*Notice{},
		noticedAs:    map[string]int{},
		waiting:      map[string]struct{}{},
	}
}

// Apply writes records, newest state wins. It is how both decisions and the journal's replay get in.
func (b *Book) Apply(records []Record) {
	for _, r := range records {
		switch {
		case r.Transaction != nil:
			b.put(r.Transaction)
		case r.Vaulted != nil:
			b.vault[r.Vaulted.Token] = r.Vaulted
		case r.Profile != nil:
			b.profiles[r.Profile.ID] = r.Profile
		case r.Dispute != nil:
			b.putDispute(r.Dispute)
		case r.Disbursement != nil:
			b.disbursed[r.Disbursement.ID] = r.Disbursement
		case r.Notice != nil:
			b.putNotice(r.Notice)
		case r.Clock != nil:
			b.clock = *r.Clock
		}
	}
}

// Records is the whole present state, in an order that Apply can take.
func (b *Book) Records() []Record {
	records := make([]Record, 0, b.Len()+len(b.vault)+len(b.profiles)+len(b.disputes)+len(b.disbursed)+len(b.notices)+1)
	for _, p := range b.profiles {
		records = append(records, Record{Profile: p})
	}
	for _, v := range b.Vault() {
		records = append(records, Record{Vaulted: v})
	}
	for _, t := range b.All() {
		records = append(records, Record{Transaction: t})
	}
	for _, d := range b.Disputes() {
		records = append(records, Record{Dispute: d})
	}
	for _, d := range b.disbursed {
		records = append(records, Record{Disbursement: d})
	}
	for _, n := range b.Notices() {
		records = append(records, Record{Notice: n})
	}
	if b.clock.Ahead != 0 {
		records = append(records, Record{Clock: &b.clock})
	}
	return records
}

// Clock answers how far the gateway's clock was turned.
func (b *Book) Clock() Clock { return b.clock }

// mark puts an id into a set or takes it out.
func mark(set map[string]struct{}, id string, in bool) {
	if in {
		set[id] = struct{}{}
		return
	}
	delete(set, id)
}

func (b *Book) put(t *Transaction) {
	if _, known := b.transactions[t.ID]; !known {
		b.sequence = append(b.sequence, t.ID)
		b.byOrder[t.OrderID] = append(b.byOrder[t.OrderID], t.ID)
		if t.Kind == Sale && t.AuthorizedBy == "" && t.Succeeded() {
			b.latest[samenessOf(t)] = t.ID
		}
	}
	b.transactions[t.ID] = t
	moving := t.Status == Submitted || t.Status == Settling || t.Status == SettlementPending || t.Status == SettlementConfirmed
	mark(b.unsettled, t.ID, moving && len(t.PartIDs) == 0)
	mark(b.undisbursed, t.ID, t.Status == Settled && t.Disbursed == "")
	mark(b.held, t.ID, t.Status == Authorized)
}

func samenessOf(t *Transaction) sameness {
	minor := t.Amount.Minor
	if t.Authorize != 0 {
		minor = t.Authorize
	}
	return sameness{account: t.Account, orderID: t.OrderID, method: t.Method.fingerprint(), minor: minor}
}

// Find answers the transaction, or ErrNotFound.
func (b *Book) Find(id string) (*Transaction, error) {
	if t, ok := b.transactions[id]; ok {
		return t, nil
	}
	return nil, ErrNotFound
}

// Token answers the stored payment method, or ErrNotFound.
func (b *Book) Token(token string) (*Vaulted, error) {
	if v, ok := b.vault[token]; ok && !v.Deleted {
		return v, nil
	}
	return nil, ErrNotFound
}

// All answers every transaction, oldest first.
func (b *Book) All() []*Transaction {
	all := make([]*Transaction, len(b.sequence))
	for i, id := range b.sequence {
		all[i] = b.transactions[id]
	}
	return all
}

// Len is the number of transactions.
func (b *Book) Len() int { return len(b.sequence) }

// Vault answers every stored payment method, deleted ones too, in the order of their making.
func (b *Book) Vault() []*Vaulted {
	all := make([]*Vaulted, 0, len(b.vault))
	for _, v := range b.vault {
		all = append(all, v)
	}
	slices.SortFunc(all, func(x, y *Vaulted) int {
		return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.Token, y.Token))
	})
	return all
}

// Refunded sums the credits that were made from a sale and still stand, in minor units.
func (b *Book) Refunded(t *Transaction) int64 { return b.sum(t.RefundIDs) }

// parted sums a parent authorisation's partial settlements that still stand, in minor units.
func (b *Book) parted(t *Transaction) int64 { return b.sum(t.PartIDs) }

func (b *Book) sum(ids []string) int64 {
	var total int64
	for _, id := range ids {
		if c := b.transactions[id]; c != nil && c.live() {
			total += c.Amount.Minor
		}
	}
	return total
}

// fresh draws an id that no transaction has.
func (b *Book) fresh(terms Terms) string {
	for {
		if id := terms.NewID(); b.transactions[id] == nil && b.vault[id] == nil && b.profiles[id] == nil && b.disputes[id] == nil && b.notices[id] == nil {
			return id
		}
	}
}
