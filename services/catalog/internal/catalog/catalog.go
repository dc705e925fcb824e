// Package catalog is the core of catalog: what a product must be, by the typed attribute registry, and what becomes of it when
// staff or an import write it. It decides everything about products; it knows no database, no clock and no request.
//
//	Registry (attributes, category tree, brands)
//	     │
//	Check(product) ──► normal form, or all its faults with their places ──► Plan(known, items) ──► created │ updated │ unchanged │ refused
//	     │
//	Show ──► what shoppers read: labelled values, options, titles of variants
//
// A product is a draft, published or archived; transitions says what may follow what.
//
// What may go wrong is said by place, all at once; whoever sent it can mend it in one go.
package catalog

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The states of a product. Only a published one is shown and sold.
const (
	Draft     = "draft"
	Published = "published"
	Archived  = "archived"
)

// transitions are the states that a product may go to. To stay is always allowed.
var transitions = map[string][]string{
	Draft:     {Published, Archived},
	Published: {Archived},
	Archived:  {Published},
}

// ErrStatus says that a product cannot go to the state asked for: nothing becomes a draft again, because others know of it.
var ErrStatus = fault.New(fault.Conflict, "status-conflict", "The product cannot take this status.")

// Move reports whether a product may go from one state to another; ErrStatus if not.
func Move(from, to string) error {
	if from == to || slices.Contains(transitions[from], to) {
		return nil
	}
	return ErrStatus.WithMessage("A product that is %s cannot become %s.", from, to)
}

// Drawing draws what states may follow which, for the README.
func Drawing() string {
	var b strings.Builder
	for _, from := range []string{Draft, Published, Archived} {
		fmt.Fprintf(&b, "%s ─► %s\n", from, strings.Join(transitions[from], ", "))
	}
	return b.String()
}

// Values are attribute values by attribute code. In normal form each is canonical JSON: text, enum, date and decimal as a string,
// integer as a number, boolean as true or false, multi_enum as an array in the registry's order, colour as the code of the
// palette or, where there is none, as #rrggbb.
type Values map[string]json.RawMessage

// Product is the whole of a product. Its Go names are also the stored form: see package postgres.
type Product struct {
	ExternalID  string
	Title       string
	Slug        string // empty on the way in: kept, or made from the title
	Description string
	Brand       string // code, may be empty
	Category    string // code
	Status      string // empty on the way in: kept, or draft
	TaxCategory string
	Values      Values
	Images      []Image
	Popularity  int64
	Variants    []Variant

	// In other languages, title and description each where it has one.
	Titles, Descriptions Texts
	// The same of values of text attributes and of alternative texts of pictures, by what they are in the shop's own language.
	Texts map[string]Texts
}

// Variant is what can be bought.
type Variant struct {
	SKU         string
	Barcode     string
	WeightGrams int64
	Size        *Size
	Values      Values
	Images      []Image
}

// Size is outer measures in millimetres.
type Size struct{ Length, Width, Height int64 }

// Image is a picture by address: absolute http(s), or a path on this shop.
type Image struct{ URL, Alt string }

// Image returns the address of the first picture, or "".
func (p *Product) Image() string {
	if len(p.Images) > 0 {
		return p.Images[0].URL
	}
	for _, v := range p.Variants {
		if len(v.Images) > 0 {
			return v.Images[0].URL
		}
	}
	return ""
}

// ImageOf returns the address of a variant's picture: its own, else the product's.
func (p *Product) ImageOf(v *Variant) string {
	if len(v.Images) > 0 {
		return v.Images[0].URL
	}
	return p.Image()
}

var (
	codeForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	skuForm      = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	slugForm     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	uuidForm     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	externalForm = regexp.MustCompile(`^[!-~]([ -~]{0,98}[!-~])?$`)
)

// maxSlug is the longest slug, in bytes.
const maxSlug = 200

// reserved are the words of the public paths beside /v1/products/{id or slug}: a product of that slug could not be reached by it.
var reserved = []string{"compare", "suggest"}

// productSlug reports whether s can be the slug of a product.
func productSlug(s string) bool { return ValidSlug(s) && !slices.Contains(reserved, s) }

// ValidSlug reports whether s can be a slug: lower-case words with hyphens, that no id looks like.
func ValidSlug(s string) bool { return len(s) <= maxSlug && slugForm.MatchString(s) && !IsID(s) }

// IsID reports whether s has the form of a product id.
func IsID(s string) bool { return uuidForm.MatchString(s) }
