package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// item is a row as the shop takes it.
type item struct {
	row     Row
	sku     string
	product catalogapi.ProductInput
	prices  map[string]pricingapi.PriceInput // by list
	faults  []catalogapi.BatchError
	wire    catalogapi.BatchItem // of it what is sent
	created bool                 // by this run
}

func (it *item) fault(location, format string, args ...any) {
	it.faults = append(it.faults, catalogapi.BatchError{Location: location, Message: fmt.Sprintf(format, args...)})
}

// reader turns rows into items. It remembers which identities it has seen, so a reader is for one pass over one file.
type reader struct {
	m     Mapping
	names *names
	seen  map[[16]byte][]int64 // identity → rows
}

func newReader(m Mapping, n *names) *reader {
	return &reader{m: m, names: n, seen: map[[16]byte][]int64{}}
}

// at finds a field by its path; nil when there is none.
func at(row map[string]any, path string) any {
	if v, ok := row[path]; ok {
		return v
	}
	var v any = row
	for part := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// plain is a value as text. A list or an object has none.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// read maps a row. What is wrong with it is in the item's faults, all at once.
func (r *reader) read(row Row) *item {
	it := &item{row: row, prices: map[string]pricingapi.PriceInput{}}
	if row.Fault != "" {
		it.fault("row", "%s", row.Fault)
		return it
	}
	m, f := r.m, row.Fields
	p := &it.product
	*p = catalogapi.ProductInput{Title: m.Title.text(f), Description: m.Description.text(f), TaxCategory: m.TaxCategory.text(f), Status: m.Status.text(f)}
	if p.Title == "" {
		it.fault("title", "is missing")
	}
	switch name := m.Brand.text(f); {
	case len(name) > maxName:
		it.fault("brand", "is longer than %d bytes", maxName)
	case name != "":
		p.BrandCode = r.names.brand(name)
	}
	if path := r.path(it); len(path) > 0 {
		p.CategoryCode = r.names.category(path)
	}
	p.Popularity = it.whole("popularity", m.Popularity, 0)
	if url := m.Image.text(f); url != "" {
		p.Images = []catalogapi.Image{{URL: url, Alt: m.ImageAlt.text(f)}}
	}
	p.Attributes = it.attributes(m)
	r.identify(it)
	p.Variants = []catalogapi.VariantInput{{SKU: it.sku, Barcode: m.Barcode.text(f), WeightGrams: it.whole("weight_grams", m.WeightGrams, 0)}}
	for _, rule := range m.Prices {
		it.price(rule)
	}
	return it
}

// What the catalogue takes of brands and categories. They are made before the products, so that the row is at fault, not the
// import.
const (
	maxName  = 200 // bytes
	maxDepth = 10  // of the category tree
)

// path is the category path of a row, below that of the mapping.
func (r *reader) path(it *item) []string {
	from := r.m.Categories.From
	path := append([]string{}, r.m.Categories.Under...)
	var own []string
	switch v := at(it.row.Fields, from.Field).(type) {
	case []any:
		for _, part := range v {
			own = append(own, strings.TrimSpace(plain(part)))
		}
	default:
		text := from.text(it.row.Fields)
		if text == "" {
			break
		}
		if r.m.Categories.Separator == "" {
			own = []string{text}
			break
		}
		for part := range strings.SplitSeq(text, r.m.Categories.Separator) {
			own = append(own, strings.TrimSpace(part))
		}
	}
	for i, name := range own {
		if name == "" || len(name) > maxName {
			it.fault("categories", "entry %d is no name of 1 to %d bytes", i+1, maxName)
		}
	}
	if len(own) == 0 && from.set() {
		it.fault("categories", "are missing")
	}
	if len(path)+len(own) > maxDepth {
		it.fault("categories", "are more than %d below each other", maxDepth)
	}
	if len(it.faults) > 0 {
		return nil
	}
	return append(path, own...)
}

func (it *item) whole(location string, v Value, otherwise int64) int64 {
	s := v.text(it.row.Fields)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		it.fault(location, "%q is no whole number from 0", clip(s))
		return otherwise
	}
	return n
}

func (it *item) attributes(m Mapping) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for code, v := range m.Attributes {
		text := v.text(it.row.Fields)
		var value any = text
		switch v.As {
		case "number":
			value = json.Number(text)
		case "boolean":
			b, err := strconv.ParseBool(strings.ToLower(text))
			if err != nil && text != "" {
				it.fault("attributes."+code, "%q is neither true nor false", clip(text))
			}
			value = b
		case "list":
			var list []string
			if all, ok := at(it.row.Fields, v.Field).([]any); ok {
				for _, one := range all {
					list = append(list, plain(one))
				}
				text = strings.Join(list, "")
			} else {
				for part := range strings.SplitSeq(text, v.Separator) {
					list = append(list, strings.TrimSpace(part))
				}
			}
			value = list
		}
		if text == "" {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			it.fault("attributes."+code, "%q is no %s", clip(text), v.As)
			continue
		}
		out[code] = raw
	}
	return out
}

// price reads an amount exactly: nothing is rounded, and what is no price above zero is a fault.
func (it *item) price(rule PriceRule) {
	text := rule.Amount.text(it.row.Fields)
	location := "prices." + rule.List
	if text == "" {
		if !rule.Optional {
			it.fault(location, "is missing")
		}
		return
	}
	amount, err := money.Parse(text, rule.Currency)
	switch {
	case err != nil:
		it.fault(location, "%q is no amount in %s", clip(text), rule.Currency)
	case !amount.IsPositive():
		it.fault(location, "%s is not above zero", amount)
	default:
		it.prices[rule.List] = pricingapi.PriceInput{SKU: it.sku, Amount: amount, MinQuantity: 1}
	}
}

var skuForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives the row its SKU and its external id: those of the source, else made from what the row is. The same row gets
// the same ones each time, wherever it stands in the file.
func (r *reader) identify(it *item) {
	f := it.row.Fields
	own := r.m.SKU.text(f)
	var parts []string
	for _, field := range r.m.Identity {
		parts = append(parts, fmt.Sprint(at(f, field)))
	}
	if len(parts) == 0 {
		if parts = []string{own}; own == "" {
			it.fault("sku", "is missing")
			return
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	identity := [16]byte(sum[:16])
	r.seen[identity] = append(r.seen[identity], it.row.Number)
	rows := r.seen[identity]
	suffix := ""
	if n := len(rows); n > 1 {
		if r.m.Duplicates == Refuse {
			it.fault("row", "is row %d again", rows[0])
			return
		}
		suffix = "-" + strconv.Itoa(n)
	}
	hash := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:8])
	it.product.ExternalID = r.m.Source + ":" + hash + suffix
	if r.m.SKU.set() {
		if it.sku = own; !skuForm.MatchString(own) {
			it.fault("sku", "%q is not 1 to 64 letters, digits, . _ or -", clip(own))
		}
		return
	}
	it.sku = strings.Trim(r.m.SKUPrefix+"-"+short(r.m.Brand.text(f))+"-"+hash+suffix, "-")
}

// short is the beginning of a name for a SKU that people read.
func short(name string) string {
	s := strings.ToUpper(strings.ReplaceAll(slug(name), "-", ""))
	return s[:min(len(s), 8)]
}

// clip is a value as it may stand in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// encode makes what is sent of a row. The size of a batch is counted by it: half a megabyte of HTML is three on its way.
func (it *item) encode() (err error) {
	it.wire = catalogapi.BatchItem{Row: it.row.Number}
	if it.wire.Source, err = original(it.row); err != nil {
		return fmt.Errorf("row %d: %w", it.row.Number, err)
	}
	if len(it.faults) > 0 {
		return nil
	}
	if it.wire.Product, err = json.Marshal(it.product); err != nil {
		return fmt.Errorf("row %d: %w", it.row.Number, err)
	}
	if len(it.wire.Product) > batchBytes {
		it.fault("row", "makes a product of %d bytes: more than the catalogue takes", len(it.wire.Product))
		it.wire.Product = nil
	}
	return nil
}

// original is the row as it was: JSON stays JSON, all else is kept as text. What no text of the shop can hold becomes U+FFFD.
func original(row Row) (json.RawMessage, error) {
	if row.Fields != nil && json.Valid(row.Raw) && len(row.Raw) <= 64<<10 {
		return json.Marshal(json.RawMessage(row.Raw))
	}
	text := bytes.ToValidUTF8(row.Raw[:min(len(row.Raw), keep)], []byte("\uFFFD"))
	return json.Marshal(string(bytes.ReplaceAll(text, []byte{0}, []byte("\uFFFD"))))
}
