package indextest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Products generates n documents, the same for the same n, of the size that a shop's products have: a title, a description of some
// fifty words, half of them in two languages, ten attributes, one to six variants of colours and sizes, prices in two currencies.
// Frequent words, brands and colours are more frequent than others, as they are in shops.
func Products(n int) []*search.Document {
	g := generator{rand.New(rand.NewPCG(5, 2026))}
	docs := make([]*search.Document, n)
	for i := range docs {
		docs[i] = g.product(i)
	}
	return docs
}

// Word is the i-th most frequent word of the texts that Products writes, in English.
func Word(i int) string { return syllables(i, "") }

type generator struct{ *rand.Rand }

// syllables names a number: words that differ and can be spoken.
func syllables(i int, end string) string {
	const consonants, vowels = "bdfgklmnprtvwz", "aiou"
	var b strings.Builder
	for i += 60; i > 0; i /= len(consonants) * len(vowels) {
		s := i % (len(consonants) * len(vowels))
		b.WriteByte(consonants[s%len(consonants)])
		b.WriteByte(vowels[s/len(consonants)])
	}
	return b.String() + end
}

// few picks one of n, low numbers far more often.
func (g generator) few(n int) int {
	return int(float64(n) * g.Float64() * g.Float64() * g.Float64())
}

func (g generator) words(n, of int, end string) string {
	words := make([]string, n)
	for i := range words {
		words[i] = syllables(g.few(of), end)
	}
	return strings.Join(words, " ")
}

var (
	generatedColours = []string{"black", "white", "grey", "blue", "red", "green", "yellow", "pink"}
	generatedSizes   = []string{"s", "m", "l", "xl"}
)

func (g generator) product(i int) *search.Document {
	brand := fmt.Sprintf("brand%d", g.few(60))
	top := g.few(8)
	middle := fmt.Sprintf("c%d-%d", top, g.few(5))
	d := &search.Document{
		ID: fmt.Sprintf("p%06d", i), Revision: int64(i + 1), Slug: fmt.Sprintf("product-%d", i), ImageURL: fmt.Sprintf("/media/%d.jpg", i),
		Brand: search.Term{Value: brand, Label: "Brand " + brand[5:]}, Popularity: int64(g.few(1000)), Rating: float64(g.IntN(41))/10 + 1,
		Published: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(300*24)) * time.Hour),
	}
	for _, code := range []string{fmt.Sprintf("c%d", top), middle, middle + fmt.Sprintf("-%d", g.few(4))} {
		d.Categories = append(d.Categories, search.Category{Term: search.Term{Value: code, Label: "Category " + code}, Slug: code})
	}
	d.Texts = map[string]search.Text{"en": g.text(brand, d.Categories, "")}
	if g.IntN(2) == 0 {
		d.Texts["de"] = g.text(brand, d.Categories, "e")
	}
	for a := range 7 {
		d.Attributes = append(d.Attributes, attribute(fmt.Sprintf("feature%d", a), "text", fmt.Sprintf("value%d", g.few(12)), nil))
	}
	weight := float64(100 * (1 + g.few(100)))
	d.Attributes = append(d.Attributes, attribute("weight", "integer", fmt.Sprintf("%.0f", weight), &weight),
		attribute("washable", "boolean", fmt.Sprint(g.IntN(3) > 0), nil))
	cents := int64(100 * (5 + g.few(800)))
	var skus []string
	for v := range 1 + g.few(6) {
		sku := fmt.Sprintf("sku%06d%c", i, 'a'+v)
		skus = append(skus, sku)
		variant := search.Variant{SKU: sku, Available: max(0, int64(g.IntN(20)-4)), Prices: map[search.Market]search.Price{
			USD: {Amount: cents + int64(100*g.IntN(3))}, EUR: {Amount: cents - 1, CompareAt: cents + 500},
		}}
		if i%10 == 0 {
			delete(variant.Prices, EUR)
		}
		if i%4 == 0 {
			variant.Prices[Germany] = search.Price{Amount: cents - 100}
		}
		variant.Attributes = []search.Attribute{
			attribute("colour", "text", generatedColours[g.few(len(generatedColours))], nil), attribute("size", "text", generatedSizes[v%4], nil)}
		d.Variants = append(d.Variants, variant)
	}
	d.Identifiers = strings.Join(skus, " ")
	return d
}

func (g generator) text(brand string, path []search.Category, end string) search.Text {
	names := make([]string, len(path))
	for i, c := range path {
		names[i] = strings.ReplaceAll(c.Value, "-", "x") + end
	}
	return search.Text{Name: "Product of " + brand, Title: brand + " " + g.words(5, 4000, end), Brand: brand, Category: strings.Join(names, " "),
		Attributes: g.words(6, 500, end), Description: g.words(50, 20_000, end)}
}

func attribute(code, typ, value string, number *float64) search.Attribute {
	return search.Attribute{Code: code, Label: strings.ToUpper(code[:1]) + code[1:], Type: typ, Number: number,
		Term: search.Term{Value: value, Label: strings.ToUpper(value)}}
}
