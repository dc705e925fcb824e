// Package httpapi is inventory's HTTP edge: holds and allocations for other services, stock for staff. It maps wire forms to
// values and back; statuses follow from the faults.
package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// The scopes of staff.
const (
	ScopeRead  = "inventory:read"
	ScopeWrite = "inventory:write"
)

// Reader is what services and staff may look at. Lists come in the order of their keys, after the key given.
type Reader interface {
	Availability(ctx context.Context, skus []string, now time.Time) ([]inventory.Available, error)
	Locations(ctx context.Context) ([]app.Location, error)
	Levels(ctx context.Context, of, after inventory.Place, limit int) ([]inventory.Level, error)
	Rule(ctx context.Context, sku string) (app.Rule, error)
	Transfer(ctx context.Context, id string) (inventory.Transfer, error)
	Transfers(ctx context.Context, status string, after inventory.Transfer, limit int) ([]inventory.Transfer, error)
	Ledger(ctx context.Context, of inventory.Place, reference string, before int64, limit int) ([]app.Entry, error)
	Holds(ctx context.Context, sku, owner string, after inventory.Hold, now time.Time, limit int) ([]inventory.Hold, error)
	Told(ctx context.Context, after string, limit int) (inventoryapi.Told, error)
	HoldOwners(ctx context.Context, now, before time.Time, after string, limit int) ([]string, error)
}

// Services is what the routes need.
type Services struct {
	Holds     *app.Holds
	Limits    *app.Limits
	Allocator *app.Allocator
	Staff     *app.Staff
	Auditor   *app.Auditor
	Reader    Reader
	Now       func() time.Time
}

type api struct{ Services }

const internalTimeout = 5 * time.Second

// Register adds all routes.
func Register(s *httpx.Server, services Services) {
	a := &api{services}
	registerInternal(s, a)
	registerStaff(s, a)
	registerTransfers(s, a)
	registerAudit(s, a)
}

func registerInternal(s *httpx.Server, a *api) {
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"internal"}}
	}
	const holds, allocations = inventoryapi.PathHolds + "{owner}", inventoryapi.PathAllocations + "{order}"
	bounded := httpx.Timeout(internalTimeout)
	checkout, order := httpx.Callers("checkout"), httpx.Callers("order")
	httpx.Register(s, op(http.MethodPut, holds, "put-holds", "Set everything that an owner holds, all or nothing"), a.putHolds, checkout, bounded)
	httpx.Register(s, op(http.MethodGet, holds, "get-holds", "What an owner holds"), a.getHolds, checkout, bounded)
	release := op(http.MethodDelete, holds, "delete-holds", "Release everything that an owner holds")
	release.DefaultStatus = http.StatusNoContent
	httpx.Register(s, release, a.deleteHolds, checkout, bounded)
	httpx.Register(s, op(http.MethodGet, inventoryapi.PathHoldOwners, "hold-owners", "Who holds something that ends before a time"), a.holdOwners, checkout, bounded)

	long := httpx.Timeout(2 * internalTimeout)
	httpx.Register(s, op(http.MethodPut, allocations, "allocate", "Take the stock of an order for good, once per id"), a.allocate, order, long)
	httpx.Register(s, op(http.MethodPut, allocations+"/lines", "revise-allocation", "Take and give back what an edited order has more and less, once per edition"), a.revise, order, long)
	httpx.Register(s, op(http.MethodGet, allocations, "get-allocation", "What an order has taken"), a.getAllocation, order, bounded)
	httpx.Register(s, op(http.MethodDelete, allocations, "release-allocation", "Give back what an order has taken"), a.release, order, long)
	httpx.Register(s, op(http.MethodPost, inventoryapi.PathAvailability, "availability", "The stock of SKUs over all enabled locations"), a.availability,
		httpx.Callers("cart", "catalog", "checkout", "order"), bounded)
	httpx.Register(s, op(http.MethodGet, inventoryapi.PathTold, "told-levels", "The levels of all SKUs as they were told last"), a.told,
		httpx.Callers("search"), long)
}

type toldInput struct {
	After string `query:"after" maxLength:"64" doc:"The last SKU of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

func (a *api) told(ctx context.Context, in *toldInput) (*bodyOf[inventoryapi.Told], error) {
	out, err := a.Reader.Told(ctx, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return body(out), nil
}

// service names the caller of an internal route for the ledger; only those whom the route lists get here.
func service(name string) string { return "service:" + name }

type bodyOf[T any] struct{ Body T }

func body[T any](b T) *bodyOf[T] { return &bodyOf[T]{Body: b} }

type ownerInput struct {
	Owner string `path:"owner" maxLength:"80"`
}

type putHoldsInput struct {
	Owner string `path:"owner" maxLength:"80"`
	Body  inventoryapi.HoldRequest
}

func (a *api) putHolds(ctx context.Context, in *putHoldsInput) (*bodyOf[inventoryapi.Holds], error) {
	lines := make([]inventory.Hold, len(in.Body.Lines))
	for i, l := range in.Body.Lines {
		lines[i] = inventory.Hold{Owner: in.Owner, SKU: l.SKU, Quantity: l.Quantity}
	}
	if err := a.Limits.Check(ctx, in.Body.Customer, lines); err != nil {
		return nil, err
	}
	held, err := a.Holds.Set(ctx, in.Owner, lines, in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	return body(holdsView(in.Owner, held)), nil
}

func (a *api) getHolds(ctx context.Context, in *ownerInput) (*bodyOf[inventoryapi.Holds], error) {
	held, err := a.Holds.Of(ctx, in.Owner)
	if err != nil {
		return nil, err
	}
	return body(holdsView(in.Owner, held)), nil
}

func (a *api) deleteHolds(ctx context.Context, in *ownerInput) (*struct{}, error) {
	return nil, a.Holds.Release(ctx, in.Owner)
}

type holdOwnersInput struct {
	Before time.Time `query:"before" required:"true" doc:"Holds that end before it"`
	After  string    `query:"after" maxLength:"80" doc:"The last owner of the page before"`
}

// ownersAtOnce is how many owners a page has.
const ownersAtOnce = 500

func (a *api) holdOwners(ctx context.Context, in *holdOwnersInput) (*bodyOf[inventoryapi.HoldOwners], error) {
	owners, err := a.Reader.HoldOwners(ctx, a.Now(), in.Before, in.After, ownersAtOnce)
	if err != nil {
		return nil, err
	}
	return body(inventoryapi.HoldOwners{Owners: owners}), nil
}

type orderInput struct {
	Order string `path:"order" maxLength:"80"`
}

type allocateInput struct {
	Order string `path:"order" maxLength:"80"`
	Body  inventoryapi.AllocateRequest
}

func (a *api) allocate(ctx context.Context, in *allocateInput) (*bodyOf[inventoryapi.Allocation], error) {
	o := inventory.Order{ID: in.Order, Owner: in.Body.Owner, Customer: in.Body.Customer, Lines: orderLines(in.Body.Lines)}
	o.To = inventory.Destination{Country: in.Body.Country, Region: in.Body.Region, Postal: in.Body.Postal}
	got, err := a.Allocator.Allocate(ctx, service("order"), o)
	if err != nil {
		return nil, err
	}
	return body(allocationView(got)), nil
}

type reviseInput struct {
	Order string `path:"order" maxLength:"80"`
	Body  inventoryapi.ReviseRequest
}

func (a *api) revise(ctx context.Context, in *reviseInput) (*bodyOf[inventoryapi.Allocation], error) {
	o := inventory.Order{ID: in.Order, Customer: in.Body.Customer, To: inventory.Destination{Country: in.Body.Country, Region: in.Body.Region, Postal: in.Body.Postal},
		Lines: orderLines(in.Body.Lines)}
	got, err := a.Allocator.Revise(ctx, service("order"), o, in.Body.Edition)
	if err != nil {
		return nil, err
	}
	return body(allocationView(got)), nil
}

func orderLines(in []inventoryapi.AllocateLine) []inventory.OrderLine {
	lines := make([]inventory.OrderLine, len(in))
	for i, l := range in {
		lines[i] = inventory.OrderLine{ID: l.LineID, SKU: l.SKU, Quantity: l.Quantity}
	}
	return lines
}

func (a *api) getAllocation(ctx context.Context, in *orderInput) (*bodyOf[inventoryapi.Allocation], error) {
	got, err := a.Allocator.Get(ctx, in.Order)
	if err != nil {
		return nil, err
	}
	return body(allocationView(got)), nil
}

func (a *api) release(ctx context.Context, in *orderInput) (*bodyOf[inventoryapi.Allocation], error) {
	got, err := a.Allocator.Release(ctx, service("order"), in.Order)
	if err != nil {
		return nil, err
	}
	return body(allocationView(got)), nil
}

func (a *api) availability(ctx context.Context, in *bodyOf[inventoryapi.AvailabilityRequest]) (*bodyOf[inventoryapi.AvailabilityAnswer], error) {
	found, err := a.Reader.Availability(ctx, in.Body.SKUs, a.Now())
	if err != nil {
		return nil, err
	}
	out := inventoryapi.AvailabilityAnswer{Items: make([]inventoryapi.Availability, len(found))}
	for i, f := range found {
		out.Items[i] = availabilityView(f)
	}
	return body(out), nil
}

func availabilityView(a inventory.Available) inventoryapi.Availability {
	return inventoryapi.Availability{SKU: a.SKU, OnHand: a.OnHand, Allocated: a.Allocated, Owed: a.Owed, Held: a.Held,
		InStock: min(a.Stock, a.Free()), Available: a.Free(), ShipsAt: orNull(a.ShipsAt)}
}

// orNull is a time in UTC, where there is one.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func holdsView(owner string, held []inventory.Hold) inventoryapi.Holds {
	out := inventoryapi.Holds{Owner: owner, Holds: make([]inventoryapi.Hold, len(held))}
	for i, h := range held {
		out.Holds[i] = inventoryapi.Hold{ID: h.ID(), SKU: h.SKU, Quantity: h.Quantity, ExpiresAt: h.ExpiresAt.UTC()}
	}
	return out
}

func allocationView(a inventory.Allocation) inventoryapi.Allocation {
	out := inventoryapi.Allocation{OrderID: a.ID, Status: a.Status, Released: orNull(a.ReleasedAt), Lines: make([]inventoryapi.AllocationLine, len(a.Lines))}
	for i, l := range a.Lines {
		out.Lines[i] = inventoryapi.AllocationLine{LineID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Parts: make([]inventoryapi.AllocationPart, len(l.Parts))}
		for j, p := range l.Parts {
			out.Lines[i].Parts[j] = inventoryapi.AllocationPart{LocationID: p.LocationID, Quantity: p.Quantity, Kind: p.Kind, ShipsAt: orNull(p.ShipsAt), Lot: p.Lot}
		}
	}
	return out
}
