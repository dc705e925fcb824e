package braintree

import (
	"context"
	"errors"
	"net/http"
	"time"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/services/payment/internal/app"
)

// Dispute implements app.DisputeGateway.
func (g *Gateway) Dispute(ctx context.Context, id string) (app.DisputeView, error) {
	d, err := g.client.Dispute().Find(ctx, id)
	var status bt.APIError
	if errors.As(err, &status) && status.StatusCode() == http.StatusNotFound {
		return app.DisputeView{}, app.ErrNoDispute
	}
	if err != nil {
		return app.DisputeView{}, class(err)
	}
	x := disputeXML{ID: d.ID, AmountDisputed: text(d.AmountDisputed), AmountWon: text(d.AmountWon), Currency: d.CurrencyISOCode, CaseNumber: d.CaseNumber, Kind: string(d.Kind),
		Account: d.MerchantAccountID, Reason: string(d.Reason), ReasonCode: d.ReturnCode, ReplyBy: d.ReplyByDate, Received: d.ReceivedDate, Status: string(d.Status)}
	at := time.Time{}
	if d.UpdatedAt != nil {
		at = d.UpdatedAt.UTC()
	}
	if d.CreatedAt != nil {
		x.Created = d.CreatedAt.UTC().Format(time.RFC3339)
	}
	if d.Transaction != nil {
		x.Transaction.ID, x.Transaction.OrderID = d.Transaction.ID, d.Transaction.OrderID
	}
	r, err := x.report(at)
	v := app.DisputeView{DisputeReport: r}
	for _, e := range d.Evidence {
		v.Evidence = append(v.Evidence, app.Evidence{ID: e.ID, Text: e.Comment, Category: string(e.Category)})
	}
	return v, err
}

func text(d *bt.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// Accept implements app.DisputeGateway. The library hides what goes wrong here, and answers may have no body: whoever asks reads
// the dispute afterwards.
func (g *Gateway) Accept(ctx context.Context, id string) error {
	if err := g.client.Dispute().Accept(ctx, id); err != nil {
		return class(err)
	}
	return nil
}

// Finalize implements app.DisputeGateway.
func (g *Gateway) Finalize(ctx context.Context, id string) error {
	if err := g.client.Dispute().Finalize(ctx, id); err != nil {
		return class(err)
	}
	return nil
}

// AddEvidence implements app.DisputeGateway.
func (g *Gateway) AddEvidence(ctx context.Context, id string, e app.Evidence) (string, error) {
	made, err := g.client.Dispute().AddTextEvidence(ctx, id, &bt.DisputeTextEvidenceRequest{Content: e.Text, Category: bt.DisputeEvidenceCategory(e.Category)})
	if err != nil {
		return "", class(err)
	}
	return made.ID, nil
}
