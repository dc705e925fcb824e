package app

import (
	"context"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// HomeRow is a row of the home page as a visit shows it.
type HomeRow struct {
	search.HomeRow
	Title string
	Items []Item
}

// Rows are those of the home page that have something to show, in their order. ErrUnavailable while there is no index to read. In a row by
// attributes that no product has any more there is nothing, and in one by words nothing but what has all of them, as they are written.
func (s *Shop) Rows(ctx context.Context, v Visit) (all []HomeRow, language string, err error) {
	_, steering, _, err := s.ready(ctx)
	if err != nil {
		return nil, "", err
	}
	who, now := v.context(s.Now())
	var looked looked
	language = s.Language
	for _, r := range search.Rows(steering.Rows, who, now) {
		l := r.Shows
		found, err := s.find(ctx, Listing{Visit: v, IDs: l.Products, Words: l.Words, AsTyped: true, AllWords: true, Category: l.Category, Brand: l.Brand, Min: l.Min, Max: l.Max, InStock: l.InStock,
			Attributes: l.Attributes, Sort: l.Sort, Limit: r.Limit}, &looked)
		if fault.KindOf(err) == fault.Invalid {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if len(found.Items) == 0 {
			continue
		}
		found.Items = found.Items[:min(len(found.Items), r.Limit)]
		row := HomeRow{HomeRow: r, Title: r.Titles.In(v.Language, r.Titles[s.Language]), Items: found.Items}
		if found.Language != s.Language || row.Title != r.Titles[s.Language] {
			language = v.Language
		}
		all = append(all, row)
	}
	return all, language, nil
}
