package text

// Shell is what stands around every page.
type Shell struct {
	Shop, Tagline       string
	SkipToContent       string
	Search, SearchFor   string
	Cart                string
	CartPieces          func(n int) string
	Menu                string
	Home                string
	Here                string // label of the way to a page
	Market              string // label of the choice of country and language
	Language, Place     string
	Change              string
	AllPrices           map[string]string // by whether prices contain tax
	Countries           map[string]string
	GiftCardBalance     string
	FooterShop          string
	FooterHelp          string
	Promise             [3][2]string // short promises with an explanation: true of every shop on this backend
	Rights              string
	NeedsReload         string // what an answer that did not come is told as
	SuggestedCategories string
}

var shellEN = Shell{
	Shop: "Sidecart", Tagline: "Good things for every day", SkipToContent: "Skip to content",
	Search: "Search", SearchFor: "What are you looking for?", Cart: "Cart",
	CartPieces: func(n int) string { return plural(n, "%d item in your cart", "%d items in your cart") },
	Menu:       "Menu", Home: "Home", Here: "You are here",
	Market: "Language and country", Language: "Language", Place: "Country and currency", Change: "Change",
	AllPrices: map[string]string{"gross": "All prices include VAT, plus shipping.", "net": "All prices plus tax and shipping.", "": "All prices plus shipping."},
	Countries: map[string]string{"US": "United States", "DE": "Germany", "GB": "United Kingdom", "AT": "Austria", "CH": "Switzerland", "FR": "France"},

	GiftCardBalance: "Gift card balance", FooterShop: "Shop", FooterHelp: "Help",
	Promise: [3][2]string{
		{"Reserved for you", "What is in your checkout is held, and not sold to somebody else."},
		{"One price, all the way", "You pay the total that you have seen, or we ask you first."},
		{"Cancel it yourself", "Until we pack it, you can cancel an order on its page."},
	},
	Rights: "Sidecart reference shop", NeedsReload: "That did not work. Please try again.",
	SuggestedCategories: "Departments",
}

var shellDE = Shell{
	Shop: "Sidecart", Tagline: "Gute Dinge für jeden Tag", SkipToContent: "Zum Inhalt springen",
	Search: "Suchen", SearchFor: "Wonach suchen Sie?", Cart: "Warenkorb",
	CartPieces: func(n int) string { return plural(n, "%d Artikel im Warenkorb", "%d Artikel im Warenkorb") },
	Menu:       "Menü", Home: "Startseite", Here: "Sie sind hier",
	Market: "Sprache und Land", Language: "Sprache", Place: "Land und Währung", Change: "Ändern",
	AllPrices: map[string]string{"gross": "Alle Preise inkl. MwSt., zzgl. Versand.", "net": "Alle Preise zzgl. Steuer und Versand.", "": "Alle Preise zzgl. Versand."},
	Countries: map[string]string{"US": "USA", "DE": "Deutschland", "GB": "Vereinigtes Königreich", "AT": "Österreich", "CH": "Schweiz", "FR": "Frankreich"},

	GiftCardBalance: "Guthaben der Geschenkkarte", FooterShop: "Einkaufen", FooterHelp: "Hilfe",
	Promise: [3][2]string{
		{"Für Sie reserviert", "Was in Ihrer Kasse liegt, ist zurückgelegt und wird niemand anderem verkauft."},
		{"Ein Preis bis zum Schluss", "Sie zahlen die Summe, die Sie gesehen haben, oder wir fragen vorher."},
		{"Selbst stornieren", "Solange wir noch nicht packen, können Sie eine Bestellung auf ihrer Seite stornieren."},
	},
	Rights: "Sidecart Beispielshop", NeedsReload: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
	SuggestedCategories: "Abteilungen",
}
