package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// batch is how many products go in one call.
const batch = 100

func (r *runner) basics() (calls []call) {
	for _, a := range r.shop.Attributes {
		in := catalogapi.AttributeInput{Label: a.Label, Labels: german(a.German), Type: string(a.Kind), Unit: a.Unit}
		for _, v := range a.Values {
			in.Values = append(in.Values, catalogapi.EnumValue{Value: v.Code, Label: v.Label, Labels: german(v.German), Hex: v.Hex})
		}
		calls = append(calls, r.put("/v1/admin/attributes/"+url.PathEscape(a.Code), in))
	}
	for _, b := range r.shop.Brands {
		calls = append(calls, r.put("/v1/admin/brands/"+url.PathEscape(b.Code), catalogapi.BrandInput{Name: b.Name}))
	}
	for i, l := range r.shop.Locations {
		calls = append(calls, r.put("/v1/admin/locations/"+url.PathEscape(l.Code), inventoryapi.LocationInput{
			Name: l.Name, Country: l.Address.Country, Region: l.Address.Region, Postal: l.Address.PostalCode, Priority: i + 1, Enabled: true}))
	}
	return calls
}

// categories are written level by level, parents first.
func (r *runner) categories() (levels []step) {
	depth := map[string]int{}
	for i, c := range r.shop.Categories {
		d := 0
		if c.Parent != "" {
			d = depth[c.Parent] + 1
		}
		depth[c.Code] = d
		if d == len(levels) {
			levels = append(levels, step{label: "categories"})
		}
		in := catalogapi.CategoryInput{Name: c.Name, Names: german(c.German), Slug: strings.ReplaceAll(c.Code, "_", "-"), ParentCode: c.Parent, Position: i + 1}
		for _, rule := range c.Rules {
			in.Attributes = append(in.Attributes, catalogapi.CategoryAttribute{Code: rule.Attribute, Required: rule.Required,
				VariantDefining: rule.Variant, Filterable: rule.Filterable, Searchable: rule.Searchable, Comparable: rule.Compared})
		}
		levels[d].calls = append(levels[d].calls, r.put("/v1/admin/categories/"+url.PathEscape(c.Code), in))
	}
	return levels
}

func (r *runner) products() (calls []call) {
	for from := 0; from < len(r.shop.Products); from += batch {
		part := r.shop.Products[from:min(from+batch, len(r.shop.Products))]
		calls = append(calls, func(ctx context.Context) error { return r.writeProducts(ctx, from, part) })
	}
	return calls
}

func (r *runner) writeProducts(ctx context.Context, from int, products []seedshop.Product) error {
	in := catalogapi.BatchInput{Items: make([]catalogapi.BatchItem, len(products))}
	for i := range products {
		raw, err := json.Marshal(product(&products[i]))
		if err != nil {
			return fmt.Errorf("product %s: %w", products[i].Slug, err)
		}
		in.Items[i] = catalogapi.BatchItem{Row: int64(from + i), Product: raw}
	}
	var out catalogapi.BatchResult
	if err := r.Staff.Post(ctx, "/v1/admin/products/batch", shopclient.Key(), in, &out); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, item := range out.Items {
		r.ids[products[i].Slug] = item.ProductID
		if item.Outcome == catalogapi.BatchRefused {
			return fmt.Errorf("product %s is refused: %+v", products[i].Slug, item.Errors)
		}
	}
	return nil
}

// synonyms are what shoppers call things.
func (r *runner) synonyms() (calls []call) {
	for _, s := range r.shop.Synonyms {
		calls = append(calls, r.put("/v1/admin/search/synonyms/"+url.PathEscape(s.ID), synonym(s)))
	}
	return calls
}

func synonym(s seedshop.Synonym) searchapi.SynonymInput {
	return searchapi.SynonymInput{Language: s.Language, Words: s.Words, To: s.To}
}

// product is what the catalogue takes for a product of the sample shop.
func product(p *seedshop.Product) catalogapi.ProductInput {
	in := catalogapi.ProductInput{
		ExternalID: "seed:" + p.Slug, Title: p.Title, Slug: p.Slug, Description: p.Description, BrandCode: p.Brand,
		CategoryCode: p.Category, Status: string(p.Status), Attributes: values(p.Attributes), Popularity: popularity(p.Slug),
	}
	texts := maps.Clone(p.GermanTexts)
	if texts == nil {
		texts = map[string]string{}
	}
	in.Translations = map[string]catalogapi.Translation{"de": {Title: p.GermanTitle, Description: p.GermanDescription, Texts: texts}}
	alt := map[string]string{}
	for _, i := range p.Images {
		alt[i.Key], texts[i.Alt] = i.Alt, i.German
		in.Images = append(in.Images, catalogapi.Image{URL: pictureURL(p.Slug, i.Key), Alt: i.Alt})
	}
	for _, v := range p.Variants {
		in.TaxCategory = v.Tax // the same for all: it is the category's
		in.Variants = append(in.Variants, catalogapi.VariantInput{
			SKU: v.SKU, Barcode: v.Barcode, WeightGrams: v.WeightGrams,
			Dimensions: &catalogapi.Dimensions{LengthMM: v.Size.Length, WidthMM: v.Size.Width, HeightMM: v.Size.Height},
			Attributes: values(slices.Concat(v.Options, v.Attributes)),
			Images:     []catalogapi.Image{{URL: pictureURL(p.Slug, v.Image), Alt: alt[v.Image]}},
		})
	}
	return in
}

// rows are those of the home page. Where products are named they are those that are written.
func (r *runner) rows() (calls []call) {
	for i, row := range r.shop.Rows {
		calls = append(calls, func(ctx context.Context) error {
			in := searchapi.HomeRowInput{Titles: row.Titles, Position: 10 * (i + 1), Limit: rowLimit,
				Shows: searchapi.Shows{Category: row.Category, Sort: row.Sort, InStock: len(row.Products) == 0}}
			for _, slug := range row.Products {
				if id := r.ids[slug]; id != "" {
					in.Shows.IDs = append(in.Shows.IDs, id)
				}
			}
			if len(row.Products) > 0 && len(in.Shows.IDs) == 0 {
				return nil
			}
			return r.Staff.Put(ctx, "/v1/admin/search/rows/"+url.PathEscape(row.ID), in, nil)
		})
	}
	return calls
}

// rowLimit is how many products a row of the home page shows.
const rowLimit = 12

func german(text string) map[string]string {
	if text == "" {
		return nil
	}
	return map[string]string{"de": text}
}

func values(all []seedshop.Value) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(all))
	for _, v := range all {
		var plain any
		switch v.Kind {
		case seedshop.Integer:
			plain = v.Integer
		case seedshop.Boolean:
			plain = v.Boolean
		case seedshop.MultiEnum:
			plain = v.Codes
		default:
			plain = v.Text
		}
		raw, err := json.Marshal(plain)
		if err != nil {
			panic("seed: a string, a number and a list of strings have a JSON form: " + err.Error())
		}
		out[v.Attribute] = raw
	}
	return out
}

// popularity gives the sample products an order that looks like one: few are much sought after.
func popularity(slug string) int64 {
	h := fnv.New64a()
	h.Write([]byte(slug))
	n := int64(h.Sum64() >> 1 % 1000)
	return n * n / 1000
}

// stock books the opening stock of each product in, once: the reference is the product's, and what a later version of the
// catalogue would have delivered instead does not count.
func (r *runner) stock() (calls []call) {
	for _, p := range r.shop.Products {
		in := inventoryapi.StockInput{Reference: "seed-" + p.Slug, Reason: "opening stock"}
		for _, v := range p.Variants {
			for _, s := range v.Stock {
				if s.Quantity > 0 {
					in.Lines = append(in.Lines, inventoryapi.StockLine{SKU: v.SKU, LocationID: s.Location, Quantity: s.Quantity})
				}
			}
		}
		if len(in.Lines) == 0 {
			continue
		}
		calls = append(calls, func(ctx context.Context) error {
			err := r.Staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), in, nil)
			if shopclient.Refused(err, "reference-used") {
				return nil
			}
			return err
		})
	}
	return calls
}
