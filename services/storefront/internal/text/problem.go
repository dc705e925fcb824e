package text

// Problem is what pages say that could not be shown.
type Problem struct {
	NotFound, NotFoundHint       string // 404
	Gone, GoneHint               string // 410
	Failed, FailedHint           string // 500
	Away, AwayHint               string // 503: a service is away
	Maintenance, MaintenanceHint string // 503: all of it
	Bad, BadHint                 string // 400, 403, 405, 413
	TryAgain, ToHome             string
	Reference                    string // of a request
}

var problemEN = Problem{
	NotFound: "This page is not here", NotFoundHint: "The address may be wrong, or what was here has moved.",
	Gone: "We no longer sell this", GoneHint: "Perhaps one of these will do instead.",
	Failed: "Something went wrong on our side", FailedHint: "Your cart is safe. Please try again in a moment.",
	Away: "This part of the shop is away for a moment", AwayHint: "Your cart is safe. Please try again in a moment.",
	Maintenance: "We will be right back", MaintenanceHint: "The shop is being worked on. Your cart is kept as it is.",
	Bad: "We could not do that", BadHint: "The request came from elsewhere or was not whole. Please go back and try again.",
	TryAgain: "Try again", ToHome: "To the home page", Reference: "Reference",
}

var problemDE = Problem{
	NotFound: "Diese Seite gibt es nicht", NotFoundHint: "Vielleicht ist die Adresse falsch, oder was hier war, ist umgezogen.",
	Gone: "Das verkaufen wir nicht mehr", GoneHint: "Vielleicht passt stattdessen eines von diesen.",
	Failed: "Bei uns ist etwas schiefgegangen", FailedHint: "Ihr Warenkorb ist sicher. Bitte versuchen Sie es gleich noch einmal.",
	Away: "Dieser Teil des Shops ist gerade nicht da", AwayHint: "Ihr Warenkorb ist sicher. Bitte versuchen Sie es gleich noch einmal.",
	Maintenance: "Wir sind gleich zurück", MaintenanceHint: "Am Shop wird gerade gearbeitet. Ihr Warenkorb bleibt, wie er ist.",
	Bad: "Das konnten wir nicht tun", BadHint: "Die Anfrage kam von anderswo oder war unvollständig. Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
	TryAgain: "Noch einmal versuchen", ToHome: "Zur Startseite", Reference: "Vorgangsnummer",
}
