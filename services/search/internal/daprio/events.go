// Package daprio takes in what the neighbours tell, asks them for what was missed, and asks catalog for listings while the index is
// away. A handler decodes, and hands values on; the database decides whether an event is new.
package daprio

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Taker takes in news.
type Taker interface {
	Take(ctx context.Context, news ...app.News) error
}

// Subscribe registers the handlers.
func Subscribe(s *daprkit.Subscriptions, to Taker) {
	s.On(catalogapi.Topic, catalogapi.TypeProductChangedV1, taken(to, Product))
	s.On(pricingapi.Topic, pricingapi.TypePricesChangedV1, taken(to, always(prices)))
	s.On(inventoryapi.Topic, inventoryapi.TypeLevelChangedV1, taken(to, always(level)))
	s.On(orderapi.Topic, orderapi.TypePlacedV1, taken(to, always(sold)))
}

// taken hands on what an event says.
func taken[T any](to Taker, read func(T) (app.News, error)) daprkit.Handler {
	return func(ctx context.Context, ev daprkit.Event) error {
		var data T
		if err := ev.Decode(&data); err != nil {
			return err
		}
		n, err := read(data)
		if err != nil {
			return err
		}
		n.Subject, n.Sequence = ev.Subject, ev.Sequence
		return to.Take(ctx, n)
	}
}

func always[T any](read func(T) app.News) func(T) (app.News, error) {
	return func(data T) (app.News, error) { return read(data), nil }
}

// unreadable is an event that cannot be taken in, now or later.
func unreadable(what string, err error) error {
	return fault.Newf(fault.Malformed, "malformed", "%s cannot be read", what).WithCause(err)
}

// Product reads what is told of a product.
func Product(data catalogapi.ProductChangedV1) (app.News, error) {
	if err := uuid.Validate(data.ProductID); err != nil {
		return app.News{}, unreadable("a product without an id", err)
	}
	n := &app.ProductNews{Listed: data.Status == catalogapi.StatusPublished, Product: search.Product{
		ID: data.ProductID, Slug: data.Slug, Title: data.Title, Description: data.Description, ImageURL: data.ImageURL,
		Brand: search.Term{Value: data.BrandCode, Label: data.Brand}, Popularity: data.Popularity, Filterable: data.Filterable, Searchable: data.Searchable}}
	if data.PublishedAt != nil {
		n.Published = data.PublishedAt.UTC()
	}
	for _, c := range data.CategoryPath {
		n.Path = append(n.Path, search.Category{Term: search.Term{Value: c.Code, Label: c.Name}, Slug: c.Slug})
	}
	for language, t := range data.Translations {
		if n.Translations == nil {
			n.Translations = map[string]search.Translation{}
		}
		n.Translations[language] = search.Translation(t)
	}
	var err error
	if n.Values, err = values(n, data.Attributes); err != nil {
		return app.News{}, err
	}
	for _, v := range data.Variants {
		item := search.Item{SKU: v.SKU}
		if item.Values, err = values(n, v.Attributes); err != nil {
			return app.News{}, err
		}
		n.Variants = append(n.Variants, item)
	}
	return app.News{Event: app.Event{Digest: data.Digest()}, Product: n}, nil
}

// values reads values of a product and notes the kinds of those that can be filtered by.
func values(r *app.ProductNews, all []catalogapi.AttributeValue) (out []search.Value, err error) {
	for _, v := range all {
		one := search.Value{Code: v.Code, Label: v.Label, Type: v.Type, Unit: v.Unit, Hex: v.Hex}
		if one.Terms, err = terms(v); err != nil {
			return nil, unreadable(fmt.Sprintf("attribute %s of %s", v.Code, r.ID), err)
		}
		if slices.Contains(r.Filterable, v.Code) {
			k := search.Kind{Code: v.Code, Label: v.Label, Type: v.Type, Unit: v.Unit}
			if v.Hex != "" && len(one.Terms) == 1 {
				k.Hexes = map[string]string{v.Hex: one.Terms[0].Value}
			}
			r.Kinds = append(r.Kinds, k)
		}
		out = append(out, one)
	}
	return out, nil
}

// terms are the values of an attribute in text, with what people read.
func terms(v catalogapi.AttributeValue) ([]search.Term, error) {
	if v.Type != catalogapi.TypeMultiEnum {
		text := string(v.Value)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(v.Value, &text); err != nil {
				return nil, err
			}
		}
		return []search.Term{{Value: text, Label: v.Text}}, nil
	}
	var values []string
	if err := json.Unmarshal(v.Value, &values); err != nil {
		return nil, err
	}
	labels := strings.Split(v.Text, ", ")
	if len(labels) != len(values) { // a label has a comma
		labels = values
	}
	all := make([]search.Term, len(values))
	for i := range values {
		all[i] = search.Term{Value: values[i], Label: labels[i]}
	}
	return all, nil
}

// prices keeps the rows that anybody gets for one piece: those of a channel, a customer group or a larger quantity are pricing's matter
// alone.
func prices(data pricingapi.PricesChangedV1) app.News {
	n := &app.PriceNews{SKU: data.SKU}
	for _, r := range data.Prices {
		if r.MinQuantity > 1 || r.Channel != "" || r.CustomerGroup != "" {
			continue
		}
		row := search.Row{List: r.PriceListID, Currency: r.Amount.Currency, Amount: r.Amount.Minor, Countries: r.Countries, Priority: r.Priority,
			From: end(r.ValidFrom), To: end(r.ValidTo)}
		if r.CompareAtPrice != nil {
			row.CompareAt = r.CompareAtPrice.Minor
		}
		n.Rows = append(n.Rows, row)
	}
	return app.News{Prices: n}
}

func end(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func level(data inventoryapi.LevelChangedV1) app.News {
	return app.News{Level: &app.LevelNews{SKU: data.SKU, Available: data.Available}}
}

func sold(data orderapi.PlacedV1) (n app.News) {
	for _, l := range data.Lines {
		if uuid.Validate(l.ProductID) == nil && l.Quantity > 0 { // an order from before products had ids counts for none
			n.Sold = append(n.Sold, app.Sold{ProductID: l.ProductID, Day: data.PlacedAt, Pieces: l.Quantity})
		}
	}
	return n
}
