package app

import "github.com/sidecart/sidecart/services/search/internal/search"

// labels is how the fields and answers are called that no attribute of a shop is behind, and what is said of ranges.
type labels struct {
	language       string
	fields         map[string]string
	yes, no        string
	upTo, from     string // a number that is in the range
	below, toBelow string // one that is not
	point          string // of decimals
}

// inLanguages are the labels that we have; in other languages those of the shop's own are read, or the English ones.
var inLanguages = map[string]labels{
	"en": {"en", map[string]string{search.FieldCategory: "Category", search.FieldBrand: "Brand", search.FieldPrice: "Price", search.FieldInStock: "In stock", search.FieldRating: "Rating"}, "Yes", "No", "Up to", "From", "Under", "to under", "."},
	"de": {"de", map[string]string{search.FieldCategory: "Kategorie", search.FieldBrand: "Marke", search.FieldPrice: "Preis", search.FieldInStock: "Auf Lager", search.FieldRating: "Bewertung"}, "Ja", "Nein", "Bis", "Ab", "Unter", "bis unter", ","},
	"fr": {"fr", map[string]string{search.FieldCategory: "Catégorie", search.FieldBrand: "Marque", search.FieldPrice: "Prix", search.FieldInStock: "En stock", search.FieldRating: "Note"}, "Oui", "Non", "Jusqu’à", "À partir de", "Moins de", "à moins de", ","},
	"es": {"es", map[string]string{search.FieldCategory: "Categoría", search.FieldBrand: "Marca", search.FieldPrice: "Precio", search.FieldInStock: "En existencias", search.FieldRating: "Valoración"}, "Sí", "No", "Hasta", "Desde", "Menos de", "a menos de", ","},
}

// labelsIn are those for who asks for a language in a shop of another one.
func labelsIn(language, own string) labels {
	return inLanguages[search.Nearest(inLanguages, language, search.Nearest(inLanguages, own, "en"))]
}
