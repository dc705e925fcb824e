// Package daprio is inventory's side of its sidecar: the actor that is the queue before a SKU, the door to it, and the sweep.
//
// The actor keeps nothing in Dapr. It brings the callers of one SKU to one place, in turn; the transaction of the turn keeps
// the invariant, also while two hosts believe that they own the actor.
package daprio

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// ActorType is the type of the actors; the id of one is its SKU.
const ActorType = "sku"

// The methods of the actor.
const (
	methodHold         = "Hold"
	methodRelease      = "Release"
	methodAvailability = "Availability"
)

// holdRequest is what Hold takes: changes in order, quantity 0 releases.
type holdRequest struct {
	Changes []change `json:"changes"`
}

type change struct {
	Owner     string    `json:"owner"`
	Quantity  int64     `json:"quantity,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// releaseRequest is what Release takes.
type releaseRequest struct {
	Owners []string `json:"owners"`
}

// turnAnswer is what Hold and Release answer, one outcome per change.
type turnAnswer struct {
	Outcomes []outcome `json:"outcomes"`
}

type outcome struct {
	Held      bool  `json:"held"`
	Available int64 `json:"available"`
}

// availabilityAnswer is what Availability answers: what a shopper without a hold can have.
type availabilityAnswer struct {
	Available int64 `json:"available"`
}

// Availabilities reads the stock of SKUs that are known.
type Availabilities interface {
	Availability(ctx context.Context, skus []string, now time.Time) ([]inventory.Available, error)
}

// Host registers the actor of each SKU. Its turns go through the door, which must not be the actor itself.
func Host(actors *daprkit.Actors, door app.Door, read Availabilities, now func() time.Time) {
	actors.Register(ActorType, func(id string) daprkit.Actor { return &skuActor{sku: id, door: door, read: read, now: now} })
}

type skuActor struct {
	sku  string
	door app.Door
	read Availabilities
	now  func() time.Time
}

// Deactivate implements daprkit.Actor; there is nothing to forget.
func (a *skuActor) Deactivate() {}

// Invoke implements daprkit.Actor.
func (a *skuActor) Invoke(ctx context.Context, method string, data []byte) (any, error) {
	if !inventory.ValidSKU(a.sku) {
		return nil, fault.New(fault.NotFound, "not-found", "no such SKU can exist")
	}
	switch method {
	case methodHold:
		var in holdRequest
		if err := decode(data, &in); err != nil {
			return nil, err
		}
		changes := make([]inventory.Change, len(in.Changes))
		for i, c := range in.Changes {
			changes[i] = inventory.Change(c)
		}
		return answer(a.turn(ctx, changes))
	case methodRelease:
		var in releaseRequest
		if err := decode(data, &in); err != nil {
			return nil, err
		}
		changes := make([]inventory.Change, len(in.Owners))
		for i, owner := range in.Owners {
			changes[i].Owner = owner
		}
		return answer(a.turn(ctx, changes))
	case methodAvailability:
		found, err := a.read.Availability(ctx, []string{a.sku}, a.now())
		if err != nil || len(found) == 0 {
			return availabilityAnswer{}, err
		}
		return availabilityAnswer{Available: found[0].Free()}, nil
	}
	return nil, daprkit.ErrUnknownMethod
}

func decode(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fault.New(fault.Malformed, "malformed", "the turn cannot be read").WithCause(err)
	}
	return nil
}

// turn checks what only inventory itself may send: the database would refuse it too, and fail the others of the turn.
func (a *skuActor) turn(ctx context.Context, changes []inventory.Change) ([]inventory.Outcome, error) {
	for _, c := range changes {
		if !inventory.ValidID(c.Owner) || c.Quantity < 0 || c.Quantity > inventory.MaxQuantity || c.Quantity > 0 && c.ExpiresAt.IsZero() {
			return nil, fault.New(fault.Invalid, "validation-failed", "a change names no owner, no end or no quantity that can be")
		}
	}
	return a.door.Turn(ctx, a.sku, changes)
}

func answer(outcomes []inventory.Outcome, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	answer := turnAnswer{Outcomes: make([]outcome, len(outcomes))}
	for i, o := range outcomes {
		answer.Outcomes[i] = outcome(o)
	}
	return answer, nil
}

// Caller calls actors; *daprkit.Client is one.
type Caller interface {
	Actor(ctx context.Context, typ, id, method string, in, out any) error
}

// Door is the way to the actor of a SKU, wherever it lives: in this process without a detour through the sidecar, as soon as daprd has
// put it here. It implements app.Door; the context must have a deadline.
type Door struct {
	Caller Caller
	Actors *daprkit.Actors
}

// Turn implements app.Door.
func (d Door) Turn(ctx context.Context, sku string, changes []inventory.Change) (outcomes []inventory.Outcome, err error) {
	here, err := d.Actors.Near(ctx, ActorType, sku, func(ctx context.Context, a daprkit.Actor) error {
		outcomes, err = a.(*skuActor).turn(ctx, changes)
		return err
	})
	if here {
		return outcomes, err
	}
	method := methodRelease
	owners, wire := make([]string, len(changes)), make([]change, len(changes))
	for i, c := range changes {
		owners[i], wire[i] = c.Owner, change(c)
		if c.Quantity > 0 {
			method = methodHold
		}
	}
	var in any = releaseRequest{Owners: owners}
	if method == methodHold {
		in = holdRequest{Changes: wire}
	}
	var answer turnAnswer
	if err := d.Caller.Actor(ctx, ActorType, sku, method, in, &answer); err != nil {
		return nil, err
	}
	if len(answer.Outcomes) != len(changes) {
		return nil, fmt.Errorf("the actor of %s answered %d of %d changes", sku, len(answer.Outcomes), len(changes))
	}
	outcomes = make([]inventory.Outcome, len(changes))
	for i, o := range answer.Outcomes {
		outcomes[i] = inventory.Outcome(o)
	}
	return outcomes, nil
}
