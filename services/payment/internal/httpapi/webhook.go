package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Signatures tells the gateway's notifications from all others.
type Signatures interface {
	Parse(signature, payload string) (payment.Notification, error)
	Challenge(challenge string) (string, error)
}

const webhookTime = 10 * time.Second

// registerWebhook adds the door of the gateway. It is not searched for card numbers: only the gateway's own signed words are
// read there, a case number of sixteen digits may look like a card, and a notification that is refused is lost in the end.
func (h *api) registerWebhook(s *httpx.Server) {
	op := huma.Operation{Method: http.MethodPost, Path: paymentapi.PathWebhook, OperationID: "take-braintree-notification", Summary: "A notification of the gateway",
		Tags: []string{"webhooks"}, DefaultStatus: http.StatusNoContent}
	httpx.Register(s, op, h.notification, httpx.Timeout(webhookTime))
	ask := op
	ask.Method, ask.OperationID, ask.Summary, ask.DefaultStatus = http.MethodGet, "answer-braintree-challenge", "The gateway asks whether this address is ours", http.StatusOK
	httpx.Register(s, ask, h.challenge, httpx.Timeout(webhookTime))
}

type notificationInput struct {
	RawBody []byte `contentType:"application/x-www-form-urlencoded"`
}

func (h *api) notification(ctx context.Context, in *notificationInput) (*struct{}, error) {
	form, err := url.ParseQuery(string(in.RawBody))
	if err != nil {
		return nil, fault.New(fault.Malformed, "malformed", "the body is not a form").WithCause(err)
	}
	n, err := h.Signatures.Parse(form.Get("bt_signature"), form.Get("bt_payload"))
	if err != nil {
		return nil, err
	}
	return nil, h.Cases.Take(ctx, n)
}

type challengeInput struct {
	Challenge string `query:"bt_challenge" required:"true" minLength:"1" maxLength:"64"`
}

type challengeOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (h *api) challenge(_ context.Context, in *challengeInput) (*challengeOutput, error) {
	answer, err := h.Signatures.Challenge(in.Challenge)
	if err != nil {
		return nil, err
	}
	return &challengeOutput{ContentType: "text/plain; charset=utf-8", Body: []byte(answer)}, nil
}
