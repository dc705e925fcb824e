package page

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
)

type fixed struct{ book *ledger.Book }

func (f fixed) View(look func(*ledger.Book)) error { look(f.book); return nil }

func get(t *testing.T, b *ledger.Book, url string) string {
	t.Helper()
	m, err := merchant.New("shop", "p", "q", []ledger.Account{{ID: "usd", Currency: "USD"}}, time.Now, merchant.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(fixed{b}, m, func() []string { return []string{"drop_after on <sale>"} }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

func TestPageListsAndEscapes(t *testing.T) {
	t.Parallel()
	b := ledger.NewBook()
	if out := get(t, b, "/"); !strings.Contains(out, "None yet") {
		t.Error("an empty book should say so")
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i, status := range []ledger.Status{ledger.Settled, ledger.Authorized, ledger.ProcessorDeclined} {
		id := string(rune('a' + i))
		b.Apply([]ledger.Record{{Transaction: &ledger.Transaction{
			ID: id, Kind: ledger.Sale, Status: status, Amount: ledger.Money{Minor: 1234, Currency: "USD"}, OrderID: "<script>" + id, Created: at,
			History: []ledger.Change{{At: at, Status: status, Amount: 1234, By: "api"}}, Processor: ledger.Response{Text: "Do Not Honor"},
		}}})
	}
	out := get(t, b, "/")
	for _, want := range []string{"&lt;script&gt;a", "12.34 USD", "Do Not Honor", "3 in all", "processor declined", "drop_after on &lt;sale&gt;"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(out, "<script>") {
		t.Error("an order id became markup")
	}
	if out := get(t, b, "/?order=%3Escript%22"); strings.Contains(out, `value=">`) || !strings.Contains(out, "None yet") {
		t.Error("the filter is not escaped or finds what it should not")
	}
	if out := get(t, b, "/?order=b"); strings.Contains(out, "&gt;a<") || !strings.Contains(out, "1 in all") {
		t.Error("the filter does not filter")
	}
}
