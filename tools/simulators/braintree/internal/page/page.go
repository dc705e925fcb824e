// Package page is the simulator's one web page: the latest transactions with their history, what they add up to by
// currency, and the faults in force. It only reads; its buttons post to the switches. All text of callers is escaped by
// html/template.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
)

//go:embed page.gohtml
var files embed.FS

const shown = 200

// Source is what the page reads (a *store.Store).
type Source interface {
	View(look func(*ledger.Book)) error
}

// row is one transaction and what the book knows of its refunds.
type row struct {
	*ledger.Transaction
	Refunded string
}

// total is one currency's sums in decimal form.
type total struct {
	Currency, Authorized, Captured, Refunded string
	Count, Declined                          int
}

type view struct {
	Merchant *merchant.Merchant
	Settings merchant.Settings
	Order    string
	Rows     []row
	Matching int
	Count    int
	Totals   []total
	Shown    int
	Faults   []string
	Disputes []*ledger.Dispute
	Waiting  []*ledger.Notice
	Now      time.Time
}

// New makes the page's handler; it serves "/" with ?order= as a filter on the order id. faults describes the faults in
// force, one a line, because a forgotten one is the first thing to look for.
func New(src Source, m *merchant.Merchant, faults func() []string, log *slog.Logger) (http.Handler, error) {
	t, err := template.New("page.gohtml").Funcs(template.FuncMap{
		"decimal": func(minor int64, currency string) string {
			return ledger.Money{Minor: minor, Currency: currency}.Decimal()
		},
		"words": func(s ledger.Status) string { return strings.ReplaceAll(string(s), "_", " ") },
	}).ParseFS(files, "page.gohtml")
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := view{Merchant: m, Settings: m.Settings(), Order: strings.TrimSpace(r.URL.Query().Get("order")), Shown: shown, Faults: faults(), Now: m.Now().UTC()}
		if err := src.View(v.fill); err != nil {
			log.Error("page", "error", err)
			http.Error(w, "the simulator's store has failed; see its log", http.StatusInternalServerError)
			return
		}
		var out bytes.Buffer
		if err := t.Execute(&out, v); err != nil {
			log.Error("page", "error", err)
			http.Error(w, "the page could not be drawn; see the log", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
		_, _ = w.Write(out.Bytes()) // the reader has gone
	}), nil
}

func (v *view) fill(b *ledger.Book) {
	q := ledger.Query{}
	if v.Order != "" {
		q.OrderID = &ledger.Text{Contains: v.Order}
	}
	found := b.Search(q)
	v.Count, v.Matching = b.Len(), len(found)
	for _, t := range found[:min(shown, len(found))] {
		r := row{Transaction: t}
		if n := b.Refunded(t); n > 0 {
			r.Refunded = ledger.Money{Minor: n, Currency: t.Amount.Currency}.Decimal()
		}
		v.Rows = append(v.Rows, r)
	}
	v.Totals = totals(b)
	for _, d := range slices.Backward(b.Disputes()) {
		if v.Disputes = append(v.Disputes, d); len(v.Disputes) == shown {
			break
		}
	}
	for _, n := range b.Notices() {
		if n.Delivered.IsZero() && len(v.Waiting) < shown {
			v.Waiting = append(v.Waiting, n)
		}
	}
}

func totals(b *ledger.Book) []total {
	type sums struct {
		authorized, captured, refunded int64
		count, declined                int
	}
	by := map[string]*sums{}
	for _, t := range b.All() {
		s := by[t.Amount.Currency]
		if s == nil {
			s = &sums{}
			by[t.Amount.Currency] = s
		}
		s.count++
		if !t.Succeeded() {
			s.declined++
		}
		if t.Status == ledger.Authorized {
			s.authorized += t.Amount.Minor
		}
		s.captured += t.Captured()
		s.refunded += b.Refunded(t)
	}
	var out []total
	for currency, s := range by {
		text := func(minor int64) string { return ledger.Money{Minor: minor, Currency: currency}.Decimal() }
		out = append(out, total{currency, text(s.authorized), text(s.captured), text(s.refunded), s.count, s.declined})
	}
	slices.SortFunc(out, func(x, y total) int { return strings.Compare(x.Currency, y.Currency) })
	return out
}
