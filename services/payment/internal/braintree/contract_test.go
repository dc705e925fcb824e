package braintree_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

var simulator string // path of the binary, set by TestMain alone

func TestMain(m *testing.M) {
	binary, remove, err := paymenttest.BuildSimulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	simulator = binary
	code := m.Run()
	remove()
	os.Exit(code)
}

func direct(url string) *braintree.Gateway {
	return braintree.New(braintree.Options{URL: url, MerchantID: "sidecart", PublicKey: "sidecart_public", PrivateKey: "sidecart_private", Transport: &http.Transport{}})
}

// port is a gateway that can be told to settle.
type port struct {
	provider
	settle  func()
	dispute func(transaction string) (id string)
}

// provider is all that the gateway does for us.
type provider interface {
	app.FullGateway
	app.DisputeGateway
	app.VaultGateway
}

var references atomic.Int64

func sale(minor int64) app.Sale {
	return app.Sale{Reference: fmt.Sprint("order-", references.Add(1)), Account: "sidecart-usd", Amount: money.New(minor, "USD"), Nonce: paymenttest.NonceValid}
}

func (p port) authorised(t *testing.T, minor int64) (app.Sale, payment.Transaction) {
	t.Helper()
	s := sale(minor)
	tx, err := p.Authorise(t.Context(), s)
	if err != nil || tx.State != payment.TxAuthorised {
		t.Fatalf("%+v %v", tx, err)
	}
	return s, tx
}

func (p port) captured(t *testing.T, minor int64) (app.Sale, payment.Transaction) {
	t.Helper()
	s, tx := p.authorised(t, minor)
	tx, err := p.Capture(t.Context(), tx.ID, tx.Amount)
	if err != nil || tx.State != payment.TxSubmitted {
		t.Fatalf("%+v %v", tx, err)
	}
	return s, tx
}

func refused(t *testing.T, err error) *payment.Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*payment.Refusal](err)
	if !ok || refusal.Code == "" {
		t.Fatalf("%v is no refusal", err)
	}
	return refusal
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// The adapter and the fake keep the same promises.
func TestGatewayContract(t *testing.T) {
	t.Parallel()
	testkit.Contract(t, map[string]func(t *testing.T) port{
		"simulator": func(t *testing.T) port {
			sim := paymenttest.StartSimulator(t, simulator)
			return port{direct(sim.URL), func() { sim.Post(t, "/_sim/settle", struct{}{}) }, func(transaction string) string { return sim.Dispute(t, transaction) }}
		},
		"fake": func(*testing.T) port {
			fake := paymenttest.NewGateway()
			return port{fake, fake.Settle, func(transaction string) string {
				fake.Raise(payment.DisputeReport{DisputeID: "d-" + transaction, TransactionID: transaction, Status: payment.DisputeOpen, Kind: "chargeback",
					Reason: "fraud", Amount: usd(1000), Won: usd(0), At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
				return "d-" + transaction
			}}
		},
	},
		testkit.Case[port]{Name: "authorise", Run: func(t *testing.T, p port) {
			s, tx := p.authorised(t, 1999)
			if tx.ID == "" || tx.Amount != usd(1999) || tx.Reference != s.Reference || tx.Credit {
				t.Errorf("%+v", tx)
			}
		}},
		testkit.Case[port]{Name: "a decline is an answer", Run: func(t *testing.T, p port) {
			s := sale(1999)
			s.Nonce = paymenttest.NonceDeclined
			tx, err := p.Authorise(t.Context(), s)
			if err != nil || tx.State != payment.TxDeclined || tx.Code != "2000" || tx.Message == "" || tx.ID == "" {
				t.Errorf("%+v %v", tx, err)
			}
			if found, err := p.Find(t.Context(), app.Ref{Reference: s.Reference}); err != nil || len(found) != 1 || found[0] != tx {
				t.Errorf("found %+v %v, answered %+v", found, err, tx)
			}
			s.Nonce = paymenttest.NonceConsumed
			if tx, err = p.Authorise(t.Context(), s); err != nil || tx.State != payment.TxDeclined || tx.Code != "91564" || tx.ID != "" {
				t.Errorf("%+v %v", tx, err)
			}
		}},
		testkit.Case[port]{Name: "capture in parts", Run: func(t *testing.T, p port) {
			_, sale := p.authorised(t, 1000)
			reference := fmt.Sprint("part-", references.Add(1))
			part, err := p.CapturePart(t.Context(), sale.ID, usd(600), reference)
			if err != nil || part.ID == sale.ID || part.State != payment.TxSubmitted || part.Amount != usd(600) || part.Reference != reference || part.Credit {
				t.Fatalf("%+v %v", part, err)
			}
			if found, err := p.Find(t.Context(), app.Ref{Reference: reference}); err != nil || len(found) != 1 || found[0] != part {
				t.Errorf("found %+v %v", found, err)
			}
			_, err = p.CapturePart(t.Context(), sale.ID, usd(401), "more")
			refused(t, err)
			last, err := p.CapturePart(t.Context(), sale.ID, usd(300), reference+"b")
			if err != nil {
				t.Fatal(err)
			}
			if rest, err := p.Void(t.Context(), sale.ID); err != nil || rest.State != payment.TxVoided {
				t.Errorf("the rest: %+v %v", rest, err)
			}
			_, err = p.CapturePart(t.Context(), sale.ID, usd(1), "late")
			refused(t, err)
			if _, err := p.Void(t.Context(), last.ID); err != nil {
				t.Errorf("a part: %v", err)
			}
			p.settle()
			found, err := p.Transactions(t.Context(), []string{sale.ID, part.ID, last.ID})
			states := map[string]payment.State{}
			for _, x := range found {
				states[x.ID] = x.State
			}
			if err != nil || states[sale.ID] != payment.TxVoided || states[part.ID] != payment.TxSettled || states[last.ID] != payment.TxVoided {
				t.Errorf("%v %v", states, err)
			}
			if back, err := p.Refund(t.Context(), part.ID, usd(100), reference); err != nil || back.RefundOf != part.ID || back.Reference != reference {
				t.Errorf("%+v %v", back, err)
			}
		}},
		testkit.Case[port]{Name: "capture whole and part", Run: func(t *testing.T, p port) {
			p.captured(t, 1000)
			_, tx := p.authorised(t, 1000)
			if _, err := p.Capture(t.Context(), tx.ID, usd(1001)); refused(t, err) == nil {
				t.Error("more than authorised")
			}
			part, err := p.Capture(t.Context(), tx.ID, usd(400))
			if err != nil || part.Amount != usd(400) || part.ID != tx.ID {
				t.Errorf("%+v %v", part, err)
			}
			_, err = p.Capture(t.Context(), tx.ID, usd(400))
			refused(t, err)
		}},
		testkit.Case[port]{Name: "void", Run: func(t *testing.T, p port) {
			_, authorised := p.authorised(t, 1000)
			_, captured := p.captured(t, 1000)
			for _, tx := range []payment.Transaction{authorised, captured} {
				voided, err := p.Void(t.Context(), tx.ID)
				if err != nil || voided.State != payment.TxVoided {
					t.Errorf("%+v %v", voided, err)
				}
				_, err = p.Void(t.Context(), tx.ID)
				refused(t, err)
			}
			_, tx := p.captured(t, 1000)
			p.settle()
			_, err := p.Void(t.Context(), tx.ID)
			refused(t, err)
		}},
		testkit.Case[port]{Name: "refund", Run: func(t *testing.T, p port) {
			_, tx := p.captured(t, 1000)
			_, err := p.Refund(t.Context(), tx.ID, usd(300), "refund-1")
			if refused(t, err).Code != payment.CodeNotSettled {
				t.Errorf("before settlement: %v", err)
			}
			p.settle()
			refund, err := p.Refund(t.Context(), tx.ID, usd(300), "refund-1")
			if err != nil || !refund.Credit || !refund.Live() || refund.Amount != usd(300) || refund.RefundOf != tx.ID || refund.Reference != "refund-1" {
				t.Errorf("%+v %v", refund, err)
			}
			_, err = p.Refund(t.Context(), tx.ID, usd(701), "refund-2")
			refused(t, err)
			if found, err := p.Find(t.Context(), app.Ref{Reference: "refund-1"}); err != nil || len(found) != 1 || found[0] != refund {
				t.Errorf("found %+v %v, answered %+v", found, err, refund)
			}
		}},
		testkit.Case[port]{Name: "find", Run: func(t *testing.T, p port) {
			s, first := p.authorised(t, 1000)
			second, err := p.Authorise(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if found, err := p.Find(t.Context(), app.Ref{Reference: s.Reference}); err != nil || len(found) != 2 || found[0] != first || found[1] != second {
				t.Errorf("by reference: %+v %v", found, err)
			}
			if found, err := p.Find(t.Context(), app.Ref{ID: first.ID}); err != nil || len(found) != 1 || found[0] != first {
				t.Errorf("by id: %+v %v", found, err)
			}
			for _, ref := range []app.Ref{{ID: "nobody"}, {Reference: "nobody"}} {
				if found, err := p.Find(t.Context(), ref); err != nil || len(found) != 0 {
					t.Errorf("%+v: %+v %v", ref, found, err)
				}
			}
		}},
		testkit.Case[port]{Name: "one of many voids wins", Run: func(t *testing.T, p port) {
			_, tx := p.authorised(t, 1000)
			errs := testkit.Race(8, func(int) error { _, err := p.Void(t.Context(), tx.ID); return err })
			if n := testkit.Wins(errs); n != 1 {
				t.Errorf("%d voids: %v", n, errs)
			}
		}},
		testkit.Case[port]{Name: "disputes", Run: disputes},
		testkit.Case[port]{Name: "vault", Run: vault},
		testkit.Case[port]{Name: "a sale like another", Run: likeAnother},
		testkit.Case[port]{Name: "a batch of the books", Run: func(t *testing.T, p port) {
			_, settled := p.captured(t, 1000)
			p.settle()
			_, captured := p.captured(t, 1100)
			found, err := p.Transactions(t.Context(), []string{captured.ID, "nobody", settled.ID})
			if err != nil || len(found) != 2 {
				t.Fatalf("%+v %v", found, err)
			}
			for _, tx := range found {
				if tx.Paid != (tx.ID == settled.ID) || tx.Paid != (tx.State == payment.TxSettled) {
					t.Errorf("%+v", tx)
				}
			}
			if found, err := p.Transactions(t.Context(), nil); err != nil || len(found) != 0 {
				t.Errorf("of nothing: %+v %v", found, err)
			}
		}},
		testkit.Case[port]{Name: "client token", Run: func(t *testing.T, p port) {
			if token, err := p.ClientToken(t.Context(), "sidecart-usd"); err != nil || token == "" {
				t.Errorf("%q %v", token, err)
			}
		}},
	)
}

// disputed returns the id of a dispute about a settled sale of 10.00.
func (p port) disputed(t *testing.T) (transaction, id string) {
	t.Helper()
	_, tx := p.captured(t, 1000)
	p.settle()
	return tx.ID, p.dispute(tx.ID)
}

func disputes(t *testing.T, p port) {
	transaction, id := p.disputed(t)
	d, err := p.Dispute(t.Context(), id)
	if err != nil || d.DisputeID != id || d.Status != payment.DisputeOpen || d.Amount != usd(1000) || d.Won != usd(0) || d.TransactionID != transaction || d.Kind != "chargeback" || d.Reason != "fraud" || d.At.IsZero() {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := p.Dispute(t.Context(), "nobody"); !errors.Is(err, app.ErrNoDispute) {
		t.Errorf("a dispute of nobody: %v", err)
	}
	if e, err := p.AddEvidence(t.Context(), id, app.Evidence{Text: paymenttest.EvidenceWins, Category: "PROOF_OF_DELIVERY"}); err != nil || e == "" {
		t.Errorf("%q %v", e, err)
	}
	if d, err = p.Dispute(t.Context(), id); err != nil || len(d.Evidence) != 1 || d.Evidence[0].Text != paymenttest.EvidenceWins || d.Evidence[0].Category != "PROOF_OF_DELIVERY" {
		t.Errorf("%+v %v", d, err)
	}
	if err := p.Finalize(t.Context(), id); err != nil {
		t.Errorf("finalize: %v", err)
	}
	if d, err = p.Dispute(t.Context(), id); err != nil || d.Status != payment.DisputeWon || d.Won != usd(1000) {
		t.Errorf("%+v %v", d, err)
	}
	if code := refused(t, p.Finalize(t.Context(), id)).Code; code != "95705" {
		t.Errorf("finalized twice: %s", code)
	}
	if _, err := p.AddEvidence(t.Context(), id, app.Evidence{Text: "more"}); refused(t, err).Code != "95701" {
		t.Errorf("late evidence: %v", err)
	}
	_, other := p.disputed(t)
	if err := p.Accept(t.Context(), other); err != nil {
		t.Errorf("accept: %v", err)
	}
	if d, err = p.Dispute(t.Context(), other); err != nil || d.Status != payment.DisputeAccepted {
		t.Errorf("%+v %v", d, err)
	}
}

func vault(t *testing.T, p port) {
	ctx := t.Context()
	if _, err := p.KeepMethod(ctx, "c-1", "tok-1", paymenttest.NonceValid); refused(t, err).Code != app.CodeNoCustomer {
		t.Errorf("without a customer: %v", err)
	}
	for range 2 { // the second finds it there
		if err := p.EnsureCustomer(ctx, "c-1"); err != nil {
			t.Fatal(err)
		}
	}
	m, err := p.KeepMethod(ctx, "c-1", "tok-1", paymenttest.NonceValid)
	if err != nil || m.ID != "tok-1" || m.CustomerID != "c-1" || m.Type != "credit_card" || m.Brand != "Visa" || m.Last4 != "1881" || len(m.Expiry) != 7 {
		t.Errorf("%+v %v", m, err)
	}
	if again, err := p.KeepMethod(ctx, "c-1", "tok-1", paymenttest.NonceValid); err != nil || again.ID != m.ID { // the answer to the first was lost
		t.Errorf("%+v %v", again, err)
	}
	if _, err := p.KeepMethod(ctx, "c-1", "tok-2", paymenttest.NonceConsumed); refused(t, err).Code != "93107" {
		t.Errorf("a consumed nonce: %v", err)
	}
	if err := p.MakeDefault(ctx, "tok-1"); err != nil {
		t.Error(err)
	}
	if found, err := p.Method(ctx, "tok-1"); err != nil || !found.Default || found.Last4 != "1881" {
		t.Errorf("%+v %v", found, err)
	}
	pay := func(customer, token string) payment.Transaction {
		s := sale(1000)
		s.Nonce, s.MethodID, s.CustomerID = "", token, customer
		tx, err := p.Authorise(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	if tx := pay("c-1", "tok-1"); tx.State != payment.TxAuthorised {
		t.Errorf("%+v", tx)
	}
	if err := p.EnsureCustomer(ctx, "c-2"); err != nil {
		t.Fatal(err)
	}
	if tx := pay("c-2", "tok-1"); tx.State != payment.TxDeclined || tx.Code != "91518" {
		t.Errorf("another's method: %+v", tx)
	}
	for range 2 { // the second finds nothing
		if err := p.DropMethod(ctx, "tok-1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.Method(ctx, "tok-1"); !errors.Is(err, app.ErrNoMethod) {
		t.Errorf("a deleted method: %v", err)
	}
	if err := p.MakeDefault(ctx, "tok-1"); !errors.Is(err, app.ErrNoMethod) {
		t.Errorf("a deleted method as the default: %v", err)
	}
}
