package text

// What a page says because of the one before.
var (
	saidEN = map[string]string{
		"ended": "Your checkout had ended. Your cart is still here.", "incomplete": "Something is still missing before you can pay.",
		"not-placed": "Your order was not placed and nothing was charged. Please try again.", "cancelled": "Your order is cancelled.",
		"cancel-wanted": "We are cancelling your order. It may take a moment until it shows here.", "sold-out": "Not everything was in stock any more. Your order was not placed and nothing was charged.", "left-out": "Not everything of that order is sold any more. What is, is in your cart.",
	}
	saidDE = map[string]string{
		"ended": "Ihre Kasse war abgelaufen. Ihr Warenkorb ist noch da.", "incomplete": "Bevor Sie bezahlen können, fehlt noch etwas.",
		"not-placed": "Ihre Bestellung kam nicht zustande, und es wurde nichts abgebucht. Bitte versuchen Sie es noch einmal.", "cancelled": "Ihre Bestellung ist storniert.",
		"cancel-wanted": "Wir stornieren Ihre Bestellung. Bis es hier steht, kann es einen Moment dauern.", "sold-out": "Es war nicht mehr alles auf Lager. Ihre Bestellung kam nicht zustande, und es wurde nichts abgebucht.", "left-out": "Nicht alles aus dieser Bestellung wird noch verkauft. Was es noch gibt, liegt im Warenkorb.",
	}
)
