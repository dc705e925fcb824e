package seedshop

import "slices"

// Row is a row of the home page: the products named by their slugs, or those of a category in an order; all that can be had where nothing is named.
type Row struct {
	ID       string            `yaml:"id"`
	Titles   map[string]string `yaml:"titles"`
	Category string            `yaml:"category"`
	Sort     string            `yaml:"sort"`
	Reduced  bool              `yaml:"reduced"`
	Products []string          `yaml:"-"`
}

// reducedProducts is how many are in a row of what is reduced.
const reducedProducts = 12

// rows fills the rows of the home page.
func (b *builder) rows() {
	for _, r := range b.src.rows {
		for _, language := range []string{"en", "de"} {
			if r.Titles[language] == "" {
				b.fault("row "+r.ID, "has no title in %s", language)
			}
		}
		if r.Category != "" && !slices.ContainsFunc(b.shop.Categories, func(c Category) bool { return c.Code == r.Category }) {
			b.fault("row "+r.ID, "no category %q", r.Category)
		}
		if r.Reduced {
			r.Products = b.shop.reduced()
		}
		b.shop.Rows = append(b.shop.Rows, r)
	}
}

// reduced are products that cost more before: the first of each category, then the second ones …
func (s *Shop) reduced() (slugs []string) {
	var turns [][]string
	turn := map[string]int{}
	for _, p := range s.Products {
		if p.Status != Published || len(p.Variants[0].Prices) == 0 || p.Variants[0].Prices[0].CompareAt == nil {
			continue
		}
		n := turn[p.Category]
		turn[p.Category]++
		if n == len(turns) {
			turns = append(turns, nil)
		}
		turns[n] = append(turns[n], p.Slug)
	}
	all := slices.Concat(turns...)
	return all[:min(len(all), reducedProducts)]
}
