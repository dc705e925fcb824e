package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// driving brings one leased operation as far as it gets: it asks the gateway and reads its books until there is an answer, or
// nothing more to do now. Sale is set for an authorisation that this call has made; nobody else can send it, or send it again.
type driving struct {
	app    *App
	lease  Lease
	sale   Sale
	fresh  bool      // made by this call: surely not sent before
	sent   bool      // by this driving
	unsent bool      // the last try surely did nothing
	review time.Time // what was authorised is to be reviewed until then; zero: it is not

	payWithin time.Duration // of a bank transfer

	refusal *payment.Outcome // of a fresh authorisation: it cannot be paid like that
}

// maxSteps bounds a driving: look, send, look.
const maxSteps = 3

// writeTime bounds a write of what is known, which happens also when the time for asking is over.
const writeTime = 4 * time.Second

var errDuplicate = errors.New("the gateway says that this is a duplicate")

func (d *driving) run(ctx context.Context) Record {
	send := d.fresh
	if d.refusal == nil && (!d.lease.AsksGateway(d.lease.Payment) || d.lease.Payment.Manual()) { // nobody is to be asked
		v, err := d.alone(ctx)
		if err != nil {
			return d.notSent(ctx, err)
		}
		return d.answer(ctx, v)
	}
	if d.lease.OverParts(d.lease.Payment) {
		return d.parts(ctx)
	}
	for range maxSteps {
		var found []payment.Transaction
		err := errDuplicate
		if send {
			if refusal, err := d.refused(ctx); err != nil {
				return d.notSent(ctx, err)
			} else if refusal != nil {
				return d.answer(ctx, payment.Verdict{Type: payment.Declined, Outcome: *refusal})
			}
			found, err = d.send(ctx)
		}
		switch {
		case errors.Is(err, ErrNotSent):
			return d.notSent(ctx, err)
		case errors.Is(err, ErrLost):
			return d.lease.Record
		case err != nil: // refused, unknown, or not asked: the books decide
			if found, err = d.look(ctx); err != nil {
				return d.later(ctx, err)
			}
		}
		v, err := d.judge(ctx, found)
		if err != nil {
			return d.later(ctx, err)
		}
		switch {
		case v.Step == payment.Answer:
			return d.answer(ctx, v)
		case v.Step == payment.Undo:
			if err := d.undo(ctx, v.Undoes); err != nil {
				return d.later(ctx, err)
			}
			return d.answer(ctx, v)
		case v.Step == payment.Send && !d.sent:
			send = true
		default:
			return d.later(ctx, nil)
		}
	}
	return d.later(ctx, nil)
}

// alone answers what needs no gateway. An authorisation whose beginning nobody has seen the end of is given up: what was refused is not known
// any more. The rules are asked of what people are to bring.
func (d *driving) alone(ctx context.Context) (payment.Verdict, error) {
	l, now := d.lease, d.app.now()
	if l.Kind == payment.Authorise && !d.fresh {
		return payment.Verdict{Type: payment.AuthoriseFailed, Outcome: payment.Outcome{Result: payment.FailedSurely, Amount: l.Amount, Retryable: true}}, nil
	}
	v := payment.Judge(l.Payment, l.Operation, nil, now)
	if v.Type != payment.Authorised || l.Gateway().IsZero() {
		return v, nil
	}
	if no, err := d.refused(ctx); err != nil {
		return v, err
	} else if no != nil {
		return payment.Verdict{Type: payment.Declined, Outcome: *no}, nil
	}
	if d.app.assess != nil {
		decision, until, err := d.app.assess(ctx, l.Payment, payment.Checks{})
		if v = payment.Assess(v, l.Operation, decision, until); err != nil {
			return v, err
		}
	}
	if v.Type == payment.Authorised && l.Payment.Provider == payment.BankTransfer {
		v.Review, v.Rule = now.Add(d.payWithin), payment.BankTransfer
	}
	return v, nil
}

// judge says what the books mean, and for an authorisation what the rules say of it.
func (d *driving) judge(ctx context.Context, found []payment.Transaction) (payment.Verdict, error) {
	now := d.app.now()
	v := payment.Judge(d.lease.Payment, d.lease.Operation, found, now)
	if v.Step != payment.Answer || v.Type != payment.Authorised || d.app.assess == nil {
		return v, nil
	}
	decision, until, err := d.app.assess(ctx, d.lease.Payment, v.Checks)
	return payment.Assess(v, d.lease.Operation, decision, until), err
}

// refused asks the gates about a sale that is to be sent. Nothing was sent yet.
func (d *driving) refused(ctx context.Context) (*payment.Outcome, error) {
	if d.lease.Kind != payment.Authorise || d.refusal != nil {
		return d.refusal, nil
	}
	if d.sale.Like != "" {
		sale, no, err := d.app.repeat(ctx, d.sale)
		if no != nil || err != nil {
			return no, err
		}
		d.sale = sale
	}
	for _, g := range d.app.gates {
		if o, err := g(ctx, d.sale); o != nil || err != nil {
			return o, err
		}
	}
	return nil, nil
}

// send asks the gateway once, after the row says so. A refusal is kept for Judge.
func (d *driving) send(ctx context.Context) ([]payment.Transaction, error) {
	if !d.fresh {
		d.lease.SentAt = d.app.now()
		if err := d.app.Store.Sent(ctx, d.lease, d.lease.SentAt); err != nil {
			return nil, errors.Join(ErrLost, err)
		}
	}
	d.sent, d.unsent = true, false
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	tx, err := d.ask(ctx)
	if refusal, ok := errors.AsType[*payment.Refusal](err); ok {
		d.lease.Refusal, d.unsent = refusal, true
	} else if err != nil && !errors.Is(err, ErrNotSent) {
		d.log().Warn("outcome unknown, looking it up", "error", err)
	}
	if err == nil && tx.State == payment.TxDeclined && tx.Code == payment.CodeDuplicate {
		err = errDuplicate // of what we sent and did not hear of
	}
	return []payment.Transaction{tx}, err
}

func (d *driving) ask(ctx context.Context) (payment.Transaction, error) {
	l := d.lease
	switch l.Kind {
	case payment.Authorise:
		return d.app.Gateway.Authorise(ctx, d.sale)
	case payment.Capture:
		return d.app.Gateway.Capture(ctx, l.Payment.TransactionID, l.Gateway())
	case payment.Void:
		return d.app.Gateway.Void(ctx, l.Payment.TransactionID)
	}
	return d.app.Gateway.Refund(ctx, l.Payment.TransactionID, l.Gateway(), l.ID)
}

// look reads the gateway's books.
func (d *driving) look(ctx context.Context) ([]payment.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	l := d.lease
	switch {
	case l.OverParts(l.Payment):
		return d.lookAtParts(ctx)
	case l.Kind == payment.Authorise:
		return d.app.Gateway.Find(ctx, Ref{Reference: l.PaymentID, Like: l.Payment.Like})
	case l.Kind == payment.Refund:
		found, err := d.app.Gateway.Find(ctx, Ref{Reference: l.ID})
		if err != nil {
			return found, err
		}
		sale, err := d.app.Gateway.Find(ctx, Ref{ID: l.Payment.TransactionID})
		return append(found, sale...), err
	}
	return d.app.Gateway.Find(ctx, Ref{ID: l.Payment.TransactionID})
}

// undo voids a transaction.
func (d *driving) undo(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := d.app.Gateway.Void(ctx, id)
	return err
}

// notSent ends an authorisation, whose nonce is gone with this call; all others stay to be sent later.
func (d *driving) notSent(ctx context.Context, err error) Record {
	if d.lease.Kind == payment.Authorise {
		d.log().Warn("authorisation was not sent", "error", err)
		return d.answer(ctx, payment.Verdict{Type: payment.AuthoriseFailed,
			Outcome: payment.Outcome{Result: payment.FailedSurely, Amount: d.lease.Amount, Retryable: true}})
	}
	d.unsent = true
	return d.later(ctx, err)
}

// answer records what became of the operation.
func (d *driving) answer(ctx context.Context, v payment.Verdict) Record {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	now, l := d.app.now(), d.lease
	done := Done{Outcome: v.Outcome, Event: &payment.Event{Version: l.Payment.Version + 1, Type: v.Type, OperationID: l.ID, Amount: v.Outcome.Amount, Credit: l.Credit,
		TransactionID: v.Outcome.TransactionID, Code: v.Outcome.Code, Detail: v.Raise, At: now, Checks: v.Checks,
		More: l.More, Parts: v.Parts, Converted: v.Became}}
	if v.Halfway {
		done.Event.Credit.Minor, done.Event.More = 0, true
	}
	if v.Rule != "" {
		done.Event.Detail = "rule " + v.Rule
	}
	if !v.Review.IsZero() {
		done.Event.Code, done.Event.ReviewUntil = v.Rule, v.Review
	}
	if v.Strays {
		done.DueAt = now.Add(strayLooks[0])
	}
	if v.Raise != "" {
		reason := "mismatch"
		if l.Payment.Manual() {
			reason = "pay-back"
		}
		d.app.alarm(d.log(), reason, v.Raise)
	}
	if err := d.app.Store.Record(ctx, l, done, now); err != nil {
		d.log().Error("answer cannot be recorded, it will be looked up", "result", string(v.Outcome.Result), "error", err)
		return l.Record
	}
	d.app.results.WithLabelValues(string(l.Kind), string(v.Outcome.Result)).Inc()
	d.log().Info("money", "event", string(v.Type), "amount", v.Outcome.Amount.String(), "transaction_id", v.Outcome.TransactionID, "code", v.Outcome.Code)
	l.Outcome, l.AnsweredAt = v.Outcome, now
	d.review = v.Review
	return l.Record
}

// later gives the lease back until the worker, or the caller, looks again.
func (d *driving) later(ctx context.Context, cause error) Record {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	d.lease.Tries++
	if d.unsent {
		if err := d.app.Store.Sent(ctx, d.lease, time.Time{}); err != nil {
			d.log().Warn("it cannot be noted that nothing was sent", "error", err) // then it is believed to be lost for a while
		}
	}
	due := d.app.now().Add(backoff(d.lease.Tries))
	d.log().Info("no answer yet", "cause", cause, "again_at", due)
	if err := d.app.Store.Postpone(ctx, d.lease, due); err != nil {
		d.log().Warn("lease cannot be given back, it will run out", "error", err)
	}
	return d.lease.Record
}

func (d *driving) log() *slog.Logger {
	return d.app.Log.With("operation_id", d.lease.ID, "kind", string(d.lease.Kind), "payment_id", d.lease.PaymentID, "order_id", d.lease.Payment.OrderID)
}

// alarm tells a person.
func (a *App) alarm(log *slog.Logger, reason, detail string) {
	a.alarms.WithLabelValues(reason).Inc()
	log.Error("money needs a look", "reason", reason, "detail", detail)
}
