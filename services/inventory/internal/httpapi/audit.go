package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func registerAudit(s *httpx.Server, a *api) {
	const path = "/v1/admin/stock/snapshots"
	op := func(method, path, id, summary, scope string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope), DefaultStatus: http.StatusOK}
	}
	long := httpx.Timeout(6 * internalTimeout)
	httpx.Register(s, op(http.MethodGet, path, "list-snapshots", "Snapshots, the newest first", ScopeRead), a.snapshots)
	httpx.Register(s, op(http.MethodPut, path+"/{name}", "take-snapshot", "Keep the stock as it is, once per name", ScopeWrite), a.takeSnapshot, long)
	httpx.Register(s, op(http.MethodGet, path+"/{name}/compare", "compare-snapshot", "What happened to the stock since a snapshot", ScopeRead), a.compare, long)
	httpx.Register(s, op(http.MethodPost, "/v1/admin/stock/reconcile", "reconcile-stock", "Recount levels and holds, and repair them on request", ScopeWrite), a.reconcile, long)
}

func snapshotView(s app.Snapshot) inventoryapi.Snapshot {
	return inventoryapi.Snapshot{Name: s.Name, At: s.At.UTC(), Actor: s.Actor, Levels: s.Lines}
}

type snapshotsBody struct {
	Items []inventoryapi.Snapshot `json:"items"`
}

func (a *api) snapshots(ctx context.Context, _ *struct{}) (*bodyOf[snapshotsBody], error) {
	all, err := a.Auditor.Store.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	out := snapshotsBody{Items: make([]inventoryapi.Snapshot, len(all))}
	for i, s := range all {
		out.Items[i] = snapshotView(s)
	}
	return body(out), nil
}

// SnapshotName names a snapshot by the path.
type SnapshotName struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *api) takeSnapshot(ctx context.Context, in *SnapshotName) (*bodyOf[inventoryapi.Snapshot], error) {
	s, err := a.Auditor.TakeSnapshot(ctx, auth.Actor(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	return body(snapshotView(s)), nil
}

type compareInput struct {
	SnapshotName
	To string `query:"to" maxLength:"64" doc:"A later snapshot; now, if there is none"`
}

func (a *api) compare(ctx context.Context, in *compareInput) (*bodyOf[inventoryapi.Comparison], error) {
	c, err := a.Auditor.Store.Compare(ctx, in.Name, in.To, a.Now())
	if err != nil {
		return nil, err
	}
	out := inventoryapi.Comparison{From: snapshotView(c.From), To: snapshotView(c.To), Levels: make([]inventoryapi.LevelDifference, len(c.Levels)), Holds: make([]inventoryapi.HoldDifference, len(c.Holds))}
	for i, d := range c.Levels {
		v := inventoryapi.LevelDifference{SKU: d.SKU, LocationID: d.LocationID, Before: inventoryapi.Stand(d.Before), After: inventoryapi.Stand(d.After),
			Unexplained: inventoryapi.Stand(d.Unexplained()), Moves: make(map[string]inventoryapi.Moved, len(d.Moves))}
		for kind, m := range d.Moves {
			v.Moves[kind] = inventoryapi.Moved{Entries: m.Entries, Stand: inventoryapi.Stand(m.Stand), References: m.References}
		}
		out.Levels[i] = v
	}
	for i, h := range c.Holds {
		out.Holds[i] = inventoryapi.HoldDifference{SKU: h.SKU, Before: h.Before, After: h.After, OwnersBefore: h.OwnersThen, OwnersAfter: h.OwnersNow}
	}
	return body(out), nil
}

type reconcileInput struct{ Body inventoryapi.ReconcileInput }

func (a *api) reconcile(ctx context.Context, in *reconcileInput) (*bodyOf[inventoryapi.Reconciliation], error) {
	days, err := lotDays(in.Body.Lots)
	if err != nil {
		return nil, err
	}
	faults, err := a.Auditor.Reconcile(ctx, auth.Actor(ctx), in.Body.Repair, days)
	if err != nil {
		return nil, err
	}
	out := inventoryapi.Reconciliation{Faults: make([]inventoryapi.StockFault, len(faults))}
	for i, f := range faults {
		out.Faults[i] = inventoryapi.StockFault{What: f.What, SKU: f.SKU, LocationID: f.LocationID, Lot: f.Lot, Missing: f.Missing, Is: inventoryapi.Stand(f.Is), Ledger: inventoryapi.Stand(f.Ledger),
			Reserved: inventoryapi.Stand(f.Reserved), Repaired: f.Repaired}
	}
	return body(out), nil
}

// lotDays reads what is said of lots that are missing, all faults at once.
func lotDays(lots []inventoryapi.MissingLot) ([]app.LotDay, error) {
	var c fault.Collector
	days := make([]app.LotDay, len(lots))
	for i, l := range lots {
		at := fmt.Sprintf("body.lots[%d].", i)
		day, err := time.Parse(time.DateOnly, l.ExpiresOn)
		c.Check(inventory.ValidSKU(l.SKU), at+"sku", "must be 1 to 64 letters, digits, . _ or -", l.SKU)
		c.Check(inventory.ValidLot(l.Lot), at+"lot", "must be 1 to 64 letters, digits, . _ / or -", l.Lot)
		c.Check(err == nil, at+"expires_on", "must be a day such as 2027-01-31", l.ExpiresOn)
		days[i] = app.LotDay{Place: inventory.Place{SKU: l.SKU, LocationID: l.LocationID}, Lot: l.Lot, ExpiresOn: day}
	}
	return days, c.Err()
}
