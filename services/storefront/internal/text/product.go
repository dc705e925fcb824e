package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Product is what pages of one product, and the rows beside them, say.
type Product struct {
	Pictures              string
	PictureOf             func(i, n int) string
	Choose                string // the button of a choice, without script
	Quantity              string
	AddToCart, Preorder   string
	SoldOutHint           string
	InStock, SoldOut      string
	LowStock              func(n int) string
	Backorder, PreorderAt func(day string) string // day may be ""
	ValueSoldOut          string                  // of a choice, for those who hear it
	ValueElsewhere        string
	ElsewhereHint         string // below a choice that was moved
	Delivery              func(country string) string
	DeliveryHint          string
	DeliveryEstimate      string                    // below the ways there are
	Days                  func(from, to int) string // working days
	DeliveryLater         string
	UnitPrice             func(price, per string) string
	PriceNote             map[string]string // by whether prices contain tax
	Save                  func(price string) string
	NoPrice               string
	Details, Description  string
	SKU, Weight, Size     string
	Similar, Seen         string
	Brand                 string
}

var productEN = Product{
	Pictures: "Pictures", PictureOf: func(i, n int) string { return fmt.Sprintf("Picture %d of %d", i, n) },
	Choose: "Choose", Quantity: "Quantity", AddToCart: "Add to cart", Preorder: "Pre-order",
	SoldOutHint: "This version is sold out at the moment. Others may be there.",
	InStock:     "In stock", SoldOut: "Sold out",
	LowStock: func(n int) string { return fmt.Sprintf("Only %d left", n) },
	Backorder: func(day string) string {
		if day == "" {
			return "Can be ordered, ships as soon as it is here"
		}
		return "Can be ordered, ships from " + day
	},
	PreorderAt: func(day string) string {
		if day == "" {
			return "Can be pre-ordered"
		}
		return "Can be pre-ordered, ships from " + day
	},
	ValueSoldOut: "sold out", ValueElsewhere: "with other choices",
	ElsewhereHint:    "There is no such combination. We have chosen what comes closest.",
	Delivery:         func(c string) string { return "Delivery to " + c },
	DeliveryHint:     "Ready to be packed. Checkout shows the ways of delivery, their cost and the expected day, once we know your address.",
	DeliveryEstimate: "An estimate for what is in stock, if you order today. Checkout shows the cost and the day for your address.",
	Days: func(from, to int) string {
		switch {
		case to == 0:
			return "the same day"
		case from == to:
			return plural(to, "%d working day", "%d working days")
		}
		return fmt.Sprintf("%d–%d working days", from, to)
	},
	DeliveryLater: "Checkout shows the ways of delivery and their cost, once we know your address.",
	UnitPrice:     func(price, per string) string { return price + " per " + per },
	PriceNote:     map[string]string{"gross": "incl. VAT, plus shipping", "net": "plus tax and shipping", "": "plus shipping"},
	Save:          func(p string) string { return "You save " + p },
	NoPrice:       "Not sold in this country and currency at the moment", Details: "Details", Description: "Description",
	SKU: "Article number", Weight: "Shipping weight", Size: "Package size", Similar: "Similar products", Seen: "Recently viewed", Brand: "Brand",
}

var productDE = Product{
	Pictures: "Bilder", PictureOf: func(i, n int) string { return fmt.Sprintf("Bild %d von %d", i, n) },
	Choose: "Auswählen", Quantity: "Menge", AddToCart: "In den Warenkorb", Preorder: "Vorbestellen",
	SoldOutHint: "Diese Ausführung ist zurzeit ausverkauft. Vielleicht gibt es eine andere.",
	InStock:     "Auf Lager", SoldOut: "Ausverkauft",
	LowStock: func(n int) string { return fmt.Sprintf("Nur noch %d auf Lager", n) },
	Backorder: func(day string) string {
		if day == "" {
			return "Bestellbar, wird versandt, sobald es da ist"
		}
		return "Bestellbar, Versand ab " + day
	},
	PreorderAt: func(day string) string {
		if day == "" {
			return "Vorbestellbar"
		}
		return "Vorbestellbar, Versand ab " + day
	},
	ValueSoldOut: "ausverkauft", ValueElsewhere: "mit anderer Auswahl",
	ElsewhereHint:    "Diese Kombination gibt es nicht. Wir haben gewählt, was ihr am nächsten kommt.",
	Delivery:         func(c string) string { return "Lieferung nach: " + c },
	DeliveryHint:     "Versandbereit. Versandarten, Kosten und den voraussichtlichen Liefertag zeigt die Kasse, sobald wir Ihre Adresse kennen.",
	DeliveryEstimate: "Geschätzt für vorrätige Ware, wenn Sie heute bestellen. Kosten und Tag für Ihre Adresse zeigt die Kasse.",
	Days: func(from, to int) string {
		switch {
		case to == 0:
			return "am selben Tag"
		case from == to:
			return plural(to, "%d Werktag", "%d Werktage")
		}
		return fmt.Sprintf("%d–%d Werktage", from, to)
	},
	DeliveryLater: "Versandarten und Kosten zeigt die Kasse, sobald wir Ihre Adresse kennen.",
	UnitPrice:     func(price, per string) string { return "Grundpreis: " + price + " / " + per },
	PriceNote:     map[string]string{"gross": "inkl. MwSt., zzgl. Versand", "net": "zzgl. Steuer und Versand", "": "zzgl. Versand"},
	Save:          func(p string) string { return "Sie sparen " + p },
	NoPrice:       "In diesem Land und dieser Währung zurzeit nicht erhältlich", Details: "Details", Description: "Beschreibung",
	SKU: "Artikelnummer", Weight: "Versandgewicht", Size: "Paketmaße", Similar: "Ähnliche Produkte", Seen: "Zuletzt angesehen", Brand: "Marke",
}

// Compare is what the comparison says.
type Compare struct {
	Title, Bar     string
	Add, Added     string
	RemoveOf       func(title string) string
	Hint           string
	OnlyDiffering  string
	All            string
	Clear          string
	Empty          string
	EmptyHint      string
	ToProducts     string
	Missing        string
	Product, Price string
	Availability   string
	Brand          string
	Differs        string
	None           string // of a cell
	NoDifference   string
}

var compareEN = Compare{
	Title: "Compare products", Bar: "Compare", Add: "Compare", Added: "In comparison",
	RemoveOf: func(t string) string { return "Remove " + t + " from the comparison" },
	Hint:     "Up to four products side by side. A fifth takes the place of the first.", OnlyDiffering: "Show only differences", All: "Show everything", Clear: "Clear comparison",
	Empty: "There is nothing to compare yet", EmptyHint: "Choose “Compare” at products that you would like to see side by side.", ToProducts: "Look at all products",
	Missing: "Some of the products are no longer sold and have been left out.",
	Product: "Product", Price: "Price", Availability: "Availability", Brand: "Brand", Differs: "differs", None: "not specified",
	NoDifference: "These products do not differ in anything that is specified.",
}

var compareDE = Compare{
	Title: "Produkte vergleichen", Bar: "Vergleichen", Add: "Vergleichen", Added: "Im Vergleich",
	RemoveOf: func(t string) string { return t + " aus dem Vergleich entfernen" },
	Hint:     "Bis zu vier Produkte nebeneinander. Ein fünftes ersetzt das erste.", OnlyDiffering: "Nur Unterschiede zeigen", All: "Alles zeigen", Clear: "Vergleich leeren",
	Empty: "Noch gibt es nichts zu vergleichen", EmptyHint: "Wählen Sie „Vergleichen“ bei Produkten, die Sie nebeneinander sehen möchten.", ToProducts: "Alle Produkte ansehen",
	Missing: "Einige der Produkte gibt es nicht mehr. Sie fehlen hier.",
	Product: "Produkt", Price: "Preis", Availability: "Verfügbarkeit", Brand: "Marke", Differs: "verschieden", None: "keine Angabe",
	NoDifference: "Diese Produkte unterscheiden sich in keiner Angabe.",
}

// FullDate is a day with its year: "March 1, 2026", "1. März 2026".
func (t *Texts) FullDate(d time.Time) string {
	separator := " "
	if t.Language == "en" {
		separator = ", "
	}
	return t.date(t, d) + separator + strconv.Itoa(d.Year())
}

// Decimal is a number with so many decimals, as the language writes it.
func (t *Texts) Decimal(f float64, decimals int) string {
	return t.Written(strconv.FormatFloat(f, 'f', decimals, 64))
}

// Milli is thousandths of something, without what is not needed: 1300 is "1.3".
func (t *Texts) Milli(n int64) string {
	return t.Written(strconv.FormatFloat(float64(n)/1000, 'f', -1, 64))
}

// Written is a decimal as the language writes it: "19.99" is "19,99".
func (t *Texts) Written(s string) string {
	if t.Language == "de" {
		return comma(s)
	}
	return s
}

// comma writes a decimal as German does.
func comma(s string) string { return strings.Replace(s, ".", ",", 1) }
