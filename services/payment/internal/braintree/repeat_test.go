package braintree_test

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// likeAnother charges the means of a sale once more. The clone is found by its own reference, and only there.
func likeAnother(t *testing.T, p port) {
	ctx := t.Context()
	order := fmt.Sprint("o", references.Add(1))
	first := sale(1000)
	first.Reference = order + "-1"
	origin, err := p.Authorise(ctx, first)
	if err != nil || origin.Token != "" {
		t.Fatalf("%+v %v", origin, err)
	}
	if _, err := p.Capture(ctx, origin.ID, usd(1000)); err != nil {
		t.Fatal(err)
	}
	again := func(n int, minor int64) (app.Ref, payment.Transaction) {
		s := app.Sale{Reference: fmt.Sprintf("%s-%d", order, payment.FirstRepeat+n), Account: first.Account, Amount: usd(minor), Origin: origin.ID}
		tx, err := p.Authorise(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		return app.Ref{Reference: s.Reference, Like: first.Reference}, tx
	}
	ref, clone := again(0, 300)
	if clone.State != payment.TxAuthorised || clone.Amount != usd(300) || clone.ID == origin.ID || clone.Reference != ref.Reference {
		t.Fatalf("%+v", clone)
	}
	other, second := again(1, 400)
	for _, want := range []struct {
		ref app.Ref
		tx  payment.Transaction
	}{{ref, clone}, {other, second}} {
		if found, err := p.Find(ctx, want.ref); err != nil || len(found) != 1 || found[0] != want.tx {
			t.Errorf("%+v: %+v %v", want.ref, found, err)
		}
	}
	if found, err := p.Find(ctx, app.Ref{Reference: first.Reference}); err != nil || len(found) != 1 || found[0].ID != origin.ID {
		t.Errorf("the origin: %+v %v", found, err)
	}
	if found, err := p.Find(ctx, app.Ref{Reference: order + "-1000009", Like: first.Reference}); err != nil || len(found) != 0 {
		t.Errorf("nothing: %+v %v", found, err)
	}
	if tx, err := p.Capture(ctx, clone.ID, usd(300)); err != nil || tx.State != payment.TxSubmitted || tx.Reference != ref.Reference {
		t.Errorf("%+v %v", tx, err)
	}
	if tx, err := p.Void(ctx, second.ID); err != nil || tx.State != payment.TxVoided {
		t.Errorf("%+v %v", tx, err)
	}
	p.settle()
	if back, err := p.Refund(ctx, clone.ID, usd(100), order+"-1-refund-1"); err != nil || back.RefundOf != clone.ID || back.Reference != order+"-1-refund-1" {
		t.Errorf("%+v %v", back, err)
	}

	// What was paid from the vault names its token, and is not cloned: it is charged by the token, a guest's too.
	if err := p.EnsureCustomer(ctx, "c-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.KeepMethod(ctx, "c-1", "tok-1", paymenttest.NonceValid); err != nil {
		t.Fatal(err)
	}
	kept := sale(1000)
	kept.Nonce, kept.MethodID, kept.CustomerID = "", "tok-1", "c-1"
	if origin, err = p.Authorise(ctx, kept); err != nil || origin.Token != "tok-1" {
		t.Fatalf("%+v %v", origin, err)
	}
	if _, tx := again(2, 300); tx.State != payment.TxDeclined || tx.Code != payment.CodeNotRepeatable || tx.ID != "" {
		t.Errorf("%+v", tx)
	}
	kept.Reference, kept.CustomerID = order+"-1000003", ""
	if tx, err := p.Authorise(ctx, kept); err != nil || tx.State != payment.TxAuthorised || tx.Token != "tok-1" {
		t.Errorf("%+v %v", tx, err)
	}
}
