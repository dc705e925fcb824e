package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// The faults of notifications and disputes.
var (
	ErrSignature    = fault.New(fault.Forbidden, "signature-invalid", "The signature is not the gateway's.")
	ErrNotification = fault.New(fault.Invalid, "notification-unreadable", "The notification is signed but cannot be read.")
	ErrNoDispute    = fault.New(fault.NotFound, "dispute-not-found", "There is no such dispute.")
	ErrNotOpen      = fault.New(fault.Conflict, "dispute-not-open", "The dispute can no longer be answered.")
)

// Evidence is what we say for ourselves in a dispute.
type Evidence struct{ ID, Text, Category string }

// DisputeView is a dispute as the gateway shows it.
type DisputeView struct {
	payment.DisputeReport
	Evidence []Evidence
}

// DisputeGateway is what the gateway does about disputes. Errors as those of Gateway, and ErrNoDispute. Accept and Finalize answer
// nothing that can be trusted: read the dispute afterwards.
type DisputeGateway interface {
	Dispute(ctx context.Context, id string) (DisputeView, error)
	Accept(ctx context.Context, id string) error
	Finalize(ctx context.Context, id string) error
	AddEvidence(ctx context.Context, id string, e Evidence) (evidenceID string, err error)
}

// Act is something that staff do about a dispute.
type Act struct {
	OperationID, DisputeID string
	Kind                   payment.DisputeAct
	Evidence               Evidence
	Actor                  string
	Hash                   []byte // of the request; nil: none
}

// ActRecord is an act with what became of it. Result StillUnknown while nobody knows.
type ActRecord struct {
	Act
	Result        payment.Result
	Code, Message string
	CreatedAt     time.Time
	AnsweredAt    time.Time
	Replayed      bool // it was there before
	Mine          bool // this caller may work on it until LeaseTime has passed
}

// CaseStore keeps what the gateway tells by itself: notifications, disputes and disbursements.
type CaseStore interface {
	// Take keeps a notification with all its effects in one transaction, once: fresh is false when it was kept before. Alarm is
	// what a person should look at.
	Take(ctx context.Context, n payment.Notification, now time.Time) (fresh bool, alarm string, err error)
	// Report folds what the gateway says of a dispute when it is asked.
	Report(ctx context.Context, r payment.DisputeReport, now time.Time) error
	// Dispute returns one, or ErrNoDispute.
	Dispute(ctx context.Context, id string) (payment.Dispute, error)
	// BeginAct notes an act before the gateway hears of it, or returns what is known of it; leased to the caller when nobody else
	// works on it. Faults: ErrNoDispute, ErrReused.
	BeginAct(ctx context.Context, a Act, now time.Time) (ActRecord, error)
	// AnswerAct notes what became of it.
	AnswerAct(ctx context.Context, r ActRecord, now time.Time) error
}

// Cases takes in what the gateway tells by itself, and does what staff do about disputes.
type Cases struct {
	Store   CaseStore
	Gateway DisputeGateway
	Clock   func() time.Time
	Log     *slog.Logger
	Alarm   func(log *slog.Logger, reason, detail string)
}

// NewCases returns the cases of an app, whose alarms they ring.
func NewCases(a *App, store CaseStore, gateway DisputeGateway) *Cases {
	return &Cases{Store: store, Gateway: gateway, Clock: a.Clock, Log: a.Log, Alarm: a.alarm}
}

func (c *Cases) now() time.Time { return c.Clock().UTC().Truncate(time.Microsecond) }

// Take keeps a notification. The same one again changes nothing.
func (c *Cases) Take(ctx context.Context, n payment.Notification) error {
	fresh, alarm, err := c.Store.Take(ctx, n, c.now())
	if err != nil {
		return err
	}
	log := c.Log.With("notification", n.ID[:12], "kind", n.Kind)
	log.InfoContext(ctx, "notification of the gateway", "fresh", fresh)
	if alarm != "" {
		c.Alarm(log, n.Kind, alarm)
	}
	return nil
}

// Do performs an act of staff, at most once per operation id, and answers what is known. An outcome that nobody knows is looked up
// by reading the dispute, now and whenever the act is asked for again.
func (c *Cases) Do(ctx context.Context, a Act) (ActRecord, error) {
	r, err := c.Store.BeginAct(ctx, a, c.now())
	if err != nil || r.Result != payment.StillUnknown || !r.Mine {
		return r, err
	}
	// Whoever asked may hang up; the gateway hears of it nevertheless.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	before, err := c.Gateway.Dispute(ctx, a.DisputeID)
	if err != nil {
		return c.unknown(ctx, r, err)
	}
	if r.Replayed && shows(a, before) {
		return c.done(ctx, r, before)
	}
	if before.Status != payment.DisputeOpen {
		return c.refused(ctx, r, before, ErrNotOpen.Code, "The dispute is "+string(before.Status)+".")
	}
	err = c.ask(ctx, a)
	refusal, refused := errors.AsType[*payment.Refusal](err)
	after, lookErr := c.Gateway.Dispute(ctx, a.DisputeID)
	switch {
	case lookErr != nil:
		return c.unknown(ctx, r, errors.Join(err, lookErr))
	case refused:
		return c.refused(ctx, r, after, refusal.Code, refusal.Message)
	case a.Kind == payment.AddEvidence && err == nil, shows(a, after):
		return c.done(ctx, r, after)
	}
	return c.unknown(ctx, r, err)
}

// shows tells whether the gateway's books show an act.
func shows(a Act, v DisputeView) bool {
	if a.Kind != payment.AddEvidence {
		return a.Kind.Did(v.Status)
	}
	for _, e := range v.Evidence {
		if e.Text == a.Evidence.Text && e.Category == a.Evidence.Category {
			return true
		}
	}
	return false
}

func (c *Cases) ask(ctx context.Context, a Act) error {
	switch a.Kind {
	case payment.AcceptDispute:
		return c.Gateway.Accept(ctx, a.DisputeID)
	case payment.FinalizeDispute:
		return c.Gateway.Finalize(ctx, a.DisputeID)
	}
	_, err := c.Gateway.AddEvidence(ctx, a.DisputeID, a.Evidence)
	return err
}

func (c *Cases) done(ctx context.Context, r ActRecord, v DisputeView) (ActRecord, error) {
	return c.answer(ctx, r, v, payment.Succeeded, "", "")
}

func (c *Cases) refused(ctx context.Context, r ActRecord, v DisputeView, code, message string) (ActRecord, error) {
	return c.answer(ctx, r, v, payment.DeclinedIt, code, message)
}

func (c *Cases) answer(ctx context.Context, r ActRecord, v DisputeView, result payment.Result, code, message string) (ActRecord, error) {
	now := c.now()
	if err := c.Store.Report(ctx, v.DisputeReport, now); err != nil {
		return r, err
	}
	r.Result, r.Code, r.Message, r.AnsweredAt = result, code, message, now
	return r, c.Store.AnswerAct(ctx, r, now)
}

// unknown leaves an act without an answer: asked for again, it is looked up.
func (c *Cases) unknown(_ context.Context, r ActRecord, cause error) (ActRecord, error) {
	c.Log.Warn("nobody knows what became of an act", "dispute_id", r.DisputeID, "act", string(r.Kind), "operation_id", r.OperationID, "error", cause)
	return r, nil
}
