package seedshop

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"
)

// variants makes one variant for every combination of option values, the last option changing
// fastest, as a shopper reads a table of sizes.
func (b *builder) variants(p *Product, l *leafRow, row productRow, base string) {
	total := 1
	for _, o := range p.Options {
		total *= len(o.Values)
	}
	for n := range total {
		v := Variant{SKU: base, Tax: l.Tax}
		rest, stride := n, total
		for _, o := range p.Options {
			stride /= len(o.Values)
			c := o.Values[rest/stride]
			rest %= stride
			v.SKU += "-" + strings.ToUpper(cmp.Or(strings.TrimPrefix(c.Code, "eu"), c.Code)) // eu41 → 41, but eu → EU
			v.Options = append(v.Options, b.value(row.Name, o.Attribute, words{c.Code}))
			if o.Attribute == "colour" {
				v.Image = c.Code
			}
			v.Attributes = append(v.Attributes, b.follows(l, row, o.Attribute, c.Code)...)
		}
		if v.Image == "" {
			v.Image = "main"
		}
		b.measure(&v, p, l, row)
		v.Barcode = barcode(v.SKU)
		v.Stock = b.stock(v, l)
		p.Variants = append(p.Variants, v)
	}
}

// follows are the attributes that come with an option's value, such as the voltage with the plug.
func (b *builder) follows(l *leafRow, row productRow, option, code string) []Value {
	var out []Value
	for _, e := range merged(l.Derive[option][code], nil, b.shop.Attributes) {
		out = append(out, b.value(row.Name, e.code, e.value))
	}
	return out
}

// measure sets price, weight and size, each scaled by the option values.
func (b *builder) measure(v *Variant, p *Product, l *leafRow, row productRow) {
	price, weight := int64(100), int64(100)
	scale := l.Scale
	if row.Scale != nil {
		scale = row.Scale
	}
	for _, o := range v.Options {
		if s, ok := scale[o.Attribute][o.Text]; ok {
			price, weight = price*s[0]/100, weight*s[1]/100
		}
	}
	grams, box := l.Weight, l.Box
	if row.Weight > 0 {
		grams = row.Weight
	}
	if row.Box != [3]int64{} {
		box = row.Box
	}
	if box == [3]int64{} {
		box = b.standing(p)
	}
	edge := edgePercent(weight)
	v.WeightGrams = grams * weight / 100
	v.Size = Size{Length: box[0] * edge / 100, Width: box[1] * edge / 100, Height: box[2] * edge / 100}
	var err error
	if v.Prices, err = prices(row, price, l.Tiers); err != nil {
		b.fault(row.Name, "%w", err)
	}
}

// standing takes the packed size of furniture from its measurements in centimetres.
func (b *builder) standing(p *Product) [3]int64 {
	var box [3]int64
	for i, code := range []string{"width", "depth", "height"} {
		for _, v := range p.Attributes {
			if v.Attribute != code {
				continue
			}
			cm, err := strconv.ParseInt(v.Text, 10, 64)
			if err != nil {
				b.fault(p.Title, "%s in whole centimetres: %w", code, err)
			}
			box[i] = cm*10 + 40
		}
	}
	return box
}

// edgePercent is by how much the edges of a body grow when its weight grows to percent: the cube root.
func edgePercent(percent int64) int64 {
	edge := int64(100)
	for edge*edge*edge < percent*10_000 {
		edge++
	}
	return edge
}

// barcode is an EAN-13 of the range 200–299, which GS1 leaves to a shop's own use, from the SKU.
func barcode(sku string) string {
	digits := "2" + pad(spread(sku)%100_000_000_000, 11)
	sum := 0
	for i, d := range digits {
		weight := 1
		if i%2 == 1 {
			weight = 3
		}
		sum += weight * int(d-'0')
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}

func pad(n uint64, width int) string {
	s := strconv.FormatUint(n, 10)
	return strings.Repeat("0", width-len(s)) + s
}

// spread is a number that looks random and depends on the parts alone.
func spread(parts ...string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(parts, "\x00")))
	n := h.Sum64()
	n ^= n >> 33
	n *= 0xff51afd7ed558ccd
	return n ^ n>>33
}

// stock spreads the leaf's usual quantity over the locations: some hold few or none, and a few SKUs
// are sold out everywhere. Goods with a plug lie only where it fits.
func (b *builder) stock(v Variant, l *leafRow) []Stock {
	var out []Stock
	soldOut := spread(v.SKU, "sold out")%61 == 0
	for _, loc := range b.shop.Locations {
		if zone := plugZone(v); zone != "" && zone != loc.Zone {
			continue
		}
		draw := spread(v.SKU, loc.Code)
		quantity := l.Stock/2 + int64(draw%uint64(l.Stock+1))
		switch {
		case soldOut || draw>>32%23 == 0:
			quantity = 0
		case draw>>32%17 == 1:
			quantity = 1 + int64(draw%3)
		}
		out = append(out, Stock{Location: loc.Code, Quantity: quantity})
	}
	return out
}

// plugZone is where a plug fits; Japan is served from the west of the US.
func plugZone(v Variant) string {
	for _, o := range v.Options {
		if o.Attribute != "plug" {
			continue
		}
		if o.Text == "us" || o.Text == "jp" {
			return "us"
		}
		return "eu"
	}
	return ""
}
