package paymenttest

import (
	"context"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Raise opens a dispute, or changes one, as cardholder and bank do.
func (g *Gateway) Raise(r payment.DisputeReport) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.disputes[r.DisputeID]
	v.DisputeReport = r
	g.disputes[r.DisputeID] = v
}

// Dispute implements app.DisputeGateway.
func (g *Gateway) Dispute(_ context.Context, id string) (app.DisputeView, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := g.disputes[id]
	if !ok {
		return v, app.ErrNoDispute
	}
	v.Evidence = append([]app.Evidence(nil), v.Evidence...)
	return v, nil
}

// step changes an open dispute.
func (g *Gateway) step(method, id, code string, change func(v *app.DisputeView)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends[method]++
	v, ok := g.disputes[id]
	switch {
	case !ok:
		return app.ErrNotSent
	case v.Status != payment.DisputeOpen:
		return &payment.Refusal{Code: code, Message: "not open"}
	}
	v.At = v.At.Add(time.Second)
	change(&v)
	g.disputes[id] = v
	return nil
}

// Accept implements app.DisputeGateway.
func (g *Gateway) Accept(_ context.Context, id string) error {
	return g.step("Accept", id, "95704", func(v *app.DisputeView) { v.Status = payment.DisputeAccepted })
}

// Finalize implements app.DisputeGateway. The sandbox's words decide.
func (g *Gateway) Finalize(_ context.Context, id string) error {
	return g.step("Finalize", id, "95705", func(v *app.DisputeView) {
		v.Status = payment.DisputeDisputed
		for _, e := range v.Evidence {
			switch e.Text {
			case EvidenceWins:
				v.Status, v.Won = payment.DisputeWon, v.Amount
			case EvidenceLoses:
				v.Status = payment.DisputeLost
			}
		}
	})
}

// AddEvidence implements app.DisputeGateway.
func (g *Gateway) AddEvidence(_ context.Context, id string, e app.Evidence) (string, error) {
	err := g.step("AddEvidence", id, "95701", func(v *app.DisputeView) {
		e.ID = fmt.Sprintf("%s-e%d", id, len(v.Evidence)+1)
		v.Evidence = append(v.Evidence, e)
	})
	return e.ID, err
}
