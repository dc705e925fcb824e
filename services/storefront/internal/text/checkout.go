package text

// Checkout is what the pages between a cart and an order say.
type Checkout struct {
	Title, Secure                           string
	Step                                    [3]string // address, shipping, payment
	StepOf                                  func(n int) string
	Change                                  string
	Continue, BackToCart                    string
	Email, EmailHint                        string
	Delivery, Billing, BillingSame          string
	BillingOwn                              string
	Country, CountryHint, ChangeCountry     string
	Label                                   map[string]string // of the parts of an address
	Countries                               map[string]string // by ISO code
	Optional, Choose                        string
	PhoneHint                               string
	FaultsOne, FaultsMany                   string
	Fault                                   map[string]string // of a field, by its name
	PostalFault                             func(sample string) string
	NotThere                                string // the goods do not go to that country
	Service                                 func(id, label string) string
	Arrives                                 func(from, to string) string
	ArrivesOn                               func(day string) string
	Free, NoOptions, ChooseOption           string
	HeldFor, HeldOver                       string
	Minutes                                 func(n int) string
	Summary, ShowSummary                    string
	Quantity                                func(n int64) string
	Subtotal, Discount, Shipping, Tax       string
	TaxIncluded, PaymentFee, Total          string
	ShippingLater, TaxLater                 string
	PayBy, PayByHint                        string
	Provider, ProviderHint                  map[string]string
	Fee                                     func(amount string) string
	UseProvider                             string
	CardTest, CardTestHint                  string
	Cards                                   [11][2]string // of the simulator: what they do
	CardLoading, CardFailed, CardNoScript   string
	GiftCard, GiftCardCode, GiftCardHint    string
	GiftCardAdd, GiftCardRemove             string
	GiftCardOf                              func(end string) string
	GiftCardNone, GiftCardMany, GiftCardOff string
	GiftCardOther                           string // currency
	GiftCardFull                            string
	Remainder, NothingLeft                  string
	Order                                   string // on the button, before the total
	OrderHint                               string
	Busy                                    string // on the button, once it was pressed
	Declined                                string
	Decline                                 map[string]string // what to do, by the sort of a decline
	PriceChanged                            string
	PriceWas                                func(was, now string) string
	OutOfStock, OutOfStockHint              string
	Short                                   func(title string, available int64) string
	ShortAll                                func(title string) string
	LimitOf                                 func(title string, available int64) string
	TakeWhatIs                              string // sets the cart right and goes on
	HoldExpired, Moved                      string
	Refused, TooFast, Away                  string
	Waiting, WaitingHint                    string
	LookAgain                               string
}

var checkoutEN = Checkout{
	Title: "Checkout", Secure: "Your details are sent encrypted.",
	Step: [3]string{"Contact and delivery address", "Shipping", "Payment"}, StepOf: func(n int) string { return plural(n, "Step %d of 3", "Step %d of 3") },
	Change: "Change", Continue: "Continue", BackToCart: "Back to your cart",
	Email: "E-mail", EmailHint: "We use it to reach you about your order.",
	Delivery: "Delivery address", Billing: "Billing address", BillingSame: "The same as the delivery address", BillingOwn: "Another billing address",
	Country: "Country", CountryHint: "The fields below follow the country.", ChangeCountry: "Show the form for this country",
	Label: map[string]string{
		"name": "Full name", "company": "Company", "line1": "Address", "street": "Street and number", "line2": "Apartment, suite, floor", "city": "City",
		"state": "State", "province": "Province", "prefecture": "Prefecture", "region": "State or region", "zip": "ZIP code", "postcode": "Postcode", "postal": "Postal code", "phone": "Phone",
	},
	Countries: countriesEN, Optional: "optional", Choose: "Please choose", PhoneHint: "Only for questions about the delivery.",
	FaultsOne: "One thing needs your attention", FaultsMany: "Some things need your attention",
	Fault: map[string]string{
		"email": "Enter an e-mail address such as name@example.com.", "name": "Enter the full name.", "line1": "Enter the street and the number.", "city": "Enter the city.",
		"region": "Choose the state or region.", "country": "Choose a country.", "phone": "Enter a phone number of that country, or one that begins with + and the code of another.",
		"shipping_option_id": "Choose how we should send it.", "payment_method": "Choose a card or another way to pay.", "other": "Please check this.",
	},
	PostalFault: func(sample string) string { return "Enter a postal code such as " + sample + "." },
	NotThere:    "We cannot deliver these goods to this country.",
	Service: func(id, label string) string {
		if label == "" {
			return id
		}
		return label
	},
	Arrives: func(from, to string) string { return "Arrives " + from + " – " + to }, ArrivesOn: func(day string) string { return "Arrives " + day },
	Free: "Free", NoOptions: "There is no way to send these goods to that address. Please change the address.", ChooseOption: "How should we send it?",
	HeldFor: "Your items are reserved for", HeldOver: "The reservation has run out. We renew it as long as there is stock: just go on.",
	Minutes: func(n int) string { return plural(n, "%d minute", "%d minutes") },
	Summary: "Your order", ShowSummary: "Show your order", Quantity: func(n int64) string { return plural(int(n), "%d piece", "%d pieces") },
	Subtotal: "Subtotal", Discount: "Discount", Shipping: "Shipping", Tax: "Tax", TaxIncluded: "Including tax", PaymentFee: "of which for the way to pay", Total: "Total",
	ShippingLater: "Next step", TaxLater: "Depends on the address",
	PayBy: "How would you like to pay?", PayByHint: "To pay another way, choose it and press the button below. The total and the form change with it.",
	Provider: map[string]string{"braintree": "Card", "bank_transfer": "Bank transfer", "cash_on_delivery": "Cash on delivery"},
	ProviderHint: map[string]string{
		"braintree": "Credit or debit card, PayPal", "bank_transfer": "You get our account with the order. We send it once the money is here.",
		"cash_on_delivery": "You pay the carrier when the parcel comes.",
	},
	Fee: func(amount string) string { return "+ " + amount }, UseProvider: "Use this way to pay",
	CardTest: "Test card", CardTestHint: "This shop runs with a simulated bank. No card is charged: choose what should happen.",
	Cards: [11][2]string{
		{"Visa", "Succeeds"}, {"Mastercard", "Succeeds"}, {"PayPal", "Succeeds"}, {"Visa", "Is declined by the bank"}, {"JCB", "The processor fails"},
		{"Visa", "Is rejected as fraud"}, {"Visa", "Was used before"}, {"Visa with 3-D Secure", "Challenge passed"}, {"Visa with 3-D Secure", "Frictionless"},
		{"Visa with 3-D Secure", "Challenge failed"}, {"Visa with 3-D Secure", "Bank cannot be asked"},
	},
	CardLoading: "The card form is loading …", CardFailed: "The card form could not be loaded. Please reload the page or choose another way to pay.",
	CardNoScript: "Card payment needs JavaScript. Please turn it on or choose another way to pay.",
	GiftCard:     "Use a gift card", GiftCardCode: "Code of the gift card", GiftCardHint: "20 letters and digits. You can use up to five cards per order.",
	GiftCardAdd: "Use", GiftCardRemove: "Remove", GiftCardOf: func(end string) string { return "Gift card … " + end },
	GiftCardNone: "We do not know this code, or nothing is left on the card.", GiftCardMany: "Too many tries. Please wait a minute.", GiftCardOff: "Gift cards cannot be looked up at the moment.",
	GiftCardOther: "This card is for another currency.", GiftCardFull: "One order takes up to five gift cards. Remove one first.", Remainder: "Left to pay", NothingLeft: "Your gift cards cover the whole amount.",
	Order: "Place order and pay", OrderHint: "You buy with this click. If the price changes, we ask you first.", Busy: "One moment …",
	Declined: "The payment did not go through. Nothing was charged.",
	Decline: map[string]string{
		"funds": "There is not enough money on this card. Please use another one.", "limit": "The amount is above a limit. Please use another card or ask your bank.",
		"expired": "This card has expired. Please use another one.", "number": "The card's number is not valid. Please check it or use another card.",
		"cvv": "The security code does not match. Please check it and try again.", "bank": "Your bank has declined without saying why. Please ask it, or use another card.",
		"blocked": "This payment cannot be taken. Please use another way to pay.", "secure": "The confirmation with your bank did not work. Please try again or use another card.",
		"address": "The billing address does not match the card. Please check it.", "again": "The card form has gone stale. Please enter the card again.",
		"giftcard": "One of the gift cards is empty, has expired or is not valid. Please remove it and try again.", "credit": "The credit is not enough. Please add another way to pay.",
		"promised": "You have other orders that are not paid yet. Please use another way to pay.", "provider": "This way to pay is no longer offered for this order. Please choose another one.",
		"duplicate": "The same amount was charged a moment ago. Please wait a minute before you try again.", "network": "The bank could not be reached. Please try again in a moment.",
		"other": "Please try again or use another way to pay.",
	},
	PriceChanged: "The price has changed. Please look at the new total before you order.", PriceWas: func(was, now string) string { return "It was " + was + " and is now " + now + "." },
	OutOfStock: "Not everything is in stock any more", OutOfStockHint: "We can reduce or remove what is missing, and you go on with the rest.",
	Short: func(title string, n int64) string {
		return title + ": " + plural(int(n), "only %d left", "only %d left")
	},
	ShortAll: func(title string) string { return title + ": sold out" },
	LimitOf: func(title string, n int64) string {
		return title + ": " + plural(int(n), "you can buy %d at most", "you can buy %d at most")
	},
	TakeWhatIs: "Take what is available and go on", HoldExpired: "The reservation had run out, and the stock is gone.",
	Moved:   "Something has changed meanwhile. Please look at it again before you order.",
	Refused: "This order cannot be placed as it is. Please try again or use another way to pay.", TooFast: "That was too fast. Please wait a few seconds and try again.",
	Away:    "We could not reach our systems. Nothing was charged. Please try again.",
	Waiting: "Your order is being placed", WaitingHint: "This takes a few seconds. You need not do anything: this page updates by itself. Please do not order again.",
	LookAgain: "Look again",
}

var checkoutDE = Checkout{
	Title: "Kasse", Secure: "Ihre Angaben werden verschlüsselt übertragen.",
	Step: [3]string{"Kontakt und Lieferadresse", "Versand", "Zahlung"}, StepOf: func(n int) string { return plural(n, "Schritt %d von 3", "Schritt %d von 3") },
	Change: "Ändern", Continue: "Weiter", BackToCart: "Zurück zum Warenkorb",
	Email: "E-Mail", EmailHint: "Darüber erreichen wir Sie zu Ihrer Bestellung.",
	Delivery: "Lieferadresse", Billing: "Rechnungsadresse", BillingSame: "Wie die Lieferadresse", BillingOwn: "Eine andere Rechnungsadresse",
	Country: "Land", CountryHint: "Die Felder darunter richten sich nach dem Land.", ChangeCountry: "Formular für dieses Land zeigen",
	Label: map[string]string{
		"name": "Vor- und Nachname", "company": "Firma", "line1": "Adresse", "street": "Straße und Hausnummer", "line2": "Adresszusatz", "city": "Ort",
		"state": "Bundesstaat", "province": "Provinz", "prefecture": "Präfektur", "region": "Region", "zip": "ZIP-Code", "postcode": "Postleitzahl", "postal": "Postleitzahl", "phone": "Telefon",
	},
	Countries: countriesDE, Optional: "freiwillig", Choose: "Bitte wählen", PhoneHint: "Nur für Rückfragen zur Lieferung.",
	FaultsOne: "Bitte sehen Sie sich eine Angabe noch einmal an", FaultsMany: "Bitte sehen Sie sich einige Angaben noch einmal an",
	Fault: map[string]string{
		"email": "Geben Sie eine E-Mail-Adresse wie name@example.com an.", "name": "Geben Sie Vor- und Nachnamen an.", "line1": "Geben Sie Straße und Hausnummer an.", "city": "Geben Sie den Ort an.",
		"region": "Wählen Sie den Bundesstaat oder die Region.", "country": "Wählen Sie ein Land.", "phone": "Geben Sie eine Telefonnummer dieses Landes an, oder eine, die mit + und der Vorwahl eines anderen beginnt.",
		"shipping_option_id": "Wählen Sie, wie geliefert werden soll.", "payment_method": "Wählen Sie eine Karte oder eine andere Zahlungsart.", "other": "Bitte prüfen Sie diese Angabe.",
	},
	PostalFault: func(sample string) string { return "Geben Sie eine Postleitzahl wie " + sample + " an." },
	NotThere:    "In dieses Land können wir diese Artikel nicht liefern.",
	Service: func(id, label string) string {
		switch id {
		case "standard":
			return "Standardversand"
		case "express":
			return "Expressversand"
		}
		if label == "" {
			return id
		}
		return label
	},
	Arrives: func(from, to string) string { return "Kommt " + from + " – " + to }, ArrivesOn: func(day string) string { return "Kommt " + day },
	Free: "Kostenlos", NoOptions: "An diese Adresse können wir diese Artikel nicht senden. Bitte ändern Sie die Adresse.", ChooseOption: "Wie soll geliefert werden?",
	HeldFor: "Ihre Artikel sind reserviert für", HeldOver: "Die Reservierung ist abgelaufen. Solange der Vorrat reicht, erneuern wir sie: Machen Sie einfach weiter.",
	Minutes: func(n int) string { return plural(n, "%d Minute", "%d Minuten") },
	Summary: "Ihre Bestellung", ShowSummary: "Bestellung ansehen", Quantity: func(n int64) string { return plural(int(n), "%d Stück", "%d Stück") },
	Subtotal: "Zwischensumme", Discount: "Rabatt", Shipping: "Versand", Tax: "Steuer", TaxIncluded: "Darin enthaltene MwSt.", PaymentFee: "davon für die Zahlungsart", Total: "Gesamtsumme",
	ShippingLater: "Nächster Schritt", TaxLater: "Richtet sich nach der Adresse",
	PayBy: "Wie möchten Sie bezahlen?", PayByHint: "Für eine andere Zahlungsart wählen Sie diese aus und klicken auf „So bezahlen“. Gesamtsumme und Formular ändern sich entsprechend.",
	Provider: map[string]string{"braintree": "Karte", "bank_transfer": "Überweisung", "cash_on_delivery": "Nachnahme"},
	ProviderHint: map[string]string{
		"braintree": "Kredit- oder Debitkarte, PayPal", "bank_transfer": "Unsere Kontodaten erhalten Sie mit der Bestellung. Wir versenden, sobald das Geld da ist.",
		"cash_on_delivery": "Sie zahlen beim Zusteller, wenn das Paket kommt.",
	},
	Fee: func(amount string) string { return "+ " + amount }, UseProvider: "So bezahlen",
	CardTest: "Testkarte", CardTestHint: "Dieser Shop läuft mit einer simulierten Bank. Keine Karte wird belastet: Wählen Sie, was geschehen soll.",
	Cards: [11][2]string{
		{"Visa", "Gelingt"}, {"Mastercard", "Gelingt"}, {"PayPal", "Gelingt"}, {"Visa", "Wird von der Bank abgelehnt"}, {"JCB", "Der Zahlungsdienst fällt aus"},
		{"Visa", "Wird als Betrug abgewiesen"}, {"Visa", "Wurde schon benutzt"}, {"Visa mit 3-D Secure", "Prüfung bestanden"}, {"Visa mit 3-D Secure", "Ohne Rückfrage"},
		{"Visa mit 3-D Secure", "Prüfung misslungen"}, {"Visa mit 3-D Secure", "Bank nicht erreichbar"},
	},
	CardLoading: "Das Kartenformular wird geladen …", CardFailed: "Das Kartenformular konnte nicht geladen werden. Bitte laden Sie die Seite neu oder wählen Sie eine andere Zahlungsart.",
	CardNoScript: "Für Kartenzahlung wird JavaScript gebraucht. Bitte schalten Sie es ein oder wählen Sie eine andere Zahlungsart.",
	GiftCard:     "Geschenkkarte einlösen", GiftCardCode: "Code der Geschenkkarte", GiftCardHint: "20 Buchstaben und Ziffern. Pro Bestellung können Sie bis zu fünf Karten einlösen.",
	GiftCardAdd: "Einlösen", GiftCardRemove: "Entfernen", GiftCardOf: func(end string) string { return "Geschenkkarte … " + end },
	GiftCardNone: "Diesen Code kennen wir nicht, oder auf der Karte ist nichts mehr.", GiftCardMany: "Zu viele Versuche. Bitte warten Sie eine Minute.", GiftCardOff: "Geschenkkarten können gerade nicht abgefragt werden.",
	GiftCardOther: "Diese Karte gilt für eine andere Währung.", GiftCardFull: "Pro Bestellung können Sie höchstens fünf Geschenkkarten einlösen. Entfernen Sie zuerst eine.", Remainder: "Noch zu zahlen", NothingLeft: "Ihre Geschenkkarten decken den ganzen Betrag.",
	Order: "Zahlungspflichtig bestellen", OrderHint: "Mit diesem Klick kaufen Sie. Ändert sich der Preis, fragen wir vorher.", Busy: "Einen Moment …",
	Declined: "Die Zahlung hat nicht geklappt. Es wurde nichts abgebucht.",
	Decline: map[string]string{
		"funds": "Auf dieser Karte ist nicht genug Geld. Bitte nehmen Sie eine andere.", "limit": "Der Betrag liegt über einer Grenze. Bitte nehmen Sie eine andere Karte oder fragen Sie Ihre Bank.",
		"expired": "Diese Karte ist abgelaufen. Bitte nehmen Sie eine andere.", "number": "Die Kartennummer ist nicht gültig. Bitte prüfen Sie sie oder nehmen Sie eine andere Karte.",
		"cvv": "Die Prüfziffer passt nicht. Bitte prüfen Sie sie und versuchen Sie es noch einmal.", "bank": "Ihre Bank hat ohne Begründung abgelehnt. Bitte fragen Sie dort nach oder nehmen Sie eine andere Karte.",
		"blocked": "Diese Zahlung können wir nicht annehmen. Bitte wählen Sie eine andere Zahlungsart.", "secure": "Die Bestätigung bei Ihrer Bank hat nicht geklappt. Bitte versuchen Sie es noch einmal oder nehmen Sie eine andere Karte.",
		"address": "Die Rechnungsadresse passt nicht zur Karte. Bitte prüfen Sie sie.", "again": "Das Kartenformular ist veraltet. Bitte geben Sie die Karte noch einmal ein.",
		"giftcard": "Eine der Geschenkkarten ist leer, abgelaufen oder ungültig. Bitte entfernen Sie sie und versuchen Sie es noch einmal.", "credit": "Das Guthaben reicht nicht. Bitte wählen Sie zusätzlich eine Zahlungsart.",
		"promised": "Sie haben andere Bestellungen, die noch nicht bezahlt sind. Bitte wählen Sie eine andere Zahlungsart.", "provider": "Diese Zahlungsart gibt es für diese Bestellung nicht mehr. Bitte wählen Sie eine andere.",
		"duplicate": "Der gleiche Betrag wurde eben erst abgebucht. Bitte warten Sie eine Minute, bevor Sie es noch einmal versuchen.", "network": "Die Bank war nicht zu erreichen. Bitte versuchen Sie es gleich noch einmal.",
		"other": "Bitte versuchen Sie es noch einmal oder wählen Sie eine andere Zahlungsart.",
	},
	PriceChanged: "Der Preis hat sich geändert. Bitte sehen Sie sich die neue Summe an, bevor Sie bestellen.", PriceWas: func(was, now string) string { return "Bisher " + was + ", jetzt " + now + "." },
	OutOfStock: "Nicht alles ist noch vorrätig", OutOfStockHint: "Wir können die Menge verringern oder weglassen, was fehlt, und Sie bestellen den Rest.",
	Short: func(title string, n int64) string {
		return title + ": " + plural(int(n), "nur noch %d da", "nur noch %d da")
	},
	ShortAll: func(title string) string { return title + ": ausverkauft" },
	LimitOf: func(title string, n int64) string {
		return title + ": " + plural(int(n), "höchstens %d Stück je Kunde", "höchstens %d Stück je Kunde")
	},
	TakeWhatIs: "Verfügbare Menge übernehmen und weiter", HoldExpired: "Die Reservierung war abgelaufen, und der Vorrat ist weg.",
	Moved:   "Inzwischen hat sich etwas geändert. Bitte sehen Sie es sich noch einmal an, bevor Sie bestellen.",
	Refused: "So kann diese Bestellung nicht aufgegeben werden. Bitte versuchen Sie es noch einmal oder wählen Sie eine andere Zahlungsart.", TooFast: "Das ging zu schnell. Bitte warten Sie ein paar Sekunden.",
	Away:    "Wir konnten unsere Systeme nicht erreichen. Es wurde nichts abgebucht. Bitte versuchen Sie es noch einmal.",
	Waiting: "Ihre Bestellung wird aufgegeben", WaitingHint: "Das dauert ein paar Sekunden. Sie brauchen nichts zu tun: Diese Seite aktualisiert sich von selbst. Bitte bestellen Sie nicht noch einmal.",
	LookAgain: "Noch einmal nachsehen",
}

var countriesEN = map[string]string{
	"AT": "Austria", "AU": "Australia", "BE": "Belgium", "BG": "Bulgaria", "CA": "Canada", "CH": "Switzerland", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark", "EE": "Estonia", "ES": "Spain",
	"FI": "Finland", "FR": "France", "GB": "United Kingdom", "GR": "Greece", "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IT": "Italy", "JP": "Japan", "LT": "Lithuania", "LU": "Luxembourg",
	"LV": "Latvia", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden", "SG": "Singapore", "SI": "Slovenia", "SK": "Slovakia", "US": "United States",
}

//nolint:misspell // German
var countriesDE = map[string]string{
	"AT": "Österreich", "AU": "Australien", "BE": "Belgien", "BG": "Bulgarien", "CA": "Kanada", "CH": "Schweiz", "CZ": "Tschechien", "DE": "Deutschland", "DK": "Dänemark", "EE": "Estland", "ES": "Spanien",
	"FI": "Finnland", "FR": "Frankreich", "GB": "Vereinigtes Königreich", "GR": "Griechenland", "HR": "Kroatien", "HU": "Ungarn", "IE": "Irland", "IT": "Italien", "JP": "Japan", "LT": "Litauen", "LU": "Luxemburg",
	"LV": "Lettland", "NL": "Niederlande", "NO": "Norwegen", "PL": "Polen", "PT": "Portugal", "RO": "Rumänien", "SE": "Schweden", "SG": "Singapur", "SI": "Slowenien", "SK": "Slowakei", "US": "USA",
}
