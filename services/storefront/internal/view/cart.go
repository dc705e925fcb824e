package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// CartModel is the cart's page.
type CartModel struct {
	Cart      *cartapi.Cart // nil: none yet
	Products  Products
	Saved     storefront.Saved
	Note      string          // what was done, a key of the texts
	About     storefront.Item // what Note or Problem is about
	Problem   string          // why something was not done, a code of a refusal
	Code      string          // coupon code as it was typed, and refused
	Elsewhere storefront.Cart // what could be brought here
	Others    []cartapi.Line  // what is in it
	Back      string          // where somebody came from, to go on there
}

// Products are those that lines are of, by id. One that could not be had is missing: a line knows enough of itself.
type Products map[string]*catalogapi.Product

// othersShown is how much of another cart is named.
const othersShown = 5

// variant finds what a SKU is of.
func (ps Products) variant(product, sku string) (*catalogapi.Product, *catalogapi.Variant) {
	p := ps[product]
	if p == nil {
		return nil, nil
	}
	i := slices.IndexFunc(p.Variants, func(v catalogapi.Variant) bool { return v.SKU == sku })
	if i < 0 {
		return p, nil
	}
	return p, &p.Variants[i]
}

// Article is a variant as a line shows it.
type Article struct {
	Title, ImageURL string
	Path            string   // within the market; empty: it has no page
	Options         []string // "Colour: Cream"
	Price           *money.Amount
	Status          string // of its availability
	Available       int64  // pieces; below 0: not known
}

// Article is what is known of a SKU, in the market's language.
func (ps Products) Article(product, sku string) (a Article, ok bool) {
	p, v := ps.variant(product, sku)
	if v == nil {
		return Article{Available: -1}, false
	}
	a = Article{Title: p.Title, ImageURL: v.ImageURL, Path: "/p/" + p.Slug, Price: v.Price, Status: v.Availability.Status, Available: v.Availability.Available}
	if len(p.Variants) > 1 {
		a.Path += "?sku=" + sku
	}
	if a.ImageURL == "" && len(p.Images) > 0 {
		a.ImageURL = p.Images[0].URL
	}
	for _, o := range p.Options {
		if value := v.Options[o.Code]; value != "" {
			a.Options = append(a.Options, o.Label+": "+value)
		}
	}
	return a, true
}

// article is what a line shows: what catalog says, or what the cart remembers.
func (m *CartModel) article(l cartapi.Line) Article {
	a, ok := m.Products.Article(l.ProductID, l.SKU)
	if !ok {
		a = Article{Title: l.Title, ImageURL: l.ImageURL, Available: -1}
		if l.Unsellable == "" {
			a.Path = "/p/" + l.ProductID
		}
	}
	if a.Title == "" {
		a.Title = l.SKU
	}
	return a
}

// about is the title of what a note speaks of.
func (m *CartModel) about() string {
	if a, ok := m.Products.Article(m.About.Product, m.About.SKU); ok {
		return a.Title
	}
	if m.Cart != nil {
		for _, l := range m.Cart.Lines {
			if l.SKU == m.About.SKU {
				return l.Title
			}
		}
	}
	return m.About.SKU
}

// warning is what keeps a line from being bought as it is, and whether it must be changed for that.
func (m *CartModel) warning(p *Page, l cartapi.Line) (text string, bad bool) {
	if l.Unsellable != "" {
		return p.T.Cart.Unsellable[l.Unsellable], true
	}
	a := m.article(l)
	switch l.Availability {
	case cartapi.OutOfStock:
		return p.T.Cart.Availability[l.Availability], true
	case cartapi.LowStock:
		switch {
		case a.Available > 0 && a.Available < l.Quantity:
			return p.T.Cart.TooMany(int(a.Available)), true
		case a.Available > 0:
			return p.T.Cart.OnlyLeft(int(a.Available)), false
		}
	case cartapi.Backorder, cartapi.Preorder:
		if _, v := m.Products.variant(l.ProductID, l.SKU); v != nil && v.Availability.ShipsAt != nil {
			return p.T.Cart.Availability[l.Availability] + " " + p.T.Cart.ShipsOn(p.T.Date(*v.Availability.ShipsAt)), false
		}
	}
	return p.T.Cart.Availability[l.Availability], false
}

// blocked reports whether there are lines that cannot be bought at all.
func (m *CartModel) blocked() bool {
	return slices.ContainsFunc(m.Cart.Lines, func(l cartapi.Line) bool { return l.Unsellable != "" })
}

// empty reports whether nothing is in the cart.
func (m *CartModel) empty() bool { return m.Cart == nil || len(m.Cart.Lines) == 0 }

// reason says in words why a coupon does not apply.
func (m *CartModel) reason(p *Page, c pricingapi.Coupon) string {
	if c.Missing != nil {
		return p.T.Cart.CouponMissing(p.Money(*c.Missing), c.Code)
	}
	if text := p.T.Cart.CouponReasons[c.ReasonCode]; text != "" {
		return text
	}
	return p.T.Cart.CouponOther
}

// progress is how far a cart is on the way to a coupon, in whole per cent.
func progress(missing, least money.Amount) string {
	return strconv.FormatInt(max(0, least.Minor-missing.Minor)*100/max(1, least.Minor), 10)
}

// problem says in words why something was not done.
func (m *CartModel) problem(p *Page) string { return CartProblem(p, m.Problem) }

// CartProblem says in words what the code of a refusal means.
func CartProblem(p *Page, code string) string {
	if text := p.T.Cart.Problems[code]; text != "" {
		return text
	}
	return p.T.Cart.ProblemOther
}

// AddAttributes are those of a form that puts something into the cart. With script the answer is a confirmation beside the page.
func AddAttributes(p *Page) templ.Attributes {
	return templ.Attributes{"action": p.URL("/cart/lines"), "method": "post", "hx-post": p.URL("/cart/lines"), "hx-target": "#added", "hx-swap": "innerHTML", "hx-sync": "this:drop"}
}

// AddedModel confirms that something is in the cart, or says why it is not.
type AddedModel struct {
	Cart     *cartapi.Cart
	Line     cartapi.Line
	Article  Article
	Quantity int64
	Problem  string // a code; empty: it is in the cart
}

// lineID names an element of a line, so that it keeps the focus when the page's part is replaced.
func lineID(part string, l cartapi.Line) string { return part + "-" + l.ID }

// back is where somebody goes on.
func (m *CartModel) back() string {
	if m.Back == "" || strings.HasPrefix(m.Back, "/cart") {
		return "/"
	}
	return m.Back
}

// country is where a cart is of, as people call it.
func country(p *Page, c storefront.Cart) string { return or(p.T.Shell.Countries[c.Country], c.Country) }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
