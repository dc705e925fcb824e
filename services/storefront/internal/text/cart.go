package text

import "fmt"

// Cart is what the cart says.
type Cart struct {
	Title                       string
	Empty, EmptyHint, EmptyFind string

	Added, ViewCart, Continue, Close string // after something was added
	Lines                            string
	Piece                            func(price string) string // of a piece
	QuantityOf                       func(title string) string
	Update                           string
	LessOf, MoreOf, UpdateOf         func(title string) string
	Remove, Undo                     string
	RemoveOf                         func(title string) string
	Later                            string
	LaterOf                          func(title string) string
	Off                              func(amount string) string

	Summary, Subtotal, Shipping, ShippingLater, Tax, TaxLater, Total string
	TaxOf                                                            func(amount string) string // that the total contains
	Checkout, CheckoutBlocked                                        string

	Availability map[string]string // by what cart says; in_stock and unknown say nothing
	OnlyLeft     func(n int) string
	TooMany      func(n int) string // of which fewer can be had
	ShipsOn      func(day string) string
	Unsellable   map[string]string // by why a line cannot be bought

	CouponLabel, Apply string
	CouponApplied      string
	CouponRemove       func(code string) string
	CouponReasons      map[string]string // by reason_code
	CouponOther        string
	CouponMissing      func(amount, code string) string

	Saved, SavedHint, MoveBack string
	MoveBackOf, RemoveSaved    func(title string) string
	SavedGone                  string

	Elsewhere      func(n int, country, currency string) string
	Bring          string
	StayedBehind   func(country string) string
	Brought        string
	Notes          map[string]string // by what was done
	Problems       map[string]string // by the code of a refusal
	ProblemOther   string
	Away, AwayHint string
}

var cartEN = Cart{
	Title: "Your cart", Empty: "Your cart is empty", EmptyHint: "Have a look around: what you add is kept here for 30 days.", EmptyFind: "Find something",
	Added: "Added to your cart", ViewCart: "View cart", Continue: "Continue shopping", Close: "Close", Lines: "Items",
	Piece:      func(p string) string { return p + " each" },
	QuantityOf: func(t string) string { return "Quantity of " + t },
	Update:     "Update",
	LessOf:     func(t string) string { return "One less of " + t },
	MoreOf:     func(t string) string { return "One more of " + t },
	UpdateOf:   func(t string) string { return "Update the quantity of " + t },
	Remove:     "Remove", Undo: "Undo", RemoveOf: func(t string) string { return "Remove " + t },
	Later: "Save for later", LaterOf: func(t string) string { return "Save for later: " + t },
	Off:     func(a string) string { return "−" + a },
	Summary: "Summary", Subtotal: "Subtotal", Shipping: "Shipping", ShippingLater: "at checkout", Tax: "Tax", TaxLater: "at checkout", Total: "Total",
	TaxOf:    func(a string) string { return "includes " + a + " VAT" },
	Checkout: "Go to checkout", CheckoutBlocked: "Some items cannot be bought right now. Remove them or save them for later to go on.",
	Availability: map[string]string{
		"low_stock": "Only a few left", "out_of_stock": "Sold out. Remove it, or save it for when it is back.",
		"backorder": "Being restocked: part of it ships later.", "preorder": "Pre-order: ships when it comes out.",
	},
	OnlyLeft: func(n int) string { return fmt.Sprintf("Only %d left", n) },
	TooMany: func(n int) string {
		return fmt.Sprintf("Only %d can be had right now. Please lower the quantity.", n)
	},
	ShipsOn: func(d string) string { return "Ships from " + d },
	Unsellable: map[string]string{
		"no-price":    "Not sold in your country and currency. Remove it to go on.",
		"unknown-sku": "No longer in our shop. Remove it to go on.",
		"withdrawn":   "We no longer sell this. Remove it to go on.",
	},
	CouponLabel: "Coupon code", Apply: "Apply", CouponApplied: "Applied",
	CouponRemove: func(c string) string { return "Remove the coupon " + c },
	CouponReasons: map[string]string{
		"unknown": "We do not know this code. Is there a typo?", "not-yet": "This code is not valid yet.", "expired": "This code has expired.",
		"used-up": "This code has been used up.", "currency": "This code is not valid in this currency.", "nothing-left": "There is nothing left that it could take off.",
		"min-subtotal": "Your cart is too small for this code yet.",
	},
	CouponOther:   "This code does not apply to your cart.",
	CouponMissing: func(a, c string) string { return fmt.Sprintf("Add %s more to use %s.", a, c) },
	Saved:         "Saved for later", SavedHint: "Kept in this browser for 90 days.", MoveBack: "Move to cart",
	MoveBackOf:  func(t string) string { return "Move to cart: " + t },
	RemoveSaved: func(t string) string { return "Remove from saved: " + t },
	SavedGone:   "No longer sold here",
	Elsewhere: func(n int, country, currency string) string {
		return plural(n, "There is %d item", "There are %d items") + fmt.Sprintf(" in your cart for %s (%s).", country, currency)
	},
	Bring:        "Bring it here",
	StayedBehind: func(c string) string { return fmt.Sprintf("Not sold in %s, and kept in your other cart:", c) },
	Brought:      "Your cart came along, with the prices of this country.",
	Notes: map[string]string{
		"added": "is in your cart.", "removed": "was removed.", "saved": "was saved for later.", "back": "is in your cart again.", "forgotten": "was taken off your list.",
	},
	Problems: map[string]string{
		"unknown-sku": "This item is not in our shop.", "not-sellable": "This item cannot be bought in your country right now.",
		"quantity-limit": "That is more than one cart can hold: 9,999 pieces of an item, and 500 items.", "coupon-limit": "A cart can hold ten codes. Remove one first.",
		"saved-full": "Your list is full: take something off it first.",
		"no-cookie":  "Your browser did not keep your cart: please allow cookies of this shop, and add it again.", "away": "The cart is away for a moment. Please try again.",
		"coupon-tried":   "Those were many codes in a short time. Please wait a moment and try again.",
		"line-not-found": "This item is not in your cart any more.", "coupon": "A code has letters, digits and hyphens only.", "quantity": "Please enter a whole number from 1 to 9,999.",
	},
	ProblemOther: "That did not work. Please try again.",
	Away:         "Your cart cannot be shown for a moment", AwayHint: "It is safe, with everything in it. Please try again in a few seconds.",
}

var cartDE = Cart{
	Title: "Ihr Warenkorb", Empty: "Ihr Warenkorb ist leer", EmptyHint: "Schauen Sie sich um: Was Sie hineinlegen, bleibt hier 30 Tage lang.", EmptyFind: "Etwas finden",
	Added: "In den Warenkorb gelegt", ViewCart: "Zum Warenkorb", Continue: "Weiter einkaufen", Close: "Schließen", Lines: "Artikel",
	Piece:      func(p string) string { return "je " + p },
	QuantityOf: func(t string) string { return "Menge: " + t },
	Update:     "Ändern",
	LessOf:     func(t string) string { return "Eins weniger: " + t },
	MoreOf:     func(t string) string { return "Eins mehr: " + t },
	UpdateOf:   func(t string) string { return "Menge ändern: " + t },
	Remove:     "Entfernen", Undo: "Rückgängig", RemoveOf: func(t string) string { return "Entfernen: " + t },
	Later: "Für später merken", LaterOf: func(t string) string { return "Für später merken: " + t },
	Off:     func(a string) string { return "−" + a },
	Summary: "Übersicht", Subtotal: "Zwischensumme", Shipping: "Versand", ShippingLater: "in der Kasse", Tax: "Steuer", TaxLater: "in der Kasse", Total: "Gesamtsumme",
	TaxOf:    func(a string) string { return "enthält " + a + " MwSt." },
	Checkout: "Zur Kasse", CheckoutBlocked: "Einige Artikel können gerade nicht gekauft werden. Entfernen Sie sie oder merken Sie sie für später, um fortzufahren.",
	Availability: map[string]string{
		"low_stock": "Nur noch wenige da", "out_of_stock": "Ausverkauft. Entfernen Sie den Artikel oder merken Sie ihn für später.",
		"backorder": "Wird nachgeliefert: Ein Teil kommt später.", "preorder": "Vorbestellung: Versand bei Erscheinen.",
	},
	OnlyLeft: func(n int) string { return fmt.Sprintf("Nur noch %d da", n) },
	TooMany: func(n int) string {
		return fmt.Sprintf("Gerade sind nur %d zu haben. Bitte verringern Sie die Menge.", n)
	},
	ShipsOn: func(d string) string { return "Versand ab " + d },
	Unsellable: map[string]string{
		"no-price":    "Wird in Ihrem Land und Ihrer Währung nicht verkauft. Entfernen Sie den Artikel, um fortzufahren.",
		"unknown-sku": "Nicht mehr in unserem Shop. Entfernen Sie den Artikel, um fortzufahren.",
		"withdrawn":   "Das verkaufen wir nicht mehr. Entfernen Sie den Artikel, um fortzufahren.",
	},
	CouponLabel: "Gutscheincode", Apply: "Einlösen", CouponApplied: "Eingelöst",
	CouponRemove: func(c string) string { return "Gutschein entfernen: " + c },
	CouponReasons: map[string]string{
		"unknown": "Diesen Code kennen wir nicht. Ist er richtig geschrieben?", "not-yet": "Dieser Code gilt noch nicht.", "expired": "Dieser Code ist abgelaufen.",
		"used-up": "Dieser Code ist aufgebraucht.", "currency": "Dieser Code gilt nicht in dieser Währung.", "nothing-left": "Es ist nichts mehr übrig, wovon er etwas abziehen könnte.",
		"min-subtotal": "Für diesen Code ist der Warenkorb noch zu klein.",
	},
	CouponOther:   "Dieser Code gilt nicht für Ihren Warenkorb.",
	CouponMissing: func(a, c string) string { return fmt.Sprintf("Noch %s bis %s.", a, c) },
	Saved:         "Für später gemerkt", SavedHint: "In diesem Browser 90 Tage lang gemerkt.", MoveBack: "In den Warenkorb",
	MoveBackOf:  func(t string) string { return "In den Warenkorb: " + t },
	RemoveSaved: func(t string) string { return "Gemerktes entfernen: " + t },
	SavedGone:   "Hier nicht mehr zu haben",
	Elsewhere: func(n int, country, currency string) string {
		return plural(n, "%d Artikel liegt", "%d Artikel liegen") + fmt.Sprintf(" in Ihrem Warenkorb für %s (%s).", country, currency)
	},
	Bring: "Hierher mitnehmen",
	StayedBehind: func(c string) string {
		return fmt.Sprintf("In %s nicht zu haben und in Ihrem anderen Warenkorb geblieben:", c)
	},
	Brought: "Ihr Warenkorb ist mitgekommen, mit den Preisen dieses Landes.",
	Notes: map[string]string{
		"added": "liegt in Ihrem Warenkorb.", "removed": "wurde entfernt.", "saved": "ist für später gemerkt.", "back": "liegt wieder im Warenkorb.", "forgotten": "ist nicht mehr gemerkt.",
	},
	Problems: map[string]string{
		"unknown-sku": "Diesen Artikel gibt es in unserem Shop nicht.", "not-sellable": "Dieser Artikel kann in Ihrem Land gerade nicht gekauft werden.",
		"quantity-limit": "Das ist mehr, als ein Warenkorb fasst: 9.999 Stück eines Artikels und 500 Artikel.", "coupon-limit": "Ein Warenkorb fasst zehn Codes. Entfernen Sie zuerst einen.",
		"saved-full": "Ihre Merkliste ist voll: Nehmen Sie zuerst etwas herunter.",
		"no-cookie":  "Ihr Browser hat den Warenkorb nicht behalten: Bitte erlauben Sie Cookies dieses Shops und legen Sie den Artikel noch einmal hinein.", "away": "Der Warenkorb ist gerade nicht da. Bitte versuchen Sie es noch einmal.",
		"coupon-tried":   "Das waren viele Codes in kurzer Zeit. Bitte warten Sie einen Moment und versuchen Sie es dann noch einmal.",
		"line-not-found": "Dieser Artikel liegt nicht mehr in Ihrem Warenkorb.", "coupon": "Ein Code besteht nur aus Buchstaben, Ziffern und Bindestrichen.", "quantity": "Bitte geben Sie eine ganze Zahl von 1 bis 9.999 ein.",
	},
	ProblemOther: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
	Away:         "Ihr Warenkorb kann gerade nicht gezeigt werden", AwayHint: "Er ist sicher, mit allem, was darin liegt. Bitte versuchen Sie es in ein paar Sekunden noch einmal.",
}
