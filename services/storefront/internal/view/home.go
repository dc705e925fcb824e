package view

import (
	"slices"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
)

// HomeModel is the first page.
type HomeModel struct {
	Rows     []HomeRow
	Pictures []string // of the departments, in their order; "" where there is none
	Seen     []catalogapi.ProductSummary
}

// HomeRow is a row of products with the address of more of them, "" where there is none.
type HomeRow struct {
	Title, More string
	Items       []catalogapi.ProductSummary
}

// heroProducts are beside the title.
const heroProducts = 3

// hero are products of the rows that have a picture, each of another department.
func (m *HomeModel) hero() (all []catalogapi.ProductSummary) {
	var departments []string
	for _, row := range m.Rows {
		for _, i := range row.Items {
			if i.ImageURL == "" || !i.InStock || len(i.CategoryPath) == 0 || slices.Contains(departments, i.CategoryPath[0].Code) || len(all) == heroProducts {
				continue
			}
			departments = append(departments, i.CategoryPath[0].Code)
			all = append(all, i)
		}
	}
	return all
}

// pictured reports whether any department has a picture.
func (m *HomeModel) pictured() bool {
	return slices.ContainsFunc(m.Pictures, func(s string) bool { return s != "" })
}

// Site is the shop as schema.org tells it, with where to search.
func Site(p *Page) any {
	return map[string]any{"@context": "https://schema.org", "@type": "WebSite", "name": p.T.Shell.Shop, "url": p.Canonical(), "inLanguage": p.Market.Locale(),
		"potentialAction": map[string]any{"@type": "SearchAction", "target": p.Base + p.URL("/search") + "?q={search_term_string}", "query-input": "required name=search_term_string"}}
}
