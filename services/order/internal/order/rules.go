package order

import (
	"cmp"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// guards decide whether a row is taken; nil means yes, an error says why not.
var guards = map[string]func(o Order, ev Event) error{
	"": func(Order, Event) error { return nil },

	// next_attempt: a Place command for the attempt after the last one, of the same order and checkout.
	"next_attempt": func(o Order, ev Event) error {
		switch {
		case ev.Place == nil || ev.Attempt != o.Attempt+1:
			return fault.Newf(fault.Conflict, "attempt-out-of-order", "the next attempt is %d", o.Attempt+1)
		case o.Attempt > 0 && (ev.Place.OrderID != o.ID || ev.Place.CheckoutID != o.CheckoutID || ev.Place.CartID != o.CartID):
			return fault.New(fault.Conflict, "another-order", "the attempt is for another checkout or cart")
		case ev.Place.Total.IsNegative():
			return fault.New(fault.Invalid, "validation-failed", "an order cannot cost less than nothing")
		}
		return nil
	},
	"abandon_requested": func(o Order, _ Event) error {
		if !o.AbandonRequested {
			return ErrForbidden
		}
		return nil
	},
	"cancel_requested": func(o Order, _ Event) error {
		if o.CancelReason == "" {
			return ErrForbidden
		}
		return nil
	},
	// all_gone: all of the money went back, and nobody has asked to cancel.
	"all_gone": func(o Order, ev Event) error {
		if ev.Amount != o.Paid() || o.CancelReason != "" {
			return ErrForbidden
		}
		return nil
	},
	// more_gone: more of the captured money went back than is known. What is told again or late says nothing new.
	"more_gone": func(o Order, ev Event) error {
		if ev.Amount.Currency != o.Captured.Currency || ev.Amount.Minor <= o.Returned.Minor || ev.Amount.Minor > o.Captured.Minor {
			return ErrForbidden
		}
		return nil
	},
	// refundable: there is as much to give back, and nothing else is being given back.
	"refundable": func(o Order, ev Event) error {
		left, err := o.Captured.Sub(o.Returned)
		switch {
		case o.Refunding.IsPositive():
			return ErrRefunding
		case err != nil || !ev.Amount.IsPositive() || ev.Amount.Currency != left.Currency || ev.Amount.Minor > left.Minor:
			return fault.Newf(fault.Conflict, "refund-above-captured", "%s of the order can be given back", left).With("left", left)
		}
		return nil
	},
	// editable: nothing else is under way, and what it costs less is there to be given back.
	"editable": func(o Order, ev Event) error {
		left, err := o.Captured.Sub(o.Returned)
		switch {
		case o.Refunding.IsPositive():
			return ErrRefunding
		case o.Unpaid || o.CancelReason != "":
			return ErrNotEditable
		case err != nil || ev.Amount.Currency != o.Total.Currency || ev.Amount.IsNegative():
			return fault.New(fault.Invalid, "validation-failed", "an order cannot cost less than nothing, nor in another currency")
		case ev.Amount.Minor > o.Total.Minor+o.Owing.Minor:
			if !left.IsPositive() {
				return fault.Newf(fault.Conflict, "edit-needs-payment", "The order would cost %s instead of %s, and there is no payment like which the difference could be charged.", ev.Amount, o.Total)
			}
		case o.Total.Minor-ev.Amount.Minor > left.Minor-o.Owing.Minor:
			left.Minor -= o.Owing.Minor
			return fault.Newf(fault.Conflict, "refund-above-captured", "%s of the order can be given back", left).With("left", left)
		}
		return nil
	},
	// moves_nothing: neither goods nor money: only where it goes, or how.
	"moves_nothing": func(o Order, ev Event) error {
		if !ev.Same || ev.Amount != o.Total || o.Unpaid || o.CancelReason != "" {
			return ErrForbidden
		}
		return nil
	},
	// costs_more: the edit makes the order cost more, and than what is owed.
	"costs_more": func(o Order, _ Event) error {
		if o.Charging().IsZero() {
			return ErrForbidden
		}
		return nil
	},
	// more_to_refund: this was of one payment, and the rest is of others.
	"more_to_refund": func(o Order, ev Event) error {
		if ev.Amount.Minor >= o.Refunding.Minor {
			return ErrForbidden
		}
		return nil
	},
	// owes: the edit made the order cost less.
	"owes": func(o Order, ev Event) error {
		if o.Edit != EditMade || !ev.Amount.IsPositive() {
			return ErrForbidden
		}
		return nil
	},
	// all_back: with this refund all of the captured money has gone back, of an order that costs anything.
	"all_back": func(o Order, ev Event) error {
		if afterRefund(o, ev) != o.Captured || !o.Total.IsPositive() {
			return ErrForbidden
		}
		return nil
	},
	// paid: nobody has told yet that the bank did not pay this: it leaves less. What is told again leaves as much.
	"paid": paid,
	// paid_in_part: the same, and what gift cards, store credit and other payments paid is there.
	"paid_in_part": func(o Order, ev Event) error {
		if !ev.Amount.IsPositive() {
			return ErrForbidden
		}
		return paid(o, ev)
	},
	// in_review: the review is not over.
	"in_review": func(o Order, _ Event) error {
		if o.Review != "" && o.Review != ReviewPending {
			return ErrForbidden
		}
		return nil
	},
	// not_reviewed: nobody has told of the review yet.
	"not_reviewed": func(o Order, _ Event) error {
		if o.Review != "" {
			return ErrForbidden
		}
		return nil
	},
	// whole_amount: the gateway took exactly what the order costs.
	"whole_amount": func(o Order, ev Event) error {
		if ev.Amount != o.Total {
			return fault.Newf(fault.Internal, "amount-mismatch", "%s was moved for an order of %s", ev.Amount, o.Total)
		}
		return nil
	},
}

func paid(o Order, ev Event) error {
	if o.Unpaid && ev.Amount.Minor >= o.Captured.Minor {
		return ErrForbidden
	}
	return nil
}

// appliers change the order on the way into the next state.
var appliers = map[string]func(o *Order, ev Event, now time.Time){
	"start_attempt": func(o *Order, ev Event, _ time.Time) {
		o.ID, o.CheckoutID, o.CartID, o.Total = ev.Place.OrderID, ev.Place.CheckoutID, ev.Place.CartID, ev.Place.Total
		o.Attempt, o.Outcome, o.Review = ev.Attempt, Outcome{}, ""
		zero := money.Zero(o.Total.Currency)
		o.Captured, o.Returned, o.Proposed, o.Reduced, o.Owing = zero, zero, zero, zero, zero
	},
	"keep_outcome": func(o *Order, ev Event, _ time.Time) { o.Outcome = ev.Outcome },
	"outcome_abandoned": func(o *Order, _ Event, _ time.Time) {
		o.Outcome = Outcome{Kind: Abandoned}
	},
	"request_abandon": func(o *Order, _ Event, _ time.Time) { o.AbandonRequested = true },
	"mark_placed":     func(o *Order, _ Event, now time.Time) { o.PlacedAt = now },
	"mark_captured": func(o *Order, ev Event, now time.Time) {
		o.Captured, o.CapturedAt = ev.Amount, now
	},
	"request_cancel": func(o *Order, ev Event, _ time.Time) {
		o.CancelReason = cmp.Or(o.CancelReason, ev.Reason, "requested")
	},
	"payment_failed": func(o *Order, _ Event, _ time.Time) {
		o.CancelReason = cmp.Or(o.CancelReason, "payment-failed")
	},
	"money_gone": func(o *Order, _ Event, _ time.Time) {
		o.CancelReason = cmp.Or(o.CancelReason, "payment-returned")
	},
	"begin_refund": func(o *Order, ev Event, _ time.Time) { o.Refunding, o.ReturnedBefore = ev.Amount, o.Returned },
	"end_refund": func(o *Order, ev Event, _ time.Time) {
		o.Returned, o.Refunding = afterRefund(*o, ev), money.Zero(o.Total.Currency)
	},
	// take_refund: the rest of the refund begins as if it had been asked for now.
	"take_refund": func(o *Order, ev Event, _ time.Time) {
		o.Returned, o.Refunding.Minor = afterRefund(*o, ev), o.Refunding.Minor-ev.Amount.Minor
		o.ReturnedBefore.Minor += ev.Amount.Minor
	},
	// mark_charged: it is captured; of an edit that is not made after all it is above what the order costs, and goes back with the rest.
	"mark_charged": func(o *Order, ev Event, _ time.Time) {
		if o.Captured.Minor += ev.Amount.Minor; o.CancelReason != "" {
			o.Reduced.Minor += ev.Amount.Minor
		}
	},
	"begin_edit": func(o *Order, ev Event, _ time.Time) {
		o.Edit, o.EditNumber, o.Proposed = EditAsked, o.EditNumber+1, ev.Amount
	},
	"edit_at_once": func(o *Order, _ Event, _ time.Time) { o.EditNumber++ },
	// make_edit: what it costs less is owed; of what it costs more that was not charged which was owed.
	"make_edit": func(o *Order, _ Event, _ time.Time) {
		less := max(o.Total.Minor-o.Proposed.Minor, -o.Owing.Minor)
		o.Owing.Minor += less
		o.Reduced.Minor += less
		o.Edit, o.Total = EditMade, o.Proposed
	},
	"refuse_edit": func(o *Order, _ Event, _ time.Time) { o.Edit = EditRefused },
	"close_edit": func(o *Order, _ Event, _ time.Time) {
		o.Edit, o.Proposed = "", money.Zero(o.Total.Currency)
	},
	// return_difference: as if somebody had asked for a refund of what the edit made the order cost less.
	"return_difference": func(o *Order, ev Event, _ time.Time) { o.Refunding, o.ReturnedBefore = ev.Amount, o.Returned },
	// drop_refund: what was of an edit is owed, also if the edit was closed by a process that owed nothing beyond that.
	"drop_refund": func(o *Order, ev Event, _ time.Time) {
		o.Refunding, o.Owing.Minor = money.Zero(o.Total.Currency), max(o.Owing.Minor, ev.Amount.Minor)
	},
	"note_review": func(o *Order, ev Event, _ time.Time) { o.Review = ev.Review },
	// end_review: what is not approved is never captured; the next answer to the capture says so too.
	"end_review": func(o *Order, ev Event, _ time.Time) {
		if o.Review = ev.Review; ev.Review != ReviewApproved {
			o.CancelReason = cmp.Or(o.CancelReason, "review-"+ev.Review)
		}
	},
	// note_unpaid: only what did not wait for the bank stays captured. It may have gone back before the bank's no was heard of.
	"note_unpaid": func(o *Order, ev Event, _ time.Time) {
		left := min(ev.Amount.Minor, o.Captured.Minor)
		o.Unpaid, o.Captured, o.Returned.Minor, o.Refunding = true, money.New(left, o.Total.Currency), min(o.Returned.Minor, left), money.Zero(o.Total.Currency)
	},
	"settlement_failed": func(o *Order, _ Event, _ time.Time) {
		o.CancelReason = cmp.Or(o.CancelReason, "settlement-declined")
	},
	"note_returned":  func(o *Order, ev Event, _ time.Time) { o.Returned = ev.Amount },
	"mark_returned":  func(o *Order, _ Event, _ time.Time) { o.Returned = o.Captured },
	"mark_cancelled": func(o *Order, _ Event, now time.Time) { o.CancelledAt = now },
}

// Paid is what is, or shall be, captured for the order: since it was placed it may have come to cost less.
func (o Order) Paid() money.Amount {
	if o.CapturedAt.IsZero() {
		return o.Total
	}
	return o.Captured
}

// Charging is what the edit that is asked for makes the order cost more, less what is owed: that is taken off first.
func (o Order) Charging() money.Amount {
	more := money.Zero(o.Total.Currency)
	if o.Edit == EditAsked {
		more.Minor = max(0, o.Proposed.Minor-o.Total.Minor-o.Owing.Minor)
	}
	return more
}

// afterRefund is what has gone back once a refund is done. Payment may have told of it before its answer came: it is not counted twice.
func afterRefund(o Order, ev Event) money.Amount {
	sum := min(o.ReturnedBefore.Minor+ev.Amount.Minor, o.Captured.Minor)
	return money.New(max(o.Returned.Minor, sum), o.Total.Currency)
}
