package relevance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/internal/daprio"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Own is the language of the shops that are measured.
const Own = "en"

// Market is where everything has a price.
var Market = search.Market{Currency: "USD"}

// Product is a product with what judgements are made by.
type Product struct {
	ID    string
	Title string
	Facts map[string][]string // by name; title and text as plain words
	told  catalogapi.ProductChangedV1
}

func newProduct(told catalogapi.ProductChangedV1) *Product {
	p := &Product{ID: told.ProductID, Title: told.Title, told: told, Facts: map[string][]string{
		"title": {plainWords(told.Title)}, "text": {plainWords(told.Title + " " + told.Description)}, "brand": {told.BrandCode}}}
	for _, c := range told.CategoryPath {
		p.Facts["category"] = append(p.Facts["category"], c.Code)
	}
	p.note(told.Attributes)
	for _, v := range told.Variants {
		p.note(v.Attributes)
	}
	return p
}

func (p *Product) note(values []catalogapi.AttributeValue) {
	for _, v := range values {
		var many []string
		if json.Unmarshal(v.Value, &many) != nil {
			many = []string{strings.Trim(string(v.Value), `"`)}
		}
		for _, value := range many {
			if !slices.Contains(p.Facts[v.Code], value) {
				p.Facts[v.Code] = append(p.Facts[v.Code], value)
			}
		}
	}
}

// plainWords is a text in small letters with single spaces for all that is no letter or digit; marks of trade are read over.
func plainWords(text string) string {
	text = strings.NewReplacer("™", "", "®", "").Replace(strings.ToLower(text))
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), " ")
}

// Document is what search makes of a product: with a price, so that it is listed.
func (p *Product) Document() (*search.Document, error) {
	news, err := daprio.Product(p.told)
	if err != nil {
		return nil, err
	}
	source := search.Source{Product: news.Product.Product, Revision: 1, Offers: map[string]search.Offer{}}
	for _, v := range source.Variants {
		source.Offers[v.SKU] = search.Offer{Rows: []search.Row{{Currency: Market.Currency, Amount: 1000}}, Available: 1}
	}
	return search.NewDocument(&source, Own, time.Now()), nil
}

// ReadTold reads what a catalogue tells, a catalogapi.ProductChangedV1 a line.
func ReadTold(r io.Reader) (all []*Product, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var told catalogapi.ProductChangedV1
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			return nil, fmt.Errorf("product %d: %w", len(all), err)
		}
		all = append(all, newProduct(told))
	}
	return all, lines.Err()
}

// ReadElectronics reads the public sample of an electronics shop (typesense/showcase-ecommerce-store): a list of products with name, description,
// brand, the names of their categories, root first, and popularity.
func ReadElectronics(r io.Reader) (all []*Product, err error) {
	var rows []struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Brand       string   `json:"brand"`
		Categories  []string `json:"categories"`
		Popularity  int64    `json:"popularity"`
	}
	if err := json.NewDecoder(r).Decode(&rows); err != nil {
		return nil, fmt.Errorf("electronics: %w", err)
	}
	for i, row := range rows {
		sku := "E" + strconv.Itoa(100_000+i) // they have none
		told := catalogapi.ProductChangedV1{ProductID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(sku)).String(), Status: catalogapi.StatusPublished,
			Title: row.Name, Description: row.Description, Brand: row.Brand, BrandCode: code(row.Brand), Popularity: row.Popularity,
			Variants: []catalogapi.VariantV1{{SKU: sku, Title: row.Name}}}
		for _, name := range row.Categories {
			told.CategoryPath = append(told.CategoryPath, catalogapi.CategoryRefV1{Code: code(name), Name: name, Slug: code(name)})
		}
		all = append(all, newProduct(told))
	}
	return all, nil
}

// code is a name as judgements say it: "cell-phone-cases-clips".
func code(name string) string { return strings.ReplaceAll(plainWords(name), " ", "-") }
