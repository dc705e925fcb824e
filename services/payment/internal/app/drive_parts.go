package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// parts brings an operation over parts as far as it gets. Each step is decided by the books as they are, so that whoever takes it up later
// goes on where this one ended. What the gateway answered counts also while its search does not show it.
func (d *driving) parts(ctx context.Context) Record {
	if d.fresh { // nothing is sent before the books were seen
		d.lease.SentAt, d.unsent = time.Time{}, true
	}
	var answers []payment.Transaction
	lost := false
	for range maxSteps + 2*len(d.lease.Payment.Parts) {
		found, err := d.look(ctx)
		if err != nil {
			return d.later(ctx, err)
		}
		v := payment.Judge(d.lease.Payment, d.lease.Operation, merge(found, answers), d.app.now())
		switch {
		case v.Step == payment.Answer:
			return d.answer(ctx, v)
		case v.Step == payment.Undo:
			err := d.undo(ctx, v.Undoes)
			if _, refused := errors.AsType[*payment.Refusal](err); err != nil && (!refused || !v.Lapses) {
				return d.later(ctx, err)
			} else if refused {
				d.log().Warn("the rest of the authorisation cannot be voided, it will run out", "error", err)
			}
			return d.answer(ctx, v)
		case v.Step == payment.Send && (!lost || v.Ask != d.lease.Asked):
			tx, err := d.sendPart(ctx, v.Ask)
			switch {
			case errors.Is(err, ErrNotSent):
				return d.notSent(ctx, err)
			case errors.Is(err, ErrLost):
				return d.lease.Record
			case err == nil:
				answers = append(answers, tx)
			default:
				lost = d.lease.Refusal == nil // nobody knows: this one is not asked for again now
			}
		default:
			return d.later(ctx, nil)
		}
	}
	return d.later(ctx, nil)
}

// sendPart asks the gateway about one part, after the row says so. A refusal is kept for Judge.
func (d *driving) sendPart(ctx context.Context, ask payment.Ask) (tx payment.Transaction, err error) {
	now := d.app.now()
	d.lease.SentAt, d.lease.Asked, d.lease.Refusal, d.unsent = now, ask, nil, false
	if err := d.app.Store.Sent(ctx, d.lease, now); err != nil {
		return tx, errors.Join(ErrLost, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	switch ask.Kind {
	case payment.Capture:
		tx, err = d.app.Parts.CapturePart(ctx, ask.TransactionID, ask.Amount, d.lease.ID)
	case payment.Void:
		tx, err = d.app.Gateway.Void(ctx, ask.TransactionID)
	default:
		tx, err = d.app.Gateway.Refund(ctx, ask.TransactionID, ask.Amount, d.lease.ID)
	}
	refusal, refused := errors.AsType[*payment.Refusal](err)
	switch {
	case refused:
		d.lease.Refusal, d.lease.SentAt, d.unsent = refusal, time.Time{}, true
	case err != nil && !errors.Is(err, ErrNotSent):
		d.log().Warn("outcome unknown, looking it up", "error", err)
	}
	return tx, err
}

// lookAtParts reads the authorisation, its parts, and what bears the operation as its reference.
func (d *driving) lookAtParts(ctx context.Context) ([]payment.Transaction, error) {
	p := d.lease.Payment
	ids := []string{p.TransactionID}
	for _, part := range p.Parts {
		ids = append(ids, part.TransactionID)
	}
	found, err := d.app.Parts.Transactions(ctx, ids)
	if err != nil {
		return nil, err
	}
	ours, err := d.app.Gateway.Find(ctx, Ref{Reference: d.lease.ID})
	return append(found, ours...), err
}

// merge puts answers in the place of what was found under their ids.
func merge(found, answers []payment.Transaction) []payment.Transaction {
	for _, t := range answers {
		found = append(slices.DeleteFunc(found, func(x payment.Transaction) bool { return x.ID == t.ID }), t)
	}
	return found
}
