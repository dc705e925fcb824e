package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/catalog/internal/catalog"
)

// store remembers what it is asked. With err it fails before doing anything; with lies it does it and fails all the same.
type store struct {
	attributes []catalog.Attribute
	categories []catalog.Category
	brands     []catalog.Brand
	writes     []Write
	keys       []idem.Key
	moves      []string
	notes      []Exception
	by         Change
	err        error
	lies       bool
}

func (s *store) do(by Change, fn func()) error {
	if s.err == nil || s.lies {
		s.by = by
		fn()
	}
	return s.err
}

func (s *store) PutAttribute(_ context.Context, by Change, a catalog.Attribute) error {
	return s.do(by, func() { s.attributes = append(s.attributes, a) })
}

func (s *store) PutCategory(_ context.Context, by Change, c catalog.Category) error {
	return s.do(by, func() { s.categories = append(s.categories, c) })
}

func (s *store) PutBrand(_ context.Context, by Change, b catalog.Brand) error {
	return s.do(by, func() { s.brands = append(s.brands, b) })
}

func (s *store) Write(_ context.Context, by Change, key idem.Key, w Write) ([]Result, bool, error) {
	err := s.do(by, func() { s.writes, s.keys = append(s.writes, w), append(s.keys, key) })
	results := make([]Result, len(w.Items))
	for i, it := range w.Items {
		results[i] = Result{Kind: catalog.Created, ID: it.NewID, Version: 1}
	}
	return results, false, err
}

func (s *store) Move(_ context.Context, by Change, _ idem.Key, id, status string) (Result, bool, error) {
	return Result{ID: id}, false, s.do(by, func() { s.moves = append(s.moves, id+" "+status) })
}

func (s *store) NoteException(_ context.Context, by Change, _ idem.Key, e Exception) (bool, error) {
	return false, s.do(by, func() { s.notes = append(s.notes, e) })
}

var noon = time.Date(2026, 3, 1, 13, 0, 0, 1234, time.FixedZone("CET", 3600))

func staff(s *store) *Staff { return &Staff{Store: s, Now: func() time.Time { return noon }} }

const id = "019c0000-0000-7000-8000-000000000001"

func TestFaultyInputNeverReachesTheStore(t *testing.T) {
	t.Parallel()
	s := &store{}
	st, ctx := staff(s), t.Context()
	for name, call := range map[string]func() error{
		"attribute": func() error { return st.PutAttribute(ctx, "a", catalog.Attribute{Code: "x", Type: "float"}) },
		"brand":     func() error { return st.PutBrand(ctx, "a", catalog.Brand{Code: "X!"}) },
	} {
		if f, ok := fault.As(call()); !ok || f.Code != "validation-failed" || len(f.Fields) < 2 {
			t.Errorf("%s: %+v, want all faults at once", name, f)
		}
	}
	for name, call := range map[string]func() error{
		"put":  func() error { _, err := st.Put(ctx, "a", "nobody", nil, catalog.Product{}); return err },
		"move": func() error { _, _, err := st.Move(ctx, "a", idem.Key{}, "nobody", catalog.Published); return err },
	} {
		if err := call(); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s of an id that cannot exist: %v", name, err)
		}
	}
	if len(s.attributes)+len(s.brands)+len(s.writes)+len(s.moves) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatReachesTheStore(t *testing.T) {
	t.Parallel()
	s := &store{}
	st, ctx := staff(s), t.Context()
	colour := catalog.Attribute{Code: "colour", Label: "Colour", Type: catalog.Colour, Choices: []catalog.Choice{{Value: "navy", Label: "Navy", Hex: "#1F2A44"}}}
	if err := st.PutAttribute(ctx, "staff:1", colour); err != nil || s.attributes[0].Choices[0].Hex != "#1f2a44" || colour.Choices[0].Hex != "#1F2A44" {
		t.Errorf("%v %+v: in normal form, the caller's own left alone", err, s.attributes)
	}
	if s.by.Actor != "staff:1" || !s.by.At.Equal(noon.Truncate(time.Microsecond)) || s.by.At.Location() != time.UTC {
		t.Errorf("%+v", s.by)
	}
	seven := int64(7)
	if _, err := st.Put(ctx, "a", id, &seven, catalog.Product{Title: "x"}); err != nil {
		t.Fatal(err)
	}
	if it := s.writes[0].Items[0]; it.ID != id || *it.IfMatch != 7 || it.Prefix != "body." || !s.writes[0].Alone || s.keys[0] != (idem.Key{}) {
		t.Errorf("%+v", it)
	}
	results, _, err := st.Batch(ctx, "a", idem.Key{Key: "k"}, Write{ImportID: "i", Items: make([]catalog.Item, 3)})
	if err != nil || s.keys[1].Key != "k" || s.writes[1].Alone {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range results {
		if !catalog.IsID(r.ID) || seen[r.ID] {
			t.Errorf("id %q", r.ID)
		}
		seen[r.ID] = true
	}
}

func TestTheStoresWordIsPassedOn(t *testing.T) {
	t.Parallel()
	for _, lies := range []bool{false, true} {
		away := fault.New(fault.Timeout, "database-timeout", "who knows")
		s := &store{err: away, lies: lies}
		st, ctx := staff(s), t.Context()
		for name, call := range map[string]func() error{
			"attribute": func() error {
				return st.PutAttribute(ctx, "a", catalog.Attribute{Code: "x", Label: "X", Type: catalog.Text})
			},
			"category":  func() error { return st.PutCategory(ctx, "a", catalog.Category{}) },
			"brand":     func() error { return st.PutBrand(ctx, "a", catalog.Brand{Code: "x", Name: "X"}) },
			"create":    func() error { _, _, err := st.Create(ctx, "a", idem.Key{}, catalog.Product{}); return err },
			"put":       func() error { _, err := st.Put(ctx, "a", id, nil, catalog.Product{}); return err },
			"batch":     func() error { _, _, err := st.Batch(ctx, "a", idem.Key{}, Write{}); return err },
			"move":      func() error { _, _, err := st.Move(ctx, "a", idem.Key{}, id, catalog.Archived); return err },
			"exception": func() error { _, err := st.NoteException(ctx, "a", idem.Key{}, Exception{}); return err },
		} {
			if err := call(); !errors.Is(err, away) {
				t.Errorf("%s: %v: an unknown outcome must not look like an answer", name, err)
			}
		}
	}
}
