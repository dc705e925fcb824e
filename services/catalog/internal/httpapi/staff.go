package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
	"github.com/sidecart/sidecart/services/catalog/internal/postgres"
)

type writtenOutput struct {
	Status int
	httpx.ETagHeader
	httpx.ReplayedHeader
	Body catalogapi.ProductWritten
}

func written(r app.Result, replayed bool) *writtenOutput {
	out := &writtenOutput{Status: http.StatusOK, ETagHeader: httpx.ETag(r.Version), ReplayedHeader: httpx.Replayed(replayed),
		Body: catalogapi.ProductWritten{ID: r.ID, Version: r.Version, Outcome: r.Kind}}
	if r.Kind == catalog.Created {
		out.Status = http.StatusCreated
	}
	return out
}

type postProductInput struct {
	httpx.IdempotencyHeader
	Body catalogapi.ProductInput
}

func (a *api) postProduct(ctx context.Context, in *postProductInput) (*writtenOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	r, replayed, err := a.staff.Create(ctx, auth.Actor(ctx), idem.Key(key), product(in.Body))
	if err != nil {
		return nil, err
	}
	return written(r, replayed), nil
}

// IDParam is embedded by what names a product.
type IDParam struct {
	ID string `path:"id" maxLength:"64"`
}

type putProductInput struct {
	IDParam
	httpx.IfMatchHeader
	Body catalogapi.ProductInput
}

func (a *api) putProduct(ctx context.Context, in *putProductInput) (*writtenOutput, error) {
	version, given, err := httpx.ParseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	var ifMatch *int64
	if given {
		ifMatch = &version
	}
	r, err := a.staff.Put(ctx, auth.Actor(ctx), in.ID, ifMatch, product(in.Body))
	if err != nil {
		return nil, err
	}
	return written(r, false), nil
}

type moveInput struct {
	IDParam
	httpx.IdempotencyHeader
}

func (a *api) move(status string) func(context.Context, *moveInput) (*writtenOutput, error) {
	return func(ctx context.Context, in *moveInput) (*writtenOutput, error) {
		key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
		if err != nil {
			return nil, err
		}
		r, replayed, err := a.staff.Move(ctx, auth.Actor(ctx), idem.Key(key), in.ID, status)
		if err != nil {
			return nil, err
		}
		return written(r, replayed), nil
	}
}

// productChecker reads a product of a batch as strictly as the route for one product does: by the same schema.
func productChecker(s *httpx.Server) func(raw []byte) (catalogapi.ProductInput, []huma.ErrorDetail) {
	registry := s.API().OpenAPI().Components.Schemas
	schema := registry.SchemaFromRef("#/components/schemas/ProductInput")
	return func(raw []byte) (p catalogapi.ProductInput, faults []huma.ErrorDetail) {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return p, []huma.ErrorDetail{{Message: "is no JSON"}}
		}
		var res huma.ValidateResult
		huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, &res)
		for _, err := range res.Errors {
			faults = append(faults, detail(err))
		}
		if len(faults) > 0 {
			slices.SortFunc(faults, func(a, b huma.ErrorDetail) int {
				return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Message, b.Message))
			})
			return p, faults
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			f := huma.ErrorDetail{Message: "cannot be read"}
			if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
				f = huma.ErrorDetail{Location: e.Field, Message: "does not take this " + e.Value}
			}
			return p, []huma.ErrorDetail{f}
		}
		return p, nil
	}
}

// detail gives a fault of the schema its exact place.
func detail(err error) huma.ErrorDetail {
	d, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok {
		return huma.ErrorDetail{Message: err.Error()}
	}
	out := huma.ErrorDetail{Location: d.Location, Message: d.Message}
	var missing string
	if n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 {
		out.Message = "is required"
		if out.Location != "" {
			missing = out.Location + "." + missing
		}
		out.Location = missing
	}
	return out
}

type batchInput struct {
	httpx.IdempotencyHeader
	Body catalogapi.BatchInput
}

type batchOutput struct {
	httpx.ReplayedHeader
	Body catalogapi.BatchResult
}

func (a *api) batch(ctx context.Context, in *batchInput) (*batchOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	w := app.Write{ImportID: in.Body.ImportID, Items: make([]catalog.Item, len(in.Body.Items)), Rows: make([]app.Row, len(in.Body.Items))}
	if err := checkImport(w.ImportID, false); err != nil {
		return nil, err
	}
	for i, it := range in.Body.Items {
		w.Rows[i] = app.Row{Number: it.Row, Source: it.Source}
		p, faults := a.check(it.Product)
		for _, f := range faults {
			w.Items[i].Faults = append(w.Items[i].Faults, fault.Field{Location: f.Location, Message: f.Message})
		}
		w.Items[i].Product = product(p)
	}
	results, replayed, err := a.staff.Batch(ctx, auth.Actor(ctx), idem.Key(key), w)
	if err != nil {
		return nil, err
	}
	out := &batchOutput{ReplayedHeader: httpx.Replayed(replayed), Body: catalogapi.BatchResult{Items: make([]catalogapi.BatchItemResult, len(results))}}
	for i, r := range results {
		o := catalogapi.BatchItemResult{Row: in.Body.Items[i].Row, Outcome: r.Kind, ProductID: r.ID}
		for _, f := range r.Faults {
			o.Errors = append(o.Errors, catalogapi.BatchError{Location: f.Location, Message: f.Message})
		}
		out.Body.Items[i] = o
	}
	return out, nil
}

// StaffProduct is a product as staff see it: what was written, in normal form, with what it became.
type StaffProduct struct {
	ID        string    `json:"id"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	catalogapi.ProductInput
}

func staffProduct(k postgres.Kept) StaffProduct {
	return StaffProduct{ID: k.ID, Version: k.Version, CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(), ProductInput: productInput(&k.Product)}
}

type staffProductOutput struct {
	httpx.ETagHeader
	Body StaffProduct
}

func (a *api) staffProduct(ctx context.Context, in *IDParam) (*staffProductOutput, error) {
	k, err := a.read.Product(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &staffProductOutput{ETagHeader: httpx.ETag(k.Version), Body: staffProduct(k)}, nil
}

type staffListInput struct {
	httpx.PageQuery
	Status   string `query:"status" enum:"draft,published,archived"`
	Category string `query:"category" maxLength:"64" doc:"Code of a category, without those below"`
	Q        string `query:"q" maxLength:"200" doc:"Part of a title, or a whole SKU or external id"`
}

// staffCursor is where a page of staff's list ends.
type staffCursor struct {
	ID string `json:"i"`
}

func (a *api) staffList(ctx context.Context, in *staffListInput) (*httpx.Body[httpx.Page[StaffProduct]], error) {
	after, given, err := httpx.DecodeCursor[staffCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	if given && !catalog.IsID(after.ID) {
		return nil, badCursor()
	}
	kept, err := a.read.Products(ctx, postgres.Look{Status: in.Status, Category: in.Category, Words: in.Q, After: after.ID, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	all := make([]StaffProduct, len(kept))
	for i, k := range kept {
		all[i] = staffProduct(k)
	}
	return &httpx.Body[httpx.Page[StaffProduct]]{Body: httpx.NewPage(all, in.Limit, func(last StaffProduct) string {
		return httpx.EncodeCursor(staffCursor{last.ID})
	})}, nil
}

func badCursor() error {
	return fault.New(fault.Invalid, "validation-failed", "query.cursor: is not a cursor of this list").
		WithField("query.cursor", "is not a cursor of this list", nil)
}
