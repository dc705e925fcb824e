package daprio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// The methods of the order actor.
const (
	methodPlace      = "place"
	methodAbandon    = "abandon"
	methodCancel     = "cancel"
	methodTransition = "transition"
	methodRefund     = "refund"
	methodEdit       = "edit"
)

// doorTime is how long the actor is waited for. After that the same command runs here: while placement is away, orders go on.
const doorTime = time.Second

// Door sends commands to the order's actor, where they come in one at a time, and runs them itself when the actor does not
// answer in time. That both may run one command is harmless: every command is idempotent, and the version decides.
type Door struct {
	Client ActorCaller
	App    *app.App
}

// ActorCaller is what a door needs of daprkit.Client.
type ActorCaller interface {
	Actor(ctx context.Context, typ, id, method string, in, out any) error
}

// command is the argument of every method but place.
type command struct {
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
	To     string `json:"to,omitempty"`

	Refund *app.RefundRequest `json:"refund,omitempty"`
	Edit   *app.Proposal      `json:"edit,omitempty"`
}

// through asks the actor and falls back to direct.
func (d Door) through(ctx context.Context, id, method string, in any, direct func() error) error {
	turn, cancel := context.WithTimeout(ctx, doorTime)
	defer cancel()
	err := d.Client.Actor(turn, orderapi.ActorType, id, method, in, nil)
	switch kind := fault.KindOf(err); {
	case kind != fault.Timeout && kind != fault.Unavailable || ctx.Err() != nil:
		return err
	case kind == fault.Unavailable: // nobody heard of it
		return direct()
	}
	again := direct()
	if fault.KindOf(again) == fault.Unavailable { // this run did nothing; the turn may have
		return app.ErrUnsure.WithCause(errors.Join(err, again))
	}
	return again
}

// Place records the command to place an order.
func (d Door) Place(ctx context.Context, req orderapi.PlaceRequest) error {
	return d.through(ctx, req.OrderID, methodPlace, req, func() error { return d.App.Place(ctx, req) })
}

// Abandon ends an order that is not placed.
func (d Door) Abandon(ctx context.Context, id string) error {
	return d.through(ctx, id, methodAbandon, command{}, func() error { return d.App.Abandon(ctx, id) })
}

// Cancel undoes an order before it is picked.
func (d Door) Cancel(ctx context.Context, id, actor, reason string) error {
	return d.through(ctx, id, methodCancel, command{Actor: actor, Reason: reason}, func() error {
		_, err := d.App.Cancel(ctx, id, actor, reason)
		return err
	})
}

// Transition brings an order to another status.
func (d Door) Transition(ctx context.Context, id, actor, to, note string) error {
	return d.through(ctx, id, methodTransition, command{Actor: actor, To: to, Reason: note}, func() error {
		_, err := d.App.Transition(ctx, id, actor, to, note)
		return err
	})
}

// Refund gives back a part of an order's money.
func (d Door) Refund(ctx context.Context, id, actor string, req app.RefundRequest) error {
	return d.through(ctx, id, methodRefund, command{Actor: actor, Refund: &req}, func() error {
		_, err := d.App.Refund(ctx, id, actor, req)
		return err
	})
}

// Edit changes what is ordered, or where it goes.
func (d Door) Edit(ctx context.Context, id, actor string, p app.Proposal) error {
	return d.through(ctx, id, methodEdit, command{Actor: actor, Edit: &p}, func() error {
		_, err := d.App.Edit(ctx, id, actor, p)
		return err
	})
}

// orderActor is the door of one order. It keeps nothing.
type orderActor struct {
	id  string
	app *app.App
}

// RegisterActor makes the host serve the order actor.
func RegisterActor(host *daprkit.Actors, a *app.App) {
	host.Register(orderapi.ActorType, func(id string) daprkit.Actor { return &orderActor{id: id, app: a} })
}

// Deactivate implements daprkit.Actor.
func (o *orderActor) Deactivate() {}

// Invoke implements daprkit.Actor.
func (o *orderActor) Invoke(ctx context.Context, method string, data []byte) (any, error) {
	if method == methodPlace {
		var req orderapi.PlaceRequest
		if err := json.Unmarshal(data, &req); err != nil {
			return nil, fault.New(fault.Malformed, "malformed", "The command cannot be read.").WithCause(err)
		}
		if req.OrderID != o.id {
			return nil, fault.New(fault.Invalid, "another-order", "The command is for another order.")
		}
		return nil, o.app.Place(ctx, req)
	}
	var c command
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fault.New(fault.Malformed, "malformed", "The command cannot be read.").WithCause(err)
	}
	switch method {
	case methodAbandon:
		return nil, o.app.Abandon(ctx, o.id)
	case methodCancel:
		_, err := o.app.Cancel(ctx, o.id, c.Actor, c.Reason)
		return nil, err
	case methodTransition:
		_, err := o.app.Transition(ctx, o.id, c.Actor, c.To, c.Reason)
		return nil, err
	case methodRefund:
		if c.Refund == nil {
			return nil, fault.New(fault.Malformed, "malformed", "The command says nothing of a refund.")
		}
		_, err := o.app.Refund(ctx, o.id, c.Actor, *c.Refund)
		return nil, err
	case methodEdit:
		if c.Edit == nil {
			return nil, fault.New(fault.Malformed, "malformed", "The command says nothing of an edit.")
		}
		_, err := o.app.Edit(ctx, o.id, c.Actor, *c.Edit)
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", method, daprkit.ErrUnknownMethod)
}
