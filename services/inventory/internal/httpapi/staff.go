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
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

func registerStaff(s *httpx.Server, a *api) {
	op := func(method, path, id, summary, scope string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(scope)}
	}
	put := op(http.MethodPut, "/v1/admin/locations/{id}", "put-location", "Create or change a location", ScopeWrite)
	put.DefaultStatus = http.StatusNoContent
	httpx.Register(s, put, a.putLocation)
	httpx.Register(s, op(http.MethodGet, "/v1/admin/locations", "list-locations", "All locations", ScopeRead), a.locations)
	for kind, summary := range map[string]string{
		inventory.KindReceive: "Book goods in, once per reference",
		inventory.KindAdjust:  "Correct what is on hand by differences, once per reference",
		inventory.KindCount:   "Set what was counted, once per reference",
	} {
		booking := op(http.MethodPost, "/v1/admin/stock/"+kind, kind+"-stock", summary, ScopeWrite)
		booking.DefaultStatus = http.StatusOK
		httpx.Register(s, booking, a.book(kind))
	}
	terms := op(http.MethodPut, "/v1/admin/stock/terms", "put-terms", "Say how much is for sale and how much may be owed: safety stock, backorder, preorder", ScopeWrite)
	terms.DefaultStatus = http.StatusNoContent
	httpx.Register(s, terms, a.putTerms)
	rule := op(http.MethodPut, "/v1/admin/stock/rules/{sku}", "put-rule", "Say when a SKU counts as low", ScopeWrite)
	rule.DefaultStatus = http.StatusNoContent
	httpx.Register(s, rule, a.putRule)
	httpx.Register(s, op(http.MethodGet, "/v1/admin/stock/rules/{sku}", "get-rule", "When a SKU counts as low", ScopeRead), a.rule)
	httpx.Register(s, op(http.MethodGet, "/v1/admin/stock/levels", "list-levels", "Stock by SKU and location", ScopeRead), a.levels)
	httpx.Register(s, op(http.MethodGet, "/v1/admin/stock/ledger", "list-ledger", "Every movement of stock, the newest first", ScopeRead), a.ledger)
	httpx.Register(s, op(http.MethodGet, "/v1/admin/holds", "list-holds", "Holds that count now, by SKU", ScopeRead), a.listHolds)
}

type putLocationInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body inventoryapi.LocationInput
}

func (a *api) putLocation(ctx context.Context, in *putLocationInput) (*struct{}, error) {
	b := in.Body
	l := app.Location{ID: in.ID, Name: b.Name, Site: inventory.Site{Country: b.Country, Region: b.Region, Postal: b.Postal}, Priority: b.Priority, Enabled: b.Enabled}
	switch {
	case b.Latitude != nil && b.Longitude != nil:
		l.At = &inventory.Point{Lat: *b.Latitude, Lon: *b.Longitude}
	case b.Latitude != nil || b.Longitude != nil:
		return nil, fault.New(fault.Invalid, "validation-failed", "body.latitude: goes with longitude").WithField("body.latitude", "goes with longitude", nil)
	}
	return nil, a.Staff.PutLocation(ctx, auth.Actor(ctx), l)
}

// LocationView is a location as staff see it.
type LocationView struct {
	ID string `json:"id"`
	inventoryapi.LocationInput
}

type locationsBody struct {
	Items []LocationView `json:"items"`
}

func (a *api) locations(ctx context.Context, _ *struct{}) (*bodyOf[locationsBody], error) {
	all, err := a.Reader.Locations(ctx)
	if err != nil {
		return nil, err
	}
	out := locationsBody{Items: make([]LocationView, len(all))}
	for i, l := range all {
		out.Items[i] = LocationView{ID: l.ID, LocationInput: inventoryapi.LocationInput{Name: l.Name, Country: l.Country, Region: l.Region,
			Postal: l.Postal, Priority: l.Priority, Enabled: l.Enabled}}
		if l.At != nil {
			out.Items[i].Latitude, out.Items[i].Longitude = &l.At.Lat, &l.At.Lon
		}
	}
	return body(out), nil
}

type bookInput struct {
	httpx.IdempotencyHeader
	Body inventoryapi.StockInput
}

// BookingView is the answer to a booking, the same each time its reference is sent.
type BookingView struct {
	Reference string    `json:"reference"`
	Kind      string    `json:"kind"`
	Lines     int       `json:"lines"`
	BookedAt  time.Time `json:"booked_at"`
	// Of a count, one per line.
	Variances []VarianceView `json:"variances,omitempty"`
}

// VarianceView is what was counted beside what should have been there.
type VarianceView struct {
	SKU        string `json:"sku"`
	LocationID string `json:"location_id"`
	Expected   int64  `json:"expected"`
	Counted    int64  `json:"counted"`
	Variance   int64  `json:"variance" doc:"counted less expected"`
}

type bookOutput struct {
	httpx.ReplayedHeader
	Body BookingView
}

func (a *api) book(kind string) func(context.Context, *bookInput) (*bookOutput, error) {
	return func(ctx context.Context, in *bookInput) (*bookOutput, error) {
		key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
		if err != nil {
			return nil, err
		}
		var c fault.Collector
		b := inventory.Booking{Kind: kind, Reference: in.Body.Reference, Reason: in.Body.Reason, Lines: make([]inventory.BookingLine, len(in.Body.Lines))}
		for i, l := range in.Body.Lines {
			b.Lines[i] = inventory.BookingLine{Place: inventory.Place{SKU: l.SKU, LocationID: l.LocationID}, Quantity: l.Quantity, Mark: inventory.Mark{Lot: l.Lot}}
			if l.ExpiresOn != "" {
				day, err := time.Parse(time.DateOnly, l.ExpiresOn)
				c.Check(err == nil, fmt.Sprintf("body.lines[%d].expires_on", i), "must be a day such as 2027-01-31", l.ExpiresOn)
				b.Lines[i].ExpiresOn = day
			}
		}
		if err := c.Err(); err != nil {
			return nil, err
		}
		done, replayed, err := a.Staff.Book(ctx, auth.Actor(ctx), b, idem.Key(key))
		if err != nil {
			return nil, err
		}
		view := BookingView{Reference: done.Reference, Kind: done.Kind, Lines: done.Lines, BookedAt: done.At.UTC()}
		for _, v := range done.Variances {
			view.Variances = append(view.Variances, VarianceView{SKU: v.SKU, LocationID: v.LocationID, Expected: v.Expected, Counted: v.Counted, Variance: v.Counted - v.Expected})
		}
		return &bookOutput{ReplayedHeader: httpx.Replayed(replayed), Body: view}, nil
	}
}

// PlaceQuery asks for a page of what is at places.
type PlaceQuery struct {
	httpx.PageQuery
	SKU        string `query:"sku" maxLength:"64"`
	LocationID string `query:"location_id" maxLength:"64"`
}

func (q PlaceQuery) place() inventory.Place {
	return inventory.Place{SKU: q.SKU, LocationID: q.LocationID}
}

// LevelView is the stock of a SKU at a location, with its terms.
type LevelView struct {
	inventoryapi.TermsLine
	OnHand    int64 `json:"on_hand"`
	Allocated int64 `json:"allocated"`
	Owed      int64 `json:"owed"`
	InStock   int64 `json:"in_stock" doc:"what can be sold from the shelf, holds not counted"`
	Available int64 `json:"available" doc:"in_stock and what may be owed beyond it, holds not counted"`

	Lots []inventoryapi.Lot `json:"lots,omitempty" doc:"What expires first comes first; what is beyond them is in none"`
}

type putTermsInput struct{ Body inventoryapi.TermsInput }

func (a *api) putTerms(ctx context.Context, in *putTermsInput) (*struct{}, error) {
	lines := make([]inventory.TermsLine, len(in.Body.Lines))
	for i, l := range in.Body.Lines {
		lines[i] = inventory.TermsLine{Place: inventory.Place{SKU: l.SKU, LocationID: l.LocationID}, Terms: inventory.Terms{Safety: l.SafetyStock,
			Backorder: l.BackorderLimit, ShipsAt: orZero(l.BackorderShipsAt), Preorder: l.PreorderLimit, ReleaseAt: orZero(l.ReleaseAt)}}
	}
	return nil, a.Staff.PutTerms(ctx, auth.Actor(ctx), lines)
}

// orZero is a time to the microsecond, as it is kept.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

type skuInput struct {
	SKU string `path:"sku" maxLength:"64"`
}

type putRuleInput struct {
	SKU  string `path:"sku" maxLength:"64"`
	Body inventoryapi.RuleInput
}

func (a *api) putRule(ctx context.Context, in *putRuleInput) (*struct{}, error) {
	rule := app.Rule{LowAt: in.Body.LowAt, LowUntil: in.Body.LowUntil}
	if p := in.Body.PerCustomer; p != nil {
		rule.Limit = inventory.Limit{SKU: in.SKU, Quantity: p.Quantity, From: orZero(p.From), Until: orZero(p.Until)}
	}
	return nil, a.Staff.PutRule(ctx, auth.Actor(ctx), in.SKU, rule)
}

func (a *api) rule(ctx context.Context, in *skuInput) (*bodyOf[inventoryapi.RuleInput], error) {
	rule, err := a.Reader.Rule(ctx, in.SKU)
	if err != nil {
		return nil, err
	}
	out := inventoryapi.RuleInput{LowAt: rule.LowAt, LowUntil: rule.LowUntil}
	if l := rule.Limit; l.Quantity > 0 {
		out.PerCustomer = &inventoryapi.PerCustomer{Quantity: l.Quantity, From: orNull(l.From), Until: orNull(l.Until)}
	}
	return body(out), nil
}

type levelCursor struct{ SKU, Location string }

func (a *api) levels(ctx context.Context, in *PlaceQuery) (*bodyOf[httpx.Page[LevelView]], error) {
	after, _, err := httpx.DecodeCursor[levelCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	levels, err := a.Reader.Levels(ctx, in.place(), inventory.Place{SKU: after.SKU, LocationID: after.Location}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views, now := make([]LevelView, len(levels)), a.Now()
	for i, l := range levels {
		views[i] = LevelView{TermsLine: inventoryapi.TermsLine{SKU: l.SKU, LocationID: l.LocationID, SafetyStock: l.Safety, BackorderLimit: l.Backorder,
			BackorderShipsAt: orNull(l.ShipsAt), PreorderLimit: l.Preorder, ReleaseAt: orNull(l.ReleaseAt)},
			OnHand: l.OnHand, Allocated: l.Allocated, Owed: l.Owed, InStock: l.Stock(now), Available: l.Free(now)}
		for _, lot := range l.Lots {
			views[i].Lots = append(views[i].Lots, inventoryapi.Lot{Lot: lot.Name, ExpiresOn: lot.ExpiresOn.Format(time.DateOnly), OnHand: lot.OnHand, Allocated: lot.Allocated})
		}
	}
	return body(httpx.NewPage(views, in.Limit, func(l LevelView) string { return httpx.EncodeCursor(levelCursor{l.SKU, l.LocationID}) })), nil
}

// EntryView is a line of the ledger: what it added to what is on hand, allocated and owed.
type EntryView struct {
	ID             int64     `json:"id"`
	At             time.Time `json:"at"`
	SKU            string    `json:"sku"`
	LocationID     string    `json:"location_id"`
	Kind           string    `json:"kind" enum:"receive,adjust,count,allocate,release,fill,transfer_out,transfer_in,reconcile,expire"`
	OnHandDelta    int64     `json:"on_hand_delta"`
	AllocatedDelta int64     `json:"allocated_delta"`
	OwedDelta      int64     `json:"owed_delta"`
	Reference      string    `json:"reference"`
	Actor          string    `json:"actor"`
	Reason         string    `json:"reason,omitempty"`
	Lot            string    `json:"lot,omitempty"`
}

type ledgerCursor struct{ Before int64 }

type ledgerQuery struct {
	PlaceQuery
	Reference string `query:"reference" maxLength:"100" doc:"Of the booking, allocation or transfer"`
}

func (a *api) ledger(ctx context.Context, in *ledgerQuery) (*bodyOf[httpx.Page[EntryView]], error) {
	from, _, err := httpx.DecodeCursor[ledgerCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	entries, err := a.Reader.Ledger(ctx, in.place(), in.Reference, from.Before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]EntryView, len(entries))
	for i, e := range entries {
		views[i] = EntryView{ID: e.ID, At: e.At.UTC(), SKU: e.SKU, LocationID: e.LocationID, Kind: e.Kind, OnHandDelta: e.OnHand,
			AllocatedDelta: e.Allocated, OwedDelta: e.Owed, Reference: e.Reference, Actor: e.Actor, Reason: e.Reason, Lot: e.Lot}
	}
	return body(httpx.NewPage(views, in.Limit, func(e EntryView) string { return httpx.EncodeCursor(ledgerCursor{e.ID}) })), nil
}

type holdsQuery struct {
	httpx.PageQuery
	SKU   string `query:"sku" maxLength:"64"`
	Owner string `query:"owner" maxLength:"80"`
}

// HoldView is a hold as staff see it.
type HoldView struct {
	ID        string    `json:"id"`
	Owner     string    `json:"owner"`
	SKU       string    `json:"sku"`
	Quantity  int64     `json:"quantity"`
	ExpiresAt time.Time `json:"expires_at"`
}

type holdCursor struct{ SKU, Owner string }

func (a *api) listHolds(ctx context.Context, in *holdsQuery) (*bodyOf[httpx.Page[HoldView]], error) {
	after, _, err := httpx.DecodeCursor[holdCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	holds, err := a.Reader.Holds(ctx, in.SKU, in.Owner, inventory.Hold{SKU: after.SKU, Owner: after.Owner}, a.Now(), in.Limit+1)
	if err != nil {
		return nil, err
	}
	views := make([]HoldView, len(holds))
	for i, h := range holds {
		views[i] = HoldView{ID: h.ID(), Owner: h.Owner, SKU: h.SKU, Quantity: h.Quantity, ExpiresAt: h.ExpiresAt.UTC()}
	}
	return body(httpx.NewPage(views, in.Limit, func(h HoldView) string { return httpx.EncodeCursor(holdCursor{h.SKU, h.Owner}) })), nil
}
