package web

import (
	"encoding/json"
	"net/http"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// maxAdjust is how often a cart is set right before it is left to the shopper: others buy meanwhile.
const maxAdjust = 3

// adjust takes out of the cart what is not in stock, and goes on with the rest.
func (s *Shop) adjust(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	if !s.before(w, q) {
		return
	}
	for range maxAdjust {
		if q.cart.ID == "" {
			break
		}
		co, err := s.Services.BeginCheckout(q.Context(), q.cart.ID)
		short := co.Warnings
		if err != nil {
			short = shortages(err)
		}
		switch {
		case err == nil && len(short) == 0:
			keep(w, ticketCookie, storefront.Ticket{Checkout: co.ID, Cart: co.CartID}.String(), ticketDays)
			q.lead(w, "/checkout")
			return
		case len(short) == 0:
			s.notBegun(w, q, err)
			return
		}
		if err := s.reduce(w, q, short); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	q.lead(w, "/cart")
}

// reduce leaves of each SKU in the cart as much as there is.
func (s *Shop) reduce(w http.ResponseWriter, q *request, short []checkoutapi.Warning) error {
	c, err := s.Services.GetCart(q.Context(), q.cart.ID)
	if err != nil {
		return err
	}
	for _, x := range short {
		left := x.Available
		for _, l := range c.Lines {
			if l.SKU != x.SKU {
				continue
			}
			n := max(0, min(l.Quantity, left))
			left -= n
			if n == l.Quantity {
				continue
			}
			if c, err = s.Services.SetQuantity(q.Context(), c.ID, l.ID, n); err != nil {
				return err
			}
		}
	}
	q.see(w, &c)
	return nil
}

// extra reads a further member of a problem.
func extra(err error, name string, out any) bool {
	f, ok := fault.As(err)
	if !ok || f.Extra[name] == nil {
		return false
	}
	b, err := json.Marshal(f.Extra[name])
	return err == nil && json.Unmarshal(b, out) == nil
}

// shortages are the SKUs that a refusal is about, where it is about stock.
func shortages(err error) (all []checkoutapi.Warning) {
	code := fault.CodeOf(err)
	if code != "out-of-stock" && code != "hold-expired" && code != "quantity-limit" || !extra(err, "lines", &all) {
		return nil
	}
	for i := range all {
		if all[i].Type == "" && code == "quantity-limit" {
			all[i].Type = checkoutapi.WarningQuantityLimit
		}
	}
	return all
}

func titles(c cartapi.Cart) map[string]string {
	all := map[string]string{}
	for _, l := range c.Lines {
		all[l.SKU] = l.Title
	}
	return all
}

// productsOf are what the lines of a checkout are of, in the language of the page: the lines themselves have the titles of one language. A product that cannot
// be had is missing.
func (s *Shop) productsOf(q *request, co checkoutapi.Checkout) view.Products {
	var ids []string
	for _, l := range co.Lines {
		ids = append(ids, l.ProductID)
	}
	return s.Services.Products(q.Context(), q.market, ids)
}

func titlesOf(co checkoutapi.Checkout) map[string]string {
	all := map[string]string{}
	for _, l := range co.Lines {
		all[l.SKU] = l.Title
	}
	return all
}

// short says which lines are the trouble, and offers to take what is there.
func (s *Shop) short(q *request, lines []checkoutapi.Warning, title map[string]string) view.Notice {
	t := s.text(q).Checkout
	n := view.Notice{Kind: "warn", Title: t.OutOfStock, Adjust: true}
	for _, l := range lines {
		name := title[l.SKU]
		if name == "" {
			name = l.SKU
		}
		switch {
		case l.Type == checkoutapi.WarningQuantityLimit:
			n.Lines = append(n.Lines, t.LimitOf(name, l.Available))
		case l.Available <= 0:
			n.Lines = append(n.Lines, t.ShortAll(name))
		default:
			n.Lines = append(n.Lines, t.Short(name, l.Available))
		}
	}
	return n
}
