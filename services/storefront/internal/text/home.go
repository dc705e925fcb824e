package text

// Home is what the first page says.
type Home struct {
	Title, Lead  string
	Departments  string
	Browse, More string
	Popular      string
	MoreOf       func(row string) string
}

var homeEN = Home{
	Title: "Good things for every day", Lead: "Well-made basics for home, kitchen, wardrobe and beyond.",
	Departments: "Shop by department", Browse: "Look at all products", More: "Show all", Popular: "Popular right now",
	MoreOf: func(row string) string { return "Show all: " + row },
}

var homeDE = Home{
	Title: "Gute Dinge für jeden Tag", Lead: "Sorgfältig gemachte Dinge für Zuhause, Küche, Kleiderschrank und unterwegs.",
	Departments: "Nach Abteilung stöbern", Browse: "Alle Produkte ansehen", More: "Alle anzeigen", Popular: "Gerade beliebt",
	MoreOf: func(row string) string { return "Alle anzeigen: " + row },
}
