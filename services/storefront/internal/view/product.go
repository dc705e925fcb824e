package view

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// ProductModel is the page of a product with one of its variants chosen.
type ProductModel struct {
	Product  *catalogapi.Product
	Variants storefront.Variants
	At       int  // the place of the variant that is chosen
	Moved    bool // what was chosen does not exist: the nearest is shown
	Crumbs   []Crumb
	Similar  []catalogapi.ProductSummary
	Seen     []catalogapi.ProductSummary
	Ways     []checkoutapi.DeliveryWay // to the market's country, for what is on a shelf
}

// NewProductModel takes over what the choice between variants depends on.
func NewProductModel(in *catalogapi.Product) *ProductModel {
	m := &ProductModel{Product: in}
	for _, v := range in.Variants {
		m.Variants = append(m.Variants, storefront.Variant{SKU: v.SKU, Options: v.Options, Buyable: v.Price != nil && v.Availability.Status != inventoryapi.StatusOutOfStock})
	}
	return m
}

// Variant is the one that is chosen.
func (m *ProductModel) Variant() *catalogapi.Variant { return &m.Product.Variants[m.At] }

// Path is the address of the product with a variant.
func (m *ProductModel) Path(sku string) string {
	path := "/p/" + url.PathEscape(m.Product.Slug)
	if len(m.Product.Variants) > 1 {
		path += "?sku=" + url.QueryEscape(sku)
	}
	return path
}

func (m *ProductModel) buyable() bool { return m.Variants[m.At].Buyable }

// MaxPictures is how many pictures a page shows; the style sheet knows as many.
const MaxPictures = 10

// pictures are those of the product, that of the variant first.
func (m *ProductModel) pictures() (all []catalogapi.Image) {
	own := m.Variant().ImageURL
	for _, i := range m.Product.Images {
		if i.URL == own {
			all = slices.Insert(all, 0, i)
		} else {
			all = append(all, i)
		}
	}
	if own != "" && (len(all) == 0 || all[0].URL != own) {
		all = slices.Insert(all, 0, catalogapi.Image{URL: own, Alt: m.Variant().Title})
	}
	return all[:min(len(all), MaxPictures)]
}

// OptionParam names the field of an option, by its code.
const OptionParam = "o."

// option is a choice that there is.
type option struct {
	Label, Name string
	Chosen      string
	Values      []optionValue
	Swatches    bool // values are colours
}

type optionValue struct {
	ID, Text, Hex string
	State         storefront.ChoiceState
	Checked       bool
}

// options are those between which there is a choice.
func (m *ProductModel) options() (all []option) {
	for i, o := range m.Product.Options {
		if len(o.Values) < 2 {
			continue
		}
		out := option{Label: o.Label, Name: OptionParam + o.Code, Chosen: m.Variant().Options[o.Code]}
		for j, text := range o.Values {
			v := optionValue{ID: "o" + strconv.Itoa(i) + "-" + strconv.Itoa(j), Text: text, Hex: m.hex(o.Code, text), Checked: text == out.Chosen}
			if !v.Checked { // of what is chosen the availability is told by itself
				v.State = m.Variants.Choice(m.At, o.Code, text)
			}
			out.Swatches = out.Swatches || v.Hex != ""
			out.Values = append(out.Values, v)
		}
		all = append(all, out)
	}
	return all
}

// hex is the colour of an option's value, "" where it is none.
func (m *ProductModel) hex(code, text string) string {
	for _, v := range m.Product.Variants {
		for _, a := range v.Attributes {
			if a.Code == code && a.Text == text {
				return a.Hex
			}
		}
	}
	return ""
}

// Availability says in words what can be had, and how good that is: "good", "few", "later" or "out".
func Availability(p *Page, a catalogapi.Availability) (words, kind string) {
	t, day := p.T.Product, ""
	if a.ShipsAt != nil {
		day = p.T.FullDate(*a.ShipsAt)
	}
	switch a.Status {
	case inventoryapi.StatusOutOfStock:
		return t.SoldOut, "out"
	case inventoryapi.StatusLowStock:
		return t.LowStock(int(a.Available)), "few"
	case inventoryapi.StatusBackorder:
		return t.Backorder(day), "later"
	case inventoryapi.StatusPreorder:
		return t.PreorderAt(day), "later"
	}
	return t.InStock, "good"
}

// maxQuantity is the most that the page lets choose at once; the cart takes more.
const maxQuantity = 99

func (m *ProductModel) most() string {
	return strconv.FormatInt(min(m.Variant().Availability.Available, maxQuantity), 10)
}

// ready reports whether the variant is on a shelf.
func (m *ProductModel) ready() bool {
	s := m.Variant().Availability.Status
	return s == inventoryapi.StatusInStock || s == inventoryapi.StatusLowStock
}

// way is how long the variant takes in words: "Standard: 2–5 working days", "March 10 – March 13".
func way(p *Page, w checkoutapi.DeliveryWay) (days, dates string) {
	days = p.T.Checkout.Service(w.ID, w.Label) + ": " + p.T.Product.Days(w.Days.From, w.Days.To)
	from, err1 := time.Parse(time.DateOnly, w.ETA.From)
	to, err2 := time.Parse(time.DateOnly, w.ETA.To)
	switch {
	case err1 != nil || err2 != nil:
		return days, ""
	case from.Equal(to):
		return days, p.T.Date(from)
	}
	return days, p.T.Date(from) + " – " + p.T.Date(to)
}

// saved is by how much the variant is cheaper than before, nil where it is not.
func (m *ProductModel) saved() *money.Amount {
	v := m.Variant()
	if v.Price == nil || v.CompareAtPrice == nil {
		return nil
	}
	less, err := v.CompareAtPrice.Sub(*v.Price)
	if err != nil || !less.IsPositive() {
		return nil
	}
	return &less
}

// unitPrice is what a measure costs: "€49.80 per 1 kg". "" where the product does not say how much is in it.
func (m *ProductModel) unitPrice(p *Page) string {
	attributes := slices.Concat(m.Variant().Attributes, m.Product.Attributes)
	per, content, ok := int64(1000), storefront.Content{}, false
	for _, a := range attributes {
		var value string
		if json.Unmarshal(a.Value, &value) != nil {
			continue
		}
		switch a.Code {
		case storefront.NetWeight, storefront.NetVolume:
			if !ok {
				content, ok = storefront.ParseContent(value, a.Unit)
			}
		case storefront.UnitPriceBasis:
			if strings.HasPrefix(value, "per_100") {
				per = 100
			}
		}
	}
	if !ok || m.Variant().Price == nil {
		return ""
	}
	price, err := content.Price(*m.Variant().Price, per)
	if err != nil {
		return ""
	}
	measure := strconv.FormatInt(per, 10) + " " + content.Measure
	if per == 1000 {
		measure = map[string]string{storefront.Gram: "1 kg", storefront.Millilitre: "1 l"}[content.Measure]
	}
	return p.T.Product.UnitPrice(p.Money(price), measure)
}

// detail is a row of the table of details.
type detail struct{ Label, Text, Hex string }

// details are what is known of the variant that is chosen.
func (m *ProductModel) details(p *Page) (all []detail) {
	t, v := p.T.Product, m.Variant()
	if m.Product.Brand != "" {
		all = append(all, detail{Label: t.Brand, Text: m.Product.Brand})
	}
	for _, a := range slices.Concat(m.Product.Attributes, v.Attributes) {
		if a.Code != storefront.UnitPriceBasis {
			all = append(all, detail{a.Label, shown(p, a.Type, a.Text), a.Hex})
		}
	}
	if d := v.Dimensions; d != nil && d.LengthMM > 0 && d.WidthMM > 0 && d.HeightMM > 0 {
		all = append(all, detail{Label: t.Size, Text: p.T.Milli(d.LengthMM*100) + " × " + p.T.Milli(d.WidthMM*100) + " × " + p.T.Milli(d.HeightMM*100) + " cm"})
	}
	if v.WeightGrams > 0 {
		all = append(all, detail{Label: t.Weight, Text: p.T.Milli(v.WeightGrams) + " kg"})
	}
	return append(all, detail{Label: t.SKU, Text: v.SKU})
}

// shown is the text of an attribute's value; a date is written as the language does.
func shown(p *Page, kind, text string) string {
	if day, err := time.Parse(time.DateOnly, text); err == nil && kind == catalogapi.TypeDate {
		return p.T.FullDate(day)
	}
	return text
}

// paragraphs are those of a plain text.
func paragraphs(s string) (all []string) {
	for _, part := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// summaryLength is how much of a description stands for a page elsewhere, in characters.
const summaryLength = 160

// Summary is the beginning of the description.
func (m *ProductModel) Summary() string {
	words := strings.Fields(m.Product.Description)
	out := ""
	for _, w := range words {
		if len([]rune(out))+len([]rune(w)) >= summaryLength {
			return out + " …"
		}
		out = strings.TrimSpace(out + " " + w)
	}
	return out
}

// maxOffers is how many variants stand in structured data one by one.
const maxOffers = 60

// states are those of schema.org.
var states = map[string]string{
	inventoryapi.StatusInStock: "InStock", inventoryapi.StatusLowStock: "LimitedAvailability", inventoryapi.StatusBackorder: "BackOrder",
	inventoryapi.StatusPreorder: "PreOrder", inventoryapi.StatusOutOfStock: "OutOfStock",
}

// Data is the product as schema.org tells it.
func (m *ProductModel) Data(p *Page) any {
	var offers []any
	var images []string
	for _, i := range m.pictures() {
		images = append(images, p.Absolute(i.URL))
	}
	for _, v := range m.Product.Variants {
		if v.Price == nil || len(offers) == maxOffers {
			continue
		}
		offers = append(offers, map[string]any{"@type": "Offer", "sku": v.SKU, "name": v.Title, "price": v.Price.Plain(), "priceCurrency": string(v.Price.Currency),
			"availability": "https://schema.org/" + states[v.Availability.Status], "itemCondition": "https://schema.org/NewCondition", "url": p.Base + p.URL(m.Path(v.SKU))})
	}
	out := map[string]any{"@context": "https://schema.org", "@type": "Product", "productID": m.Product.ID, "sku": m.Variant().SKU, "name": m.Product.Title,
		"url": p.Canonical(), "offers": offers}
	if m.Product.Description != "" {
		out["description"] = m.Product.Description
	}
	if len(images) > 0 {
		out["image"] = images
	}
	if m.Product.Brand != "" {
		out["brand"] = map[string]any{"@type": "Brand", "name": m.Product.Brand}
	}
	return out
}
