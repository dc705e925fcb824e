package text

import "fmt"

// Listing is what pages of many products say.
type Listing struct {
	Results             func(n int) string
	ResultsFor          func(words string) string
	AllProducts         string
	ShowFilter          string
	Apply, Clear        string
	Remove              func(what string) string
	Sort                string
	Sorts               map[string]string // by the order's name
	From, To            string            // of a price
	PriceFrom           func(price string) string
	InStockOnly         string
	Yes, No             string
	Next, First         string
	SoldOut, Was        string
	Nothing, NothingFor func(words string) string
	NothingHint         string
	Corrected           func(words string) string
	Relaxed             func(words string) string
	Partial             string
	Degraded            string
	SearchAway          string
	MoreValues          func(n int) string // of a filter
	Products            string             // heads the list
	Departments         string
	Within              string // names the choice of a department beside a list
	Rating              func(r float64) string
}

var listingEN = Listing{
	Results:     func(n int) string { return plural(n, "%d product", "%d products") },
	ResultsFor:  func(w string) string { return fmt.Sprintf("Results for “%s”", w) },
	AllProducts: "All products", ShowFilter: "Filter and sort", Apply: "Apply", Clear: "Clear all",
	Remove: func(w string) string { return "Remove filter: " + w }, Sort: "Sort by",
	Sorts: map[string]string{"relevance": "Recommended", "popularity": "Most popular", "newest": "Newest", "price": "Price: low to high", "-price": "Price: high to low"},
	From:  "from", To: "to", PriceFrom: func(p string) string { return "from " + p }, InStockOnly: "In stock", Yes: "Yes", No: "No",
	Next: "Show more", First: "Back to the first page",
	SoldOut: "Sold out", Was: "Before:",
	Nothing:     func(string) string { return "There is nothing here that fits." },
	NothingFor:  func(w string) string { return fmt.Sprintf("We found nothing for “%s”.", w) },
	NothingHint: "Try fewer words or other ones, take out a filter, or look through the departments.",
	Corrected:   func(w string) string { return fmt.Sprintf("Showing results for “%s”.", w) },
	Relaxed:     func(w string) string { return fmt.Sprintf("No product has all of these words. Left out: %s.", w) },
	Partial:     "Few products have all of these words, or none has. Those with some of them follow.",
	Degraded:    "The search is being worked on: filters are away for a moment.",
	SearchAway:  "The search is away for a moment. The departments still work.",
	MoreValues:  func(n int) string { return fmt.Sprintf("Show %d more", n) }, Products: "Products", Departments: "Departments", Within: "Narrow by department",
	Rating: func(r float64) string { return fmt.Sprintf("%.1f out of 5 stars", r) },
}

var listingDE = Listing{
	Results:     func(n int) string { return plural(n, "%d Produkt", "%d Produkte") },
	ResultsFor:  func(w string) string { return fmt.Sprintf("Ergebnisse für „%s“", w) },
	AllProducts: "Alle Produkte", ShowFilter: "Filtern und sortieren", Apply: "Anwenden", Clear: "Alle entfernen",
	Remove: func(w string) string { return "Filter entfernen: " + w }, Sort: "Sortieren nach",
	Sorts: map[string]string{"relevance": "Empfohlen", "popularity": "Beliebteste", "newest": "Neueste", "price": "Preis aufsteigend", "-price": "Preis absteigend"},
	From:  "von", To: "bis", PriceFrom: func(p string) string { return "ab " + p }, InStockOnly: "Auf Lager", Yes: "Ja", No: "Nein",
	Next: "Mehr anzeigen", First: "Zurück zur ersten Seite",
	SoldOut: "Ausverkauft", Was: "Bisher:",
	Nothing:     func(string) string { return "Hier ist nichts, was dazu passt." },
	NothingFor:  func(w string) string { return fmt.Sprintf("Zu „%s“ haben wir nichts gefunden.", w) },
	NothingHint: "Versuchen Sie es mit weniger oder anderen Wörtern, entfernen Sie einen Filter oder stöbern Sie in den Abteilungen.",
	Corrected:   func(w string) string { return fmt.Sprintf("Ergebnisse für „%s“.", w) },
	Relaxed:     func(w string) string { return fmt.Sprintf("Kein Produkt enthält alle Wörter. Weggelassen: %s.", w) },
	Partial:     "Wenige Produkte enthalten alle Wörter, oder keines. Es folgen die mit einigen davon.",
	Degraded:    "An der Suche wird gerade gearbeitet: Filter gibt es in Kürze wieder.",
	SearchAway:  "Die Suche ist gerade nicht da. Die Abteilungen funktionieren weiter.",
	MoreValues:  func(n int) string { return fmt.Sprintf("%d weitere anzeigen", n) }, Products: "Produkte", Departments: "Abteilungen", Within: "Nach Abteilung eingrenzen",
	Rating: func(r float64) string { return comma(fmt.Sprintf("%.1f", r)) + " von 5 Sternen" },
}

// plural picks the text for one or for any other number.
func plural(n int, one, other string) string {
	if n == 1 {
		return fmt.Sprintf(one, n)
	}
	return fmt.Sprintf(other, n)
}
