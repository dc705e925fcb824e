package text

// Shell is what stands around every page.
type Shell struct {
	Shop, Tagline          string
	SkipToContent          string
	Search, SearchFor      string
	Cart                   string
	CartPieces             func(n int) string
	Menu, AllDepartments   string
	Home                   string
	Here                   string // label of the way to a page
	Market                 string // label of the choice of country and language
	ShipTo                 func(country string) string
	Change                 string
	Countries              map[string]string
	GiftCardBalance        string
	FooterShop             string
	FooterHelp             string
	FooterMarket           string
	Promise                [3][2]string // short promises with an explanation: true of every shop on this backend
	Rights                 string
	Loading                string
	NeedsReload            string // what an answer that did not come is told as
	SuggestedQueries       string
	SuggestedProducts      string
	SuggestedCategories    string
	Close                  string
	TotalIncludesTax, Plus string
}

var shellEN = Shell{
	Shop: "Sidecart", Tagline: "Good things for every day", SkipToContent: "Skip to content",
	Search: "Search", SearchFor: "What are you looking for?", Cart: "Cart",
	CartPieces: func(n int) string { return plural(n, "%d item in your cart", "%d items in your cart") },
	Menu:       "Menu", AllDepartments: "All departments", Home: "Home", Here: "You are here",
	Market: "Country and language", ShipTo: func(c string) string { return "Delivery to " + c }, Change: "Change",
	Countries: map[string]string{"US": "United States", "DE": "Germany", "GB": "United Kingdom", "AT": "Austria", "CH": "Switzerland", "FR": "France"},

	GiftCardBalance: "Gift card balance", FooterShop: "Shop", FooterHelp: "Help", FooterMarket: "Country and language",
	Promise: [3][2]string{
		{"Reserved for you", "What is in your checkout is held, and not sold to somebody else."},
		{"One price, all the way", "You pay the total that you have seen, or we ask you first."},
		{"Cancel with one click", "Until we pack it, you can call an order off yourself."},
	},
	Rights: "Sidecart reference shop", Loading: "Loading", NeedsReload: "That did not work. Please try again.",
	SuggestedQueries: "Searches", SuggestedProducts: "Products", SuggestedCategories: "Departments", Close: "Close",
	TotalIncludesTax: "incl. VAT", Plus: "plus tax",
}

var shellDE = Shell{
	Shop: "Sidecart", Tagline: "Gute Dinge für jeden Tag", SkipToContent: "Zum Inhalt springen",
	Search: "Suchen", SearchFor: "Wonach suchen Sie?", Cart: "Warenkorb",
	CartPieces: func(n int) string { return plural(n, "%d Artikel im Warenkorb", "%d Artikel im Warenkorb") },
	Menu:       "Menü", AllDepartments: "Alle Abteilungen", Home: "Startseite", Here: "Sie sind hier",
	Market: "Land und Sprache", ShipTo: func(c string) string { return "Lieferung nach: " + c }, Change: "Ändern",
	Countries: map[string]string{"US": "USA", "DE": "Deutschland", "GB": "Vereinigtes Königreich", "AT": "Österreich", "CH": "Schweiz", "FR": "Frankreich"},

	GiftCardBalance: "Guthaben der Geschenkkarte", FooterShop: "Einkaufen", FooterHelp: "Hilfe", FooterMarket: "Land und Sprache",
	Promise: [3][2]string{
		{"Für Sie reserviert", "Was in Ihrer Kasse liegt, ist zurückgelegt und wird niemand anderem verkauft."},
		{"Ein Preis bis zum Schluss", "Sie zahlen die Summe, die Sie gesehen haben, oder wir fragen vorher."},
		{"Stornieren mit einem Klick", "Bis wir packen, können Sie eine Bestellung selbst absagen."},
	},
	Rights: "Sidecart Beispielshop", Loading: "Wird geladen", NeedsReload: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
	SuggestedQueries: "Suchen", SuggestedProducts: "Produkte", SuggestedCategories: "Abteilungen", Close: "Schließen",
	TotalIncludesTax: "inkl. MwSt.", Plus: "zzgl. Steuer",
}
