package text

// Order is what the page of an order says, and that of a gift card's balance.
type Order struct {
	Title                                                func(number string) string
	Thanks                                               string
	ThanksHint                                           string
	PlacedOn                                             func(moment string) string
	Status                                               map[string]string // by the order's status
	StatusHint                                           map[string]string
	Payment                                              map[string]string // by the payment's status
	Fulfillment                                          map[string]string // of a part of a line
	ShipsAt                                              func(day string) string
	What                                                 map[string]string // of the timeline
	Timeline, Lines, Delivery, BillTo, PaymentTitle      string
	Shipments, Track                                     string
	ShipmentOf                                           func(carrier, number string) string
	ShippedBy                                            string
	Refunds                                              string
	Refund                                               map[string]string // by status
	Invoice, InvoiceLater                                string
	Again, AgainLeftOut                                  string
	LeftOut                                              map[string]string
	Cancel, CancelHint, CancelReason, CancelSure         string
	CancelReasons                                        [5]string
	CancelFault                                          string
	CancelMoney                                          map[string]string // what becomes of the money, by the payment's status
	CancelTooLate                                        string
	Transfer, TransferHint, TransferAccount, TransferRef string
	TransferAmount, TransferBy                           string
	NotYours, NotYoursHint                               string
	NoInvoice                                            string
	Balance, BalanceHint, BalanceCheck, BalanceIs        string
	BalanceExpires                                       func(day string) string
	BalanceEmpty, BalanceUnknown, BalanceNeeded          string
	BalanceFast, BalanceAway, BalanceUse                 string
}

var orderEN = Order{
	Title:      func(n string) string { return "Order " + n },
	Thanks:     "Thank you for your order",
	ThanksHint: "We have it. You can come back to this page from this browser for 30 days: please save its address.",
	PlacedOn:   func(m string) string { return "Placed " + m },
	Status: map[string]string{
		"placed": "Order received", "confirmed": "Order confirmed", "picking": "Being packed", "shipped": "On its way", "delivered": "Delivered", "returned": "Returned", "cancelled": "Cancelled", "other": "In progress",
	},
	StatusHint: map[string]string{
		"placed": "Your goods are set aside. We are confirming the payment.", "confirmed": "Next, we pack it.", "picking": "We are packing it right now.", "shipped": "The carrier has it.",
		"delivered": "The carrier has handed it over.", "returned": "We have it back.", "cancelled": "This order was cancelled.", "other": "We are working on it.",
	},
	Payment: map[string]string{
		"authorised": "Reserved, not yet charged", "awaiting_payment": "Waiting for your transfer", "in_review": "Reserved, not yet charged", "captured": "Paid", "on_delivery": "You pay the carrier when the parcel comes", "partially_refunded": "Paid, partly refunded", "refunded": "Refunded",
		"refund_pending": "The money is on its way back", "voided": "Never charged", "settlement_declined": "The bank did not pay", "other": "In progress",
	},
	Fulfillment: map[string]string{
		"unfulfilled": "Not packed yet", "backorder": "Back-ordered", "preorder": "Pre-ordered", "picking": "Being packed", "shipped": "Shipped", "delivered": "Delivered", "returned": "Returned", "cancelled": "Cancelled", "other": "In progress",
	},
	ShipsAt: func(day string) string { return "expected " + day },
	What: map[string]string{
		"placed": "Order received", "confirmed": "Order confirmed", "edited": "Order changed", "cancel_requested": "Cancellation asked for", "cancelled": "Order cancelled", "refunded": "Money refunded",
		"payment_returned": "Money returned", "payment_failed": "Payment failed", "allocated": "Goods have arrived for you", "picking": "Being packed", "shipped": "Shipped", "delivered": "Delivered", "returned": "Returned", "other": "Moved on",
	},
	Timeline: "What happened", Lines: "What you ordered", Delivery: "Delivery to", BillTo: "Invoice to", PaymentTitle: "Payment",
	Shipments: "Parcels", Track: "Follow the parcel", ShipmentOf: func(c, n string) string { return c + " " + n }, ShippedBy: "Shipping",
	Refunds: "Refunds", Refund: map[string]string{"pending": "on its way", "refunded": "done", "refused": "We will be in touch", "superseded": "Replaced by the full refund", "other": "on its way"},
	Invoice: "Invoice (PDF)", InvoiceLater: "The invoice is here once the order is paid.",
	Again: "Buy again", AgainLeftOut: "Not in the new cart:", LeftOut: map[string]string{"unknown-sku": "no longer sold", "not-sellable": "not for sale at the moment"},
	Cancel: "Cancel this order", CancelHint: "Possible until we pack it.", CancelReason: "Why?", CancelSure: "Yes, I want to cancel the whole order.",
	CancelReasons: [5]string{"I changed my mind", "I ordered by mistake", "It takes too long", "I found it cheaper", "Another reason"},
	CancelFault:   "Choose a reason and confirm that you want to cancel.",
	CancelMoney: map[string]string{
		"authorised": "Nothing was charged yet; what is reserved on your card is released.", "awaiting_payment": "You need not pay. Anything you have already transferred goes back to you.", "in_review": "Nothing was charged yet; what is reserved is released.",
		"on_delivery": "You no longer have anything to pay the carrier. Whatever you have paid goes back the way you paid.",
		"captured":    "You get the whole amount back the way you paid, within a few working days.", "other": "Whatever you have paid goes back the way you paid.",
	},
	CancelTooLate: "The order can no longer be cancelled: it is being packed or has left.",
	Transfer:      "Please transfer the amount", TransferHint: "We send your order once the money is here.", TransferAccount: "To", TransferRef: "Reference", TransferAmount: "Amount", TransferBy: "By",
	NotYours: "We cannot show this order here", NotYoursHint: "Open it in the browser in which you ordered, or by a link to it that you were given.",
	NoInvoice: "There is no invoice yet. It is issued once the order is paid.",
	Balance:   "Gift card balance", BalanceHint: "Type the code of your gift card to see what is left on it.", BalanceCheck: "Show balance", BalanceIs: "On this card:",
	BalanceExpires: func(day string) string { return "Valid until " + day + "." }, BalanceEmpty: "Nothing is left on this card.",
	BalanceUnknown: "We do not know this code. Please check it: it has 20 letters and digits.", BalanceNeeded: "Enter the code of the gift card.", BalanceFast: "Too many tries. Please wait a minute and try again.",
	BalanceAway: "Gift cards cannot be looked up at the moment. Please try again later.", BalanceUse: "You can use the card at the payment step of the checkout.",
}

var orderDE = Order{
	Title:      func(n string) string { return "Bestellung " + n },
	Thanks:     "Vielen Dank für Ihre Bestellung",
	ThanksHint: "Sie ist bei uns eingegangen. In diesem Browser können Sie diese Seite 30 Tage lang wieder aufrufen: Am besten speichern Sie ihre Adresse.",
	PlacedOn:   func(m string) string { return "Bestellt am " + m },
	Status: map[string]string{
		"placed": "Bestellung eingegangen", "confirmed": "Bestellung bestätigt", "picking": "Wird gepackt", "shipped": "Unterwegs", "delivered": "Zugestellt", "returned": "Zurückgesandt", "cancelled": "Storniert", "other": "In Arbeit",
	},
	StatusHint: map[string]string{
		"placed": "Ihre Artikel sind zurückgelegt. Wir bestätigen noch die Zahlung.", "confirmed": "Als Nächstes packen wir sie.", "picking": "Wir packen gerade.", "shipped": "Der Zusteller hat sie.",
		"delivered": "Der Zusteller hat sie übergeben.", "returned": "Sie ist wieder bei uns.", "cancelled": "Diese Bestellung wurde storniert.", "other": "Wir arbeiten daran.",
	},
	Payment: map[string]string{
		"authorised": "Reserviert, noch nicht abgebucht", "awaiting_payment": "Wir warten auf Ihre Überweisung", "in_review": "Reserviert, noch nicht abgebucht", "captured": "Bezahlt", "on_delivery": "Sie zahlen beim Zusteller, wenn das Paket kommt", "partially_refunded": "Bezahlt, teilweise erstattet", "refunded": "Erstattet",
		"refund_pending": "Das Geld ist auf dem Rückweg", "voided": "Nicht abgebucht", "settlement_declined": "Die Bank hat nicht gezahlt", "other": "In Arbeit",
	},
	Fulfillment: map[string]string{
		"unfulfilled": "Noch nicht gepackt", "backorder": "Nachbestellt", "preorder": "Vorbestellt", "picking": "Wird gepackt", "shipped": "Versandt", "delivered": "Zugestellt", "returned": "Zurückgesandt", "cancelled": "Storniert", "other": "In Arbeit",
	},
	ShipsAt: func(day string) string { return "erwartet " + day },
	What: map[string]string{
		"placed": "Bestellung eingegangen", "confirmed": "Bestellung bestätigt", "edited": "Bestellung geändert", "cancel_requested": "Stornierung gewünscht", "cancelled": "Bestellung storniert", "refunded": "Geld erstattet",
		"payment_returned": "Geld zurückgegeben", "payment_failed": "Zahlung fehlgeschlagen", "allocated": "Ware für Sie eingetroffen", "picking": "Wird gepackt", "shipped": "Versandt", "delivered": "Zugestellt", "returned": "Zurückgesandt", "other": "Weitergegangen",
	},
	Timeline: "Was geschehen ist", Lines: "Was Sie bestellt haben", Delivery: "Lieferung an", BillTo: "Rechnung an", PaymentTitle: "Zahlung",
	Shipments: "Pakete", Track: "Paket verfolgen", ShipmentOf: func(c, n string) string { return c + " " + n }, ShippedBy: "Versand",
	Refunds: "Erstattungen", Refund: map[string]string{"pending": "unterwegs", "refunded": "erledigt", "refused": "Wir melden uns bei Ihnen", "superseded": "Durch die volle Erstattung ersetzt", "other": "unterwegs"},
	Invoice: "Rechnung (PDF)", InvoiceLater: "Die Rechnung finden Sie hier, sobald die Bestellung bezahlt ist.",
	Again: "Noch einmal kaufen", AgainLeftOut: "Nicht im neuen Warenkorb:", LeftOut: map[string]string{"unknown-sku": "wird nicht mehr verkauft", "not-sellable": "zurzeit nicht erhältlich"},
	Cancel: "Bestellung stornieren", CancelHint: "Möglich, bis wir packen.", CancelReason: "Warum?", CancelSure: "Ja, ich möchte die ganze Bestellung stornieren.",
	CancelReasons: [5]string{"Ich habe es mir anders überlegt", "Ich habe aus Versehen bestellt", "Es dauert zu lange", "Ich habe es günstiger gefunden", "Ein anderer Grund"},
	CancelFault:   "Wählen Sie einen Grund und bestätigen Sie, dass Sie stornieren möchten.",
	CancelMoney: map[string]string{
		"authorised": "Es wurde noch nichts abgebucht; was auf Ihrer Karte reserviert ist, wird frei.", "awaiting_payment": "Sie brauchen nicht zu zahlen. Was Sie schon überwiesen haben, erhalten Sie zurück.", "in_review": "Es wurde noch nichts abgebucht; was reserviert ist, wird frei.",
		"on_delivery": "Die Zahlung beim Zusteller entfällt. Was Sie schon bezahlt haben, erhalten Sie auf demselben Weg zurück.",
		"captured":    "Sie erhalten den ganzen Betrag auf demselben Weg zurück, innerhalb weniger Werktage.", "other": "Was Sie bezahlt haben, erhalten Sie auf demselben Weg zurück.",
	},
	CancelTooLate: "Die Bestellung kann nicht mehr storniert werden: Sie wird gepackt oder ist schon unterwegs.",
	Transfer:      "Bitte überweisen Sie den Betrag", TransferHint: "Wir senden Ihre Bestellung, sobald das Geld da ist.", TransferAccount: "An", TransferRef: "Verwendungszweck", TransferAmount: "Betrag", TransferBy: "Bis",
	NotYours: "Diese Bestellung können wir hier nicht zeigen", NotYoursHint: "Öffnen Sie sie in dem Browser, in dem Sie bestellt haben, oder mit einem Link, den Sie dazu erhalten haben.",
	NoInvoice: "Es gibt noch keine Rechnung. Sie wird ausgestellt, sobald die Bestellung bezahlt ist.",
	Balance:   "Guthaben der Geschenkkarte", BalanceHint: "Geben Sie den Code Ihrer Geschenkkarte ein, um zu sehen, was noch darauf ist.", BalanceCheck: "Guthaben zeigen", BalanceIs: "Auf dieser Karte:",
	BalanceExpires: func(day string) string { return "Gültig bis " + day + "." }, BalanceEmpty: "Auf dieser Karte ist nichts mehr.",
	BalanceUnknown: "Diesen Code kennen wir nicht. Bitte prüfen Sie ihn: Er hat 20 Buchstaben und Ziffern.", BalanceNeeded: "Geben Sie den Code der Geschenkkarte ein.", BalanceFast: "Zu viele Versuche. Bitte warten Sie eine Minute und versuchen Sie es dann noch einmal.",
	BalanceAway: "Geschenkkarten können gerade nicht abgefragt werden. Bitte versuchen Sie es später.", BalanceUse: "Einlösen können Sie die Karte im Zahlungsschritt der Kasse.",
}
