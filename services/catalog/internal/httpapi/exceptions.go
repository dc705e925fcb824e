package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/catalog/internal/postgres"
)

func checkImport(id string, required bool) error {
	var c fault.Collector
	c.Check((id != "" || !required) && len(id) <= 100 && !strings.ContainsRune(id, 0), "body.import_id", "must have 1 to 100 bytes", nil)
	return c.Err()
}

type noteInput struct {
	httpx.IdempotencyHeader
	Body catalogapi.ExceptionInput
}

type noteOutput struct{ httpx.ReplayedHeader }

func (a *api) noteException(ctx context.Context, in *noteInput) (*noteOutput, error) {
	key, err := httpx.IdemFrom(ctx, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if err := checkImport(in.Body.ImportID, true); err != nil {
		return nil, err
	}
	e := app.Exception{ImportID: in.Body.ImportID, Row: app.Row{Number: in.Body.Row, Source: in.Body.Source}}
	for _, f := range in.Body.Errors {
		e.Faults = append(e.Faults, fault.Field{Location: f.Location, Message: f.Message})
	}
	replayed, err := a.staff.NoteException(ctx, auth.Actor(ctx), idem.Key(key), e)
	return &noteOutput{httpx.Replayed(replayed)}, err
}

// ExceptionView is a row of a source that is no product, or was none before a later import of it.
type ExceptionView struct {
	ID         int64                   `json:"id"`
	ImportID   string                  `json:"import_id"`
	Row        int64                   `json:"row"`
	Source     json.RawMessage         `json:"source,omitempty"`
	Errors     []catalogapi.BatchError `json:"errors"`
	NotedAt    time.Time               `json:"noted_at"`
	ResolvedAt *time.Time              `json:"resolved_at,omitempty" doc:"When a later write of the same row succeeded"`
}

type exceptionsInput struct {
	httpx.PageQuery
	ImportID string `query:"import_id" maxLength:"100"`
	Resolved bool   `query:"resolved" doc:"Also those that went in later"`
}

// exceptionCursor is where a page of exceptions ends.
type exceptionCursor struct {
	ID int64 `json:"i"`
}

func (a *api) exceptions(ctx context.Context, in *exceptionsInput) (*httpx.Body[httpx.Page[ExceptionView]], error) {
	after, _, err := httpx.DecodeCursor[exceptionCursor](in.Cursor)
	if err != nil {
		return nil, err
	}
	kept, err := a.read.Exceptions(ctx, in.ImportID, in.Resolved, after.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	all := make([]ExceptionView, len(kept))
	for i, e := range kept {
		if all[i], err = exceptionView(e); err != nil {
			return nil, err
		}
	}
	return &httpx.Body[httpx.Page[ExceptionView]]{Body: httpx.NewPage(all, in.Limit, func(last ExceptionView) string {
		return httpx.EncodeCursor(exceptionCursor{last.ID})
	})}, nil
}

func exceptionView(e postgres.KeptException) (ExceptionView, error) {
	v := ExceptionView{ID: e.ID, ImportID: e.ImportID, Row: e.Row, Source: e.Source, NotedAt: e.NotedAt.UTC(), ResolvedAt: e.ResolvedAt}
	if err := json.Unmarshal(e.Errors, &v.Errors); err != nil {
		return v, fmt.Errorf("errors of exception %d: %w", e.ID, err)
	}
	return v, nil
}
