// Package seedshop is the sample shop: a catalogue of our own writing with departments, a typed
// attribute registry, invented brands, products with variants, prices in four currencies, stock in
// three places, drawn pictures and a few dozen shopping baskets. `sidecart seed` writes it through
// the admin API, so that a first run shows a shop that looks like one.
//
// The words and numbers live in data/*.yaml, one file per department, the drawings in
// pictures/*.txt. Nothing here reads a clock, a random source or the order of a map: the same
// source gives the same catalogue, byte for byte, and a golden digest in the tests notices a change.
// Stock and baskets are spread by hashing SKUs, so that a new product does not move the others.
//
// Who decides: the YAML files. What may go wrong: a file names an attribute, a colour, a brand or a
// picture that does not exist, or a value does not fit its attribute. Build refuses such a file with
// every fault at once, and the tests run it on the files that are embedded.
package seedshop

import "github.com/sidecart/sidecart/pkg/money"

// Kind is the type of an attribute's values.
type Kind string

// The kinds of the typed attribute registry.
const (
	Text      Kind = "text"
	Integer   Kind = "integer"
	Decimal   Kind = "decimal"
	Boolean   Kind = "boolean"
	Enum      Kind = "enum"
	MultiEnum Kind = "multi_enum"
	Date      Kind = "date"
	Colour    Kind = "colour"
)

// Status is the place of a product in its life.
type Status string

// The states in which products are seeded; most are Published.
const (
	Draft     Status = "draft"
	Published Status = "published"
	Archived  Status = "archived"
)

// Shop is the whole sample shop. Lists are in a fixed order: parents stand before children.
type Shop struct {
	Attributes []Attribute
	Categories []Category
	Brands     []Brand
	Locations  []Location
	Products   []Product
	Rows       []Row // of the home page, in their order
	Baskets    []Basket
	Synonyms   []Synonym
}

// Attribute is one entry of the typed registry. Unit is set for decimals that have one; Values
// list what an enum, a multi-enum or a colour may be.
type Attribute struct {
	Code, Label string
	German      string // its label in German
	Kind        Kind
	Unit        string
	Values      []Choice
}

// Choice is a value that an enum or colour attribute allows; Hex ("#2C4166") is set for colours.
type Choice struct {
	Code, Label, Hex string
	German           string `json:",omitempty"` // its label in German; empty: as in English
}

// Value is an attribute's value on a product or variant. Text holds what a text, decimal (plain
// decimal string), date (2006-01-02), enum (code) or colour (code) says; Integer, Boolean and Codes
// hold the other kinds. Label is what a shopper reads; Hex is set for colours, Unit for decimals.
type Value struct {
	Attribute string
	Kind      Kind
	Text      string
	Integer   int64
	Boolean   bool
	Codes     []string
	Unit      string
	Label     string
	Hex       string
}

// Category is a node of the tree; a department has no Parent. Rules and Tax stand on leaves only.
type Category struct {
	Code, Name, About, Parent string
	German                    string // its name in German
	Rules                     []Rule
	Tax                       string
}

// Rule says what an attribute means in a category. Attributes without a rule are not allowed there.
type Rule struct {
	Attribute                                           string
	Required, Variant, Filterable, Searchable, Compared bool
}

// Brand is an invented maker.
type Brand struct{ Code, Name, About string }

// Location is a warehouse. Zone is "us" or "eu": goods with a plug are kept where the plug fits.
type Location struct {
	Code, Name, Zone string
	Address          Address
}

// Address has the parts of an address of the public API. Country is ISO 3166-1 alpha-2.
type Address struct {
	Name       string `yaml:"name"`
	Line1      string `yaml:"line1"`
	City       string `yaml:"city"`
	Region     string `yaml:"region"`
	PostalCode string `yaml:"postal_code"`
	Country    string `yaml:"country"`
}

// Product is what shoppers see as one thing. Options are the attributes in which its variants
// differ; Attributes are shared by all of them.
type Product struct {
	Slug, Title, Description string
	GermanTitle              string
	GermanDescription        string
	GermanTexts              map[string]string `json:",omitempty"` // values of text attributes, by the English ones
	Category, Brand          string
	Status                   Status
	Attributes               []Value
	Options                  []Option
	Variants                 []Variant
	Images                   []Image
	kind, tint               string
}

// Option is one choice that a shopper makes, with its values in the order of display.
type Option struct {
	Attribute, Label string
	Values           []Choice
}

// Variant is what can be bought. Options has one value per option of the product, in that order;
// Attributes are further values that only this variant has (the voltage behind a plug). Barcode is
// an EAN-13 of the in-store range 200–299. Image is the Key of one of the product's images.
type Variant struct {
	SKU         string
	Options     []Value
	Attributes  []Value
	Barcode     string
	WeightGrams int64
	Size        Size
	Tax         string
	Prices      []Price
	Stock       []Stock
	Image       string
}

// Size is the packed size in millimetres.
type Size struct{ Length, Width, Height int64 }

// Price is a variant's price in one currency. CompareAt is the former, higher price, if there is
// one. Tiers have rising quantities and falling amounts.
type Price struct {
	Amount    money.Amount
	CompareAt *money.Amount
	Tiers     []Tier
}

// Tier is the price per piece from MinQuantity pieces on.
type Tier struct {
	MinQuantity int64
	Amount      money.Amount
}

// Stock is what lies in a location at the start; locations that never carry a SKU are left out.
type Stock struct {
	Location string
	Quantity int64
}

// Image names a drawing: Picture(Product.Slug, Key). Alt says what is to be seen, German the same in German.
type Image struct{ Key, Alt, German string }

// Basket is the script of a sample order: a guest buys Lines in Currency and has them sent to
// Address. Every SKU is published, has a price in Currency and was in stock at the start.
type Basket struct {
	Email    string
	Currency money.Currency
	Address  Address
	Lines    []Line
}

// Synonym says which words stand for others in a language: without To each of Words for all others, else Words for To. ID is made of them.
type Synonym struct {
	ID, Language string
	Words, To    []string
}

// Line is a SKU of a basket and how many of it.
type Line struct {
	SKU      string
	Quantity int64
}

// Catalogue builds the sample shop. It panics when the embedded data is broken, which the tests of
// this package rule out.
func Catalogue() *Shop {
	src, err := load()
	if err != nil {
		panic("seedshop: embedded data: " + err.Error())
	}
	shop, err := build(src)
	if err != nil {
		panic("seedshop: embedded data: " + err.Error())
	}
	return shop
}
