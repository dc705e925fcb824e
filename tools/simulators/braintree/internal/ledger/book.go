package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Record is one thing to write: exactly one member is set.
type Record struct {
	Transaction *Transaction
	Vaulted     *Vaulted
}

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
	vault        map[string]*Vaulted
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
		vault:        map[string]*Vaulted{},
	}
}

// Apply writes records, newest state wins. It is how both decisions and the journal's replay get in.
func (b *Book) Apply(records []Record) {
	for _, r := range records {
		if r.Vaulted != nil {
			b.vault[r.Vaulted.Token] = r.Vaulted
		}
		if r.Transaction != nil {
			b.put(r.Transaction)
		}
	}
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
	switch t.Status {
	case Submitted, Settling, SettlementPending, SettlementConfirmed:
		if len(t.PartIDs) == 0 {
			b.unsettled[t.ID] = struct{}{}
			return
		}
	}
	delete(b.unsettled, t.ID)
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
		if id := terms.NewID(); b.transactions[id] == nil && b.vault[id] == nil {
			return id
		}
	}
}
