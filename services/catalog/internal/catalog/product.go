package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The bounds of a product.
const (
	MaxVariants    = 2000
	maxImages      = 100
	maxDescription = 20_000
	maxGrams       = 100_000_000
	maxMillimetres = 1_000_000
	maxPopularity  = 1 << 53
	standardTax    = "standard"
)

// Check returns a product in normal form, and notes all its faults with their places behind prefix ("body." or nothing).
// Shared attributes stand on the product; those that tell variants apart stand on the variants, where any other one may
// stand too and then goes before the product's. A required one must stand on the product or on every variant.
func (r *Registry) Check(p Product, prefix string, c *fault.Collector) Product {
	c.Check(p.ExternalID == "" || externalForm.MatchString(p.ExternalID), prefix+"external_id", "must be at most 100 printable ASCII characters", p.ExternalID)
	checkText(c, prefix+"title", p.Title, 1, 300)
	checkText(c, prefix+"description", p.Description, 0, maxDescription)
	checkTexts(c, p.Titles, r.Language, prefix+"translations", ".title", 0, 300)
	for language, text := range p.Descriptions {
		checkText(c, prefix+"translations."+cut(language)+".description", text, 0, maxDescription)
	}
	p.Titles, p.Descriptions = p.Titles.given(), p.Descriptions.given()
	c.Check(p.Slug == "" || ValidSlug(p.Slug), prefix+"slug", "must be lower-case words with hyphens", p.Slug)
	c.Check(!slices.Contains(reserved, p.Slug), prefix+"slug", "is a word of the shop's own addresses", p.Slug)
	c.Check(p.Status == "" || transitions[p.Status] != nil, prefix+"status", "must be draft, published or archived", p.Status)
	if p.TaxCategory == "" {
		p.TaxCategory = standardTax
	}
	c.Check(codeForm.MatchString(p.TaxCategory), prefix+"tax_category", "must be lower-case letters, digits, . _ or -", p.TaxCategory)
	c.Check(p.Popularity >= 0 && p.Popularity < maxPopularity, prefix+"popularity", "must not be negative", p.Popularity)
	if p.Brand != "" {
		_, ok := r.Brands[p.Brand]
		c.Check(ok, prefix+"brand_code", "is not a brand", p.Brand)
	}
	_, ok := r.Categories[p.Category]
	c.Check(ok, prefix+"category_code", "is not a category", p.Category)
	checkImages(p.Images, prefix+"images", c)
	c.Check(len(p.Variants) >= 1 && len(p.Variants) <= MaxVariants, prefix+"variants", fmt.Sprintf("must have 1 to %d entries", MaxVariants), len(p.Variants))
	if len(p.Variants) > MaxVariants {
		return p
	}
	if ok {
		p.Values = r.checkValues(p.Category, p.Values, false, prefix+"attributes", c)
	}
	p.Variants = slices.Clone(p.Variants)
	seen := make(map[string]bool, len(p.Variants))
	for i := range p.Variants {
		v, at := &p.Variants[i], fmt.Sprintf("%svariants[%d]", prefix, i)
		checkVariant(v, at, c)
		c.Check(!seen[v.SKU], at+".sku", "stands twice", v.SKU)
		seen[v.SKU] = true
		if ok {
			v.Values = r.checkValues(p.Category, v.Values, true, at+".attributes", c)
		}
	}
	p.Texts = r.checkSaid(&p, prefix+"translations", c)
	if ok {
		r.checkRequired(&p, prefix, c)
		r.checkApart(&p, prefix, c)
	}
	return p
}

// checkSaid returns the translations of a product's texts that are not empty. Each must be of a text that it has.
func (r *Registry) checkSaid(p *Product, place string, c *fault.Collector) (out map[string]Texts) {
	own, copied := map[string]bool{}, *p
	copied.said(r, func(text string) string {
		own[text] = true
		return text
	})
	for _, text := range slices.Sorted(maps.Keys(p.Texts)) {
		for _, language := range slices.Sorted(maps.Keys(p.Texts[text])) {
			at := place + "." + cut(language) + ".texts"
			c.Check(own[text], at, "must be by values of text attributes and alternative texts of pictures of the product", cut(text))
			checkText(c, at, p.Texts[text][language], 0, maxTextValue)
		}
		if given := p.Texts[text].given(); given != nil {
			if out == nil {
				out = map[string]Texts{}
			}
			out[text] = given
		}
	}
	return out
}

var measures = [...]string{"length_mm", "width_mm", "height_mm"}

func checkVariant(v *Variant, at string, c *fault.Collector) {
	c.Check(skuForm.MatchString(v.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", v.SKU)
	c.Check(v.Barcode == "" || len(v.Barcode) <= 32 && skuForm.MatchString(v.Barcode), at+".barcode", "must be at most 32 letters, digits, . _ or -", v.Barcode)
	c.Check(v.WeightGrams >= 0 && v.WeightGrams <= maxGrams, at+".weight_grams", fmt.Sprintf("must be from 0 to %d", maxGrams), v.WeightGrams)
	if s := v.Size; s != nil {
		for i, n := range []int64{s.Length, s.Width, s.Height} {
			c.Check(n >= 0 && n <= maxMillimetres, at+".dimensions."+measures[i], fmt.Sprintf("must be from 0 to %d", maxMillimetres), n)
		}
	}
	checkImages(v.Images, at+".images", c)
}

// imageForm takes an http(s) address without a user, or a path that names no host; either percent-encoded (RFC 3986).
var imageForm = regexp.MustCompile(`^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?|/([A-Za-z0-9._~:@!$&'()*+,;=%-][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?)$`)

func checkImages(images []Image, place string, c *fault.Collector) {
	c.Check(len(images) <= maxImages, place, fmt.Sprintf("must have at most %d entries", maxImages), len(images))
	for i, img := range images[:min(len(images), maxImages)] {
		at := fmt.Sprintf("%s[%d]", place, i)
		c.Check(imageForm.MatchString(img.URL) && !strings.Contains(img.URL, "/..") && len(img.URL) <= 2000, at+".url", "must be an http(s) address or a path that begins with /", img.URL)
		checkText(c, at+".alt", img.Alt, 0, 300)
	}
}

// checkValues returns the normal form of values in a category. A null value counts as not given.
func (r *Registry) checkValues(category string, values Values, onVariant bool, place string, c *fault.Collector) Values {
	if len(values) == 0 {
		return nil
	}
	rules := r.Rules(category)
	out := make(Values, len(values))
	for _, code := range slices.Sorted(maps.Keys(values)) {
		raw := values[code]
		at := place + "." + code
		if len(code) > 64 {
			at = place
		}
		i := slices.IndexFunc(rules, func(rule Rule) bool { return rule.Code == code })
		a, known := r.Attributes[code]
		switch {
		case !known:
			c.Add(at, "is not an attribute", nil)
			continue
		case i < 0:
			c.Add(at, "is not an attribute of category "+category, nil)
			continue
		case rules[i].VariantDefining && !onVariant:
			c.Add(at, "tells variants apart: it belongs on them", nil)
			continue
		case string(raw) == "null":
			continue
		}
		normal, message := a.Parse(raw)
		if out[code] = normal; message != "" {
			c.Add(at, message, short(raw))
			out[code] = raw // it is there, so nobody calls it missing
		}
	}
	if len(out) == 0 {
		return nil // as if none were given
	}
	return out
}

// short is a value as it may stand in an answer.
func short(raw json.RawMessage) any {
	var v any
	if len(raw) > 100 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	switch v.(type) {
	case string, float64, bool:
		return v
	}
	return nil
}

func (r *Registry) checkRequired(p *Product, prefix string, c *fault.Collector) {
	for _, rule := range r.Rules(p.Category) {
		if !rule.Required || p.Values[rule.Code] != nil {
			continue
		}
		missing := slices.IndexFunc(p.Variants, func(v Variant) bool { return v.Values[rule.Code] == nil })
		if !rule.VariantDefining && !slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Values[rule.Code] != nil }) {
			c.Add(prefix+"attributes."+rule.Code, "is required in category "+p.Category, nil)
			continue
		}
		for i := max(missing, 0); missing >= 0 && i < len(p.Variants); i++ {
			if p.Variants[i].Values[rule.Code] == nil {
				c.Add(fmt.Sprintf("%svariants[%d].attributes.%s", prefix, i, rule.Code), "is required in category "+p.Category, nil)
			}
		}
	}
}

// checkApart checks that shoppers can tell the variants of a product apart.
func (r *Registry) checkApart(p *Product, prefix string, c *fault.Collector) {
	seen := make(map[string]int, len(p.Variants))
	for i := range p.Variants {
		key := r.choices(p.Category, p.Variants[i].Values)
		if first, twice := seen[key]; twice {
			c.Add(fmt.Sprintf("%svariants[%d].attributes", prefix, i), fmt.Sprintf("has the options of variants[%d]", first), nil)
			continue
		}
		seen[key] = i
	}
}

// choices is the key of what a shopper chooses: the values that define a variant.
func (r *Registry) choices(category string, values Values) string {
	var b strings.Builder
	for _, rule := range r.Rules(category) {
		if rule.VariantDefining {
			b.Write(values[rule.Code])
			b.WriteByte('\n')
		}
	}
	return b.String()
}
