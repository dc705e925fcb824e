package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// statement is SQL that grows together with its arguments. The same parts give the same text, which each connection prepares once.
type statement struct {
	text strings.Builder
	args []any
	done func() // to be called when it was executed
}

// arg takes an argument and returns its placeholder.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// add appends a part in which each ? stands for the next argument.
func (s *statement) add(part string, args ...any) {
	for _, v := range args {
		before, after, _ := strings.Cut(part, "?")
		s.text.WriteString(before)
		s.text.WriteString(s.arg(v))
		part = after
	}
	s.text.WriteString(part)
}

// encoded is a value as JSON; what cannot be encoded is a fault of the code.
func encoded(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values always encode
	}
	return raw
}

// decision puts a whole decision into one statement: the order under its version (or its making), the log entry, that of the audit
// log where staff asked for it, the announcement, and the one live effect: kept, replaced or removed. Nothing of it happens when the
// version or the stamp has moved; then it returns no row.
func (s *Store) decision(ctx context.Context, c app.Change) (*statement, error) {
	r, e := c.After, c.Entry
	st := &statement{done: func() {}}
	if c.Seen == 0 {
		st.make(r)
	} else {
		st.move(r, c)
	}
	metadata := []byte("{}")
	if e.Metadata != nil {
		metadata = encoded(e.Metadata)
	}
	st.add(`, logged AS (
	INSERT INTO order_events (order_id, version, at, transition, event, from_state, to_state, attempt, actor, metadata)
	SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM done
)`, r.Version, e.At, e.Transition, e.Event, e.From, string(r.State), r.Attempt, e.Actor, metadata)
	if c.Audit {
		st.add(`, audited AS (
	INSERT INTO audit_log (at, actor, action, entity, before, after)
	SELECT ?, ?, ?, 'order/' || id, jsonb_build_object('state', ?::text), ?::jsonb || jsonb_build_object('state', ?::text) FROM done
)`, e.At, e.Actor, e.Event, e.From, metadata, string(r.State))
	}
	if c.Announce != order.Nothing {
		drawn := ""
		if c.Announce == order.AnnouncePlaced {
			drawn = "jsonb_build_object('number', number)"
		}
		items, wake, err := s.box.Clause(ctx, announcement(c), "done", drawn, st.arg)
		if err != nil {
			return nil, err
		}
		st.done = wake
		st.add(", " + items)
	}
	stamp := "0::bigint"
	switch {
	case c.Effect != nil:
		st.schedule(c)
		stamp = "(SELECT stamp FROM scheduled)"
	case c.Wake:
		st.wake(c)
	case !c.Keep:
		st.add(`, removed AS (
	DELETE FROM order_effects WHERE order_id IN (SELECT id FROM done)
)`)
	}
	st.add("\nSELECT coalesce(number, ''), " + stamp + " FROM done")
	return st, nil
}

func (s *statement) make(r app.Record) {
	s.add(`WITH done AS (
	INSERT INTO orders (id, checkout_id, cart_id, customer_id, state, machine_version, version, attempt, currency, total, captured, returned,
		outcome, cancel_reason, abandon_requested, access_token, snapshot, parts, created_at, updated_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO NOTHING
	RETURNING id, number
)`, r.ID, r.CheckoutID, r.CartID, r.Snapshot.CustomerID, string(r.State), r.MachineVersion, r.Version, r.Attempt, string(r.Total.Currency),
		r.Total.Minor, r.Captured.Minor, r.Returned.Minor, encoded(r.Outcome), r.CancelReason, r.AbandonRequested, r.AccessToken,
		encoded(r.Snapshot), list(r.Parts), r.CreatedAt, r.UpdatedAt)
}

// move leaves alone what no decision but place, allocated and those of an edit change: the snapshot is by far the largest part of an order.
func (s *statement) move(r app.Record, c app.Change) {
	s.add(`WITH done AS (
	UPDATE orders SET state = ?, version = ?, attempt = ?, currency = ?, total = ?, captured = ?, returned = ?, outcome = ?,
		cancel_reason = ?, abandon_requested = ?, placed_at = ?, captured_at = ?, cancelled_at = ?, updated_at = ?,
		review = ?, unpaid = ?, refunding = ?, returned_before = ?, edit = ?, edit_number = ?, proposed = ?, reduced = ?, owing = ?`,
		string(r.State), r.Version, r.Attempt, string(r.Total.Currency), r.Total.Minor, r.Captured.Minor, r.Returned.Minor, encoded(r.Outcome),
		r.CancelReason, r.AbandonRequested, orNull(r.PlacedAt), orNull(r.CapturedAt), orNull(r.CancelledAt), r.UpdatedAt, r.Review, r.Unpaid,
		r.Refunding.Minor, r.ReturnedBefore.Minor, string(r.Edit), r.EditNumber, r.Proposed.Minor, r.Reduced.Minor, r.Owing.Minor)
	if c.NewSnapshot {
		s.add(`, snapshot = ?`, encoded(r.Snapshot))
	}
	if c.NewParts {
		s.add(`, parts = ?`, list(r.Parts))
	}
	if c.NewNotes {
		s.add(`, disputes = ?, refunds = ?, edits = ?`, list(r.Disputes), list(r.Refunds), list(r.Edits))
	}
	if r.Number == "" && !r.PlacedAt.IsZero() {
		s.add(`, number = (SELECT 'SC-' || lpad(n, greatest(6, length(n)), '0') FROM (SELECT nextval('order_numbers')::text) AS next (n))`)
	}
	s.add(`
	WHERE id = ? AND version = ?`, r.ID, c.Seen)
	if c.Uninvoiced {
		s.add(` AND NOT invoiced`)
	}
	if c.Stamp != 0 {
		s.add(` AND EXISTS (SELECT FROM order_effects WHERE order_id = ? AND stamp = ?)`, r.ID, c.Stamp)
	}
	s.add(`
	RETURNING id, number
)`)
}

// list is a list as JSON, never null.
func list[S ~[]E, E any](all S) []byte {
	if all == nil {
		return []byte("[]")
	}
	return encoded(all)
}

// schedule makes the effect the one live one. This replica performs at once what is due at once.
func (s *statement) schedule(c app.Change) {
	due, lease := c.Entry.At.Add(c.Effect.After), (*time.Time)(nil)
	if c.Effect.After == 0 {
		until := due.Add(app.LeaseTime)
		lease = &until
	}
	var means []byte
	if c.Effect.Kind == order.Authorise {
		means = encoded(c.Payment)
	}
	s.add(`, scheduled AS (
	INSERT INTO order_effects AS e (order_id, kind, attempt, version, payment, due_at, lease_until, stamp, tries)
	SELECT id, ?, ?, ?, ?, ?, ?, 1, 0 FROM done
	ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, attempt = excluded.attempt, version = excluded.version, payment = excluded.payment,
		due_at = excluded.due_at, lease_until = excluded.lease_until, stamp = e.stamp + 1, tries = 0
	RETURNING stamp
)`, string(c.Effect.Kind), c.After.Attempt, c.After.Version, means, due, lease)
}

// wake makes the live effect due at once. What it was asked before this decision no longer counts: the stamp moves as if its lease had run out.
func (s *statement) wake(c app.Change) {
	s.add(`, woken AS (
	UPDATE order_effects SET due_at = ?, lease_until = NULL, stamp = stamp + 1 WHERE order_id IN (SELECT id FROM done)
)`, c.Entry.At)
}

// announcement is the event that tells the world. The number of a placed order is laid over it by the statement that draws it.
func announcement(c app.Change) outbox.Event {
	r := c.After
	ev := outbox.Event{Topic: orderapi.Topic, Subject: r.ID, Time: c.Entry.At}
	switch c.Announce {
	case order.AnnouncePlaced:
		ev.Type = orderapi.TypePlacedV1
		data := orderapi.PlacedV1{OrderID: r.ID, CheckoutID: r.CheckoutID, CartID: r.CartID, Attempt: r.Attempt,
			CustomerID: r.Snapshot.CustomerID, Country: r.Snapshot.ShippingAddress.Country, Channel: r.Snapshot.Channel, Promotions: r.Snapshot.Promotions, Totals: r.Snapshot.Totals, PlacedAt: r.PlacedAt}
		data.Lines = orderapi.LinesV1(r.Snapshot.Lines)
		ev.Data = data
	case order.AnnounceFailed:
		ev.Type = orderapi.TypeAttemptFailedV1
		data := orderapi.AttemptFailedV1{OrderID: r.ID, CheckoutID: r.CheckoutID, CartID: r.CartID, Attempt: r.Attempt, Outcome: r.Outcome.Kind,
			DeclineCode: r.Outcome.DeclineCode, Retryable: r.Outcome.Retryable, At: c.Entry.At}
		for _, short := range r.Outcome.Shortages {
			data.Shortages = append(data.Shortages, orderapi.Shortage(short))
		}
		ev.Data = data
	case order.AnnounceConfirmed:
		ev.Type = orderapi.TypeConfirmedV1
		ev.Data = orderapi.ConfirmedV1{OrderID: r.ID, Number: r.Number, CheckoutID: r.CheckoutID, CartID: r.CartID, Captured: r.Captured, CapturedAt: r.CapturedAt}
	case order.AnnounceCancelled:
		ev.Type = orderapi.TypeCancelledV1
		ev.Data = orderapi.CancelledV1{OrderID: r.ID, Number: r.Number, CheckoutID: r.CheckoutID, CartID: r.CartID, Reason: r.CancelReason,
			Returned: r.Returned, CancelledAt: r.CancelledAt}
	case order.AnnounceEdited:
		ev.Type = orderapi.TypeEditedV1
		was := r.Edits[len(r.Edits)-1].Before
		ev.Data = orderapi.EditedV1{OrderID: r.ID, Number: r.Number, Edit: r.EditNumber, CustomerID: r.Snapshot.CustomerID, Country: r.Snapshot.ShippingAddress.Country, Channel: r.Snapshot.Channel,
			Lines: orderapi.LinesV1(r.Snapshot.Lines), LinesBefore: orderapi.LinesV1(was.Lines), Promotions: r.Snapshot.Promotions,
			Totals: r.Snapshot.Totals, TotalsBefore: was.Totals, EditedAt: c.Entry.At}
	case order.AnnounceAdvanced:
		ev.Type = orderapi.TypeAdvancedV1
		ev.Data = orderapi.AdvancedV1{OrderID: r.ID, Number: r.Number, From: c.Entry.From, To: c.Entry.To, Transition: c.Entry.Transition,
			MachineVersion: r.MachineVersion, At: c.Entry.At}
	}
	return ev
}
