package reconcile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bt "github.com/braintree-go/braintree-go"
	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

var simulator string // path of the binary, set by TestMain alone

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sidecart-reconcile-")
	if err == nil {
		simulator = filepath.Join(dir, "braintree")
		var out []byte
		if out, err = exec.Command("go", "build", "-C", "../..", "-o", simulator, "./simulators/braintree").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is payment's database beside the simulator.
type world struct {
	t    *testing.T
	url  string
	sim  string
	sdk  *bt.Braintree
	opt  Options
	next int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	own := pg.Migrations{Name: "payment", FS: os.DirFS("../../../services/payment/internal/postgres/migrations")}
	w := &world{t: t, url: testkit.SchemaURL(t, outbox.Migrations, own)}
	cmd := exec.Command(simulator, "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--duplicate-window", "0", "--log-level", "error")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // both fail when it ended by itself
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	w.sim = strings.TrimSpace(line)
	w.sdk = bt.NewWithHttpClient(bt.NewEnvironment(w.sim), "sidecart", "sidecart_public", "sidecart_private", &http.Client{Timeout: 10 * time.Second})
	today := time.Now().UTC().Truncate(24 * time.Hour)
	w.opt = Options{Database: w.url, Gateway: w.sdk, From: today.AddDate(0, 0, -1), To: today.AddDate(0, 0, 2), Now: time.Now().Add(time.Hour)}
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%v\n%s", err, sql)
	}
}

func (w *world) post(path string, body any) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.sim+path, bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		w.t.Fatalf("%s: %s", path, resp.Status)
	}
}

// sale makes a sale at the gateway and the payment of ours that goes with it, in this status.
func (w *world) sale(account, currency string, minor int64, scale int, status string) string {
	w.t.Helper()
	w.next++
	id := fmt.Sprintf("o%d-1", w.next)
	tx, err := w.sdk.Transaction().Create(w.t.Context(), &bt.TransactionRequest{Type: "sale", Amount: bt.NewDecimal(minor, scale), OrderId: id, MerchantAccountId: account,
		PaymentMethodNonce: bt.FakeNonceTransactable, Options: &bt.TransactionOptions{SubmitForSettlement: status != "authorised"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.payment(id, currency, minor, status, tx.Id)
	return tx.Id
}

func (w *world) payment(id, currency string, minor int64, status, transaction string) {
	w.t.Helper()
	captured := minor
	if status == "authorised" {
		captured = 0
	}
	w.exec(`INSERT INTO payments (id, order_id, attempt, provider, account, currency, amount, status, authorised, captured, refunded, transaction_id, live_operation, version, created_at, updated_at)
		VALUES ($1, $1, 1, 'braintree', 'a', $2, $3, $4, $3, $5, 0, $6, '', 4, now(), now())`, id, currency, minor, status, captured, transaction)
}

func (w *world) refund(transaction, payment string, minor int64) {
	w.t.Helper()
	tx, err := w.sdk.Transaction().Refund(w.t.Context(), transaction, bt.NewDecimal(minor, 2))
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, credit, transaction_id, code, detail, at) VALUES
		($1, 9, 'refunded', 'r', 'USD', $2 + 100, 100, $3, '', '', now()), ($1, 10, 'refunded', 's', 'USD', 100, 100, '', '', '', now())`, payment, minor, tx.Id)
}

func (w *world) compare() Report {
	w.t.Helper()
	r, err := Compare(w.t.Context(), w.opt)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// rules lists the differences as "rule payment".
func rules(r Report) string {
	var all []string
	for _, d := range r.Differences {
		all = append(all, d.Rule+" "+d.PaymentID)
	}
	return strings.Join(all, ", ")
}

// part captures a part of an authorisation at the gateway, which the library cannot, and the row of ours that goes with it.
func (w *world) part(parent, payment string, number int, minor int64, status string) string {
	w.t.Helper()
	body := fmt.Sprintf("<transaction><amount>%d.%02d</amount><order-id>%s-c%d</order-id></transaction>", minor/100, minor%100, payment, number)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.sim+"/merchants/sidecart/transactions/"+parent+"/submit_for_partial_settlement", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth("sidecart_public", "sidecart_private")
	r.Header.Set("Content-Type", "application/xml")
	r.Header.Set("X-ApiVersion", "4")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var tx struct {
		ID string `xml:"id"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&tx); err != nil || resp.StatusCode != http.StatusCreated {
		w.t.Fatalf("%s %v", resp.Status, err)
	}
	operation := fmt.Sprint(payment, "-c", number)
	w.exec(`INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, reason, actor, created_at, answered_at, stamp, tries)
		VALUES ($1, $2, 'capture', 'USD', $3, 'succeeded', $3, '', '', now(), now(), 1, 1)`, operation, payment, minor)
	w.exec(`INSERT INTO payment_parts VALUES ($1, $2, $3, $4, $5, 'USD', $6, 0, '{}')`, payment, number, tx.ID, operation, status, minor)
	return tx.ID
}

// Captured in parts: each is compared by itself, the authorisation only stands behind them, and a refund is of a part.
func TestParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parent := w.sale("sidecart-usd", "USD", 1000, 2, "authorised")
	first := w.part(parent, "o1-1", 1, 600, "settled")
	second := w.part(parent, "o1-1", 2, 300, "captured")
	w.post("/_sim/settle", struct{}{})
	if _, err := w.sdk.Transaction().Void(t.Context(), parent); err != nil {
		t.Fatal(err)
	}
	back, err := w.sdk.Transaction().Refund(t.Context(), first, bt.NewDecimal(200, 2))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE payments SET split = true, status = 'captured', captured = 900, refunded = 200 WHERE id = 'o1-1'`)
	w.exec(`INSERT INTO payment_events (payment_id, version, type, operation_id, currency, amount, transaction_id, code, detail, at, parts) VALUES
		('o1-1', 9, 'refunded', 'r', 'USD', 200, $1, '', '', now(), jsonb_build_array(jsonb_build_object('transaction_id', $2::text, 'amount', 200, 'refund_id', $1::text)))`, back.Id, first)
	r := w.compare()
	if !r.Clean() || r.Compared != 3 || len(r.Days) != 1 || r.Days[0].Ours != (Sum{2, 900, 1, 200}) || r.Days[0].Gateway != r.Days[0].Ours {
		t.Errorf("%+v", r)
	}
	w.exec(`UPDATE payment_parts SET status = 'voided' WHERE transaction_id = $1`, second)
	w.exec(`DELETE FROM payment_parts WHERE transaction_id = $1`, first)
	if got := rules(w.compare()); got != "states-differ o1-1, unknown-here " && got != "unknown-here , states-differ o1-1" {
		t.Error(got)
	}
}

// What an edit charges is a clone at the gateway, with the order id of its origin: it is compared by itself, and one that nobody here knows is
// named by its own reference.
func TestClones(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	origin := w.sale("sidecart-usd", "USD", 1000, 2, "captured")
	for _, reference := range []string{"o1-1000001", "o1-1000002"} {
		clone, err := w.sdk.Transaction().Clone(t.Context(), origin, &bt.TransactionCloneRequest{Amount: bt.NewDecimal(300, 2), Channel: reference, Options: &bt.TransactionCloneOptions{SubmitForSettlement: true}})
		if err != nil {
			t.Fatal(err)
		}
		if reference == "o1-1000001" {
			w.exec(`INSERT INTO payments (id, order_id, attempt, provider, account, currency, amount, status, authorised, captured, refunded, transaction_id, live_operation, version, created_at, updated_at, like_payment)
				VALUES ($1, 'o1', 1000001, 'braintree', 'a', 'USD', 300, 'captured', 300, 300, 0, $2, '', 4, now(), now(), 'o1-1')`, reference, clone.Id)
		}
	}
	r := w.compare()
	if len(r.Differences) != 1 || r.Differences[0].Rule != "unknown-here" || !strings.Contains(r.Differences[0].Detail, `"o1-1000002"`) || r.Compared != 3 {
		t.Errorf("%+v", r)
	}
}

// healthy makes what both sides agree on. o2 was paid in part by a gift card, and so was what went back: the gateway knows nothing of that.
func healthy(t *testing.T) (w *world, refunded string) {
	t.Helper()
	w = newWorld(t)
	w.sale("sidecart-usd", "USD", 1000, 2, "authorised")          // o1
	refunded = w.sale("sidecart-usd", "USD", 2599, 2, "captured") // o2
	w.sale("sidecart-jpy", "JPY", 5000, 0, "captured")            // o3
	w.sale("sidecart-kwd", "KWD", 1234, 3, "captured")            // o4
	w.post("/_sim/settle", struct{}{})
	w.refund(refunded, "o2-1", 599)
	w.payment("failed-1", "USD", 100, "failed", "")
	w.exec(`UPDATE payments SET amount = 3099, authorised = 3099, captured = 3099, refunded = 799, credit = 500, credit_captured = 500, credit_refunded = 200 WHERE id = 'o2-1'`)
	return w, refunded
}

func TestBothAgree(t *testing.T) {
	t.Parallel()
	w, _ := healthy(t)
	r := w.compare()
	if !r.Clean() || r.Compared != 5 || r.UnderWay != 0 || len(r.Days) != 3 {
		t.Fatalf("%+v", r)
	}
	for _, d := range r.Days {
		want := map[string]Sum{"USD": {1, 2599, 1, 599}, "JPY": {1, 5000, 0, 0}, "KWD": {1, 1234, 0, 0}}[string(d.Currency)]
		if d.Ours != want || d.Gateway != want {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
	again := w.compare()
	if fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", r) {
		t.Errorf("run again it says %+v", again)
	}
	var out bytes.Buffer
	r.Print(&out)
	if !strings.Contains(out.String(), "both agree") || !strings.Contains(out.String(), "50.00 USD") && !strings.Contains(out.String(), "25.99 USD") {
		t.Error(out.String())
	}
}

// Each way in which the two can part is found, and named.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(w *world, refunded string)
		want   string
	}{
		"a sale of nobody": {func(w *world, _ string) {
			if _, err := w.sdk.Transaction().Create(w.t.Context(), &bt.TransactionRequest{Type: "sale", Amount: bt.NewDecimal(700, 2), OrderId: "stranger", PaymentMethodNonce: bt.FakeNonceTransactable}); err != nil {
				w.t.Fatal(err)
			}
		}, "unknown-here "},
		"a refund of nobody": {func(w *world, refunded string) {
			if _, err := w.sdk.Transaction().Refund(w.t.Context(), refunded, bt.NewDecimal(100, 2)); err != nil {
				w.t.Fatal(err)
			}
		}, "unknown-here "},
		"a payment that never was": {func(w *world, _ string) { w.payment("ghost-1", "USD", 900, "captured", "ghost") }, "unknown-there ghost-1"},
		"another amount":           {func(w *world, _ string) { w.exec(`UPDATE payments SET captured = 2500 WHERE id = 'o2-1'`) }, "amounts-differ o2-1"},
		"another currency":         {func(w *world, _ string) { w.exec(`UPDATE payments SET currency = 'EUR' WHERE id = 'o2-1'`) }, "amounts-differ o2-1"},
		"voided here only": {func(w *world, _ string) {
			w.exec(`UPDATE payments SET status = 'voided', captured = 0, authorised = 0 WHERE id = 'o3-1'`)
		}, "states-differ o3-1"},
		"captured here only": {func(w *world, _ string) {
			w.exec(`UPDATE payments SET status = 'captured', captured = 1000 WHERE id = 'o1-1'`)
		}, "states-differ o1-1"},
		"declined at settlement": {func(w *world, _ string) {
			w.exec(`UPDATE payments SET status = 'settlement_declined', captured = 0, authorised = 0 WHERE id = 'o4-1'`)
		}, "states-differ o4-1"},
		"under way": {func(w *world, _ string) {
			w.exec(`UPDATE payments SET live_operation = 'x', captured = 2500 WHERE id = 'o2-1'`)
		}, ""},
		"a decline is no money": {func(w *world, _ string) {
			_, err := w.sdk.Transaction().Create(w.t.Context(), &bt.TransactionRequest{Type: "sale", Amount: bt.NewDecimal(700, 2), OrderId: "d", PaymentMethodNonce: "fake-processor-declined-visa-nonce"})
			if err == nil {
				w.t.Fatal("it was no decline")
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, refunded := healthy(t)
			tc.change(w, refunded)
			r := w.compare()
			if got := rules(r); got != tc.want || r.Clean() != (tc.want == "") {
				t.Errorf("found %q, want %q\n%+v", got, tc.want, r)
			}
		})
	}
}

// Other days are not looked at, and what moved a moment ago is under way.
func TestDaysAndGrace(t *testing.T) {
	t.Parallel()
	w, _ := healthy(t)
	w.exec(`UPDATE payments SET captured = 2500 WHERE id = 'o2-1'`)
	w.opt.From, w.opt.To = w.opt.From.AddDate(0, 0, -9), w.opt.From.AddDate(0, 0, -1)
	if r := w.compare(); r.Compared != 0 || !r.Clean() {
		t.Errorf("of other days: %+v", r)
	}
	w.opt.From, w.opt.To, w.opt.Now = w.opt.From.AddDate(0, 0, 9), w.opt.To.AddDate(0, 0, 11), time.Now()
	if r := w.compare(); r.UnderWay != 5 || !r.Clean() {
		t.Errorf("of this moment: %+v", r)
	}
}
