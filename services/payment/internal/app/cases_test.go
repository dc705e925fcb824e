package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// Acts through the bad line.
func (g *flaky) act(method string, call func() error) error {
	_, err := through(g, method, func() (payment.Transaction, error) { return payment.Transaction{}, call() })
	return err
}

func (g *flaky) Accept(ctx context.Context, id string) error {
	return g.act("Accept", func() error { return g.Gateway.Accept(ctx, id) })
}

func (g *flaky) Finalize(ctx context.Context, id string) error {
	return g.act("Finalize", func() error { return g.Gateway.Finalize(ctx, id) })
}

func (g *flaky) AddEvidence(ctx context.Context, id string, e app.Evidence) (made string, err error) {
	err = g.act("AddEvidence", func() error { made, err = g.Gateway.AddEvidence(ctx, id, e); return err })
	return made, err
}

func (g *flaky) Dispute(ctx context.Context, id string) (app.DisputeView, error) {
	g.mu.Lock()
	down := g.down
	g.mu.Unlock()
	if down {
		return app.DisputeView{}, errLost
	}
	return g.Gateway.Dispute(ctx, id)
}

// disputed makes a dispute about an order's payment, known here and at the gateway.
func (w *world) disputed(order, id string) *app.Cases {
	w.t.Helper()
	w.authorise(order)
	p := w.payment(order)
	r := payment.DisputeReport{DisputeID: id, TransactionID: p.TransactionID, Reference: p.ID, Status: payment.DisputeOpen, Kind: "chargeback", Reason: "fraud", Amount: usd(1000), Won: usd(0),
		OpenedAt: w.clock.Now(), At: w.clock.Now()}
	w.gateway.Raise(r)
	c := app.NewCases(w.app, w.store, w.gateway)
	if err := c.Take(w.t.Context(), payment.Notification{ID: "notification of " + id, Kind: "dispute_opened", At: r.At, Dispute: &r}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) status(id string) payment.DisputeStatus {
	w.t.Helper()
	d, err := w.store.Dispute(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Status
}

func TestStaffAnswerADispute(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := w.disputed("o", "d")
	do := func(id string, kind payment.DisputeAct, text string) app.ActRecord {
		r, err := c.Do(t.Context(), app.Act{OperationID: id, DisputeID: "d", Kind: kind, Evidence: app.Evidence{Text: text}, Actor: "staff:7"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range 2 { // the second is the first
		if r := do("op-1", payment.AddEvidence, paymenttest.EvidenceWins); r.Result != payment.Succeeded {
			t.Errorf("%+v", r)
		}
	}
	if n := w.gateway.Sends("AddEvidence"); n != 1 {
		t.Errorf("evidence was sent %d times", n)
	}
	if r := do("op-2", payment.FinalizeDispute, ""); r.Result != payment.Succeeded || w.status("d") != payment.DisputeWon {
		t.Errorf("%+v, the dispute is %s", r, w.status("d"))
	}
	for i, kind := range []payment.DisputeAct{payment.AcceptDispute, payment.FinalizeDispute, payment.AddEvidence} {
		if r := do("late-"+string(kind), kind, "x"); r.Result != payment.DeclinedIt || r.Code != app.ErrNotOpen.Code {
			t.Errorf("%d, %s: %+v", i, kind, r)
		}
	}
	if _, err := c.Do(t.Context(), app.Act{OperationID: "op-1", DisputeID: "d", Kind: payment.AcceptDispute}); !errors.Is(err, app.ErrReused) {
		t.Errorf("an id for something else: %v", err)
	}
}

// Whatever becomes of the call, asking again finds out and never does it twice.
func TestActsWithALostAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range []payment.DisputeAct{payment.AcceptDispute, payment.FinalizeDispute, payment.AddEvidence} {
		for _, f := range []fate{notSent, lostBefore, lostAfter} {
			t.Run(string(kind)+" "+string(f), func(t *testing.T) {
				t.Parallel()
				w := open(t)
				c := w.disputed("o", "d")
				act := app.Act{OperationID: "op", DisputeID: "d", Kind: kind, Evidence: app.Evidence{Text: "x"}}
				w.gateway.always(f)
				first, err := c.Do(t.Context(), act)
				if err != nil || (first.Result == payment.Succeeded) != (f == lostAfter) {
					t.Fatalf("%+v %v", first, err)
				}
				w.gateway.always(fine)
				w.clock.Add(app.LeaseTime)
				r, err := c.Do(t.Context(), act)
				if err != nil || r.Result != payment.Succeeded {
					t.Fatalf("asked again: %+v %v", r, err)
				}
				v, err := w.gateway.Gateway.Dispute(t.Context(), "d")
				if err != nil || kind == payment.AddEvidence && len(v.Evidence) != 1 || kind != payment.AddEvidence && (!kind.Did(v.Status) || w.status("d") != v.Status) {
					t.Errorf("the gateway has %+v %v, we have %s", v, err, w.status("d"))
				}
			})
		}
	}
}

func TestActsWhileTheGatewayIsAway(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := w.disputed("o", "d")
	w.gateway.mu.Lock()
	w.gateway.down = true
	w.gateway.mu.Unlock()
	act := app.Act{OperationID: "op", DisputeID: "d", Kind: payment.AcceptDispute}
	if r, err := c.Do(t.Context(), act); err != nil || r.Result != payment.StillUnknown {
		t.Fatalf("%+v %v", r, err)
	}
	w.gateway.mu.Lock()
	w.gateway.down = false
	w.gateway.mu.Unlock()
	if r, err := c.Do(t.Context(), act); err != nil || r.Result != payment.StillUnknown || w.gateway.Sends("Accept") != 0 {
		t.Errorf("while another works on it: %+v %v", r, err)
	}
	w.clock.Add(app.LeaseTime + time.Second)
	if r, err := c.Do(t.Context(), act); err != nil || r.Result != payment.Succeeded || w.status("d") != payment.DisputeAccepted {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := c.Do(t.Context(), app.Act{OperationID: "other", DisputeID: "nobody", Kind: payment.AcceptDispute}); !errors.Is(err, app.ErrNoDispute) {
		t.Errorf("a dispute of nobody: %v", err)
	}
}

func (g *flaky) Transactions(ctx context.Context, ids []string) ([]payment.Transaction, error) {
	g.mu.Lock()
	down := g.down
	g.mu.Unlock()
	if down {
		return nil, errLost
	}
	return g.Gateway.Transactions(ctx, ids)
}
