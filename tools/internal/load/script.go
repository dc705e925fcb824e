package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// kind is how a guest behaves.
type kind string

const (
	buys        kind = "buys"
	isDeclined  kind = "is declined"
	paysAgain   kind = "is declined, then pays"
	leaves      kind = "leaves"
	cancels     kind = "cancels"
	clicksTwice kind = "clicks twice" // the same key: a browser that repeats
	paysTwice   kind = "pays in two windows"
	wantsMore   kind = "wants more"  // from the checkout back into the cart
	isRefunded  kind = "is refunded" // in part, by staff
	paysInParts kind = "pays with a gift card too"
	givesBack   kind = "gives a piece back" // what it cost is refunded by order
	buysAgain   kind = "buys the same again"
	signsIn     kind = "signs in at the checkout" // and what the guest's cart has goes into another one
	paysCredit  kind = "pays with store credit too"
	wantsLess   kind = "wants less"       // of the order, which staff edit
	paysCash    kind = "pays on delivery" // where that is offered, with its fee
)

// kinds are how often each behaviour is met, in percent.
var kinds = []struct {
	kind  kind
	share int
}{{buys, 35}, {isDeclined, 7}, {paysAgain, 4}, {leaves, 9}, {cancels, 5}, {clicksTwice, 4}, {paysTwice, 3}, {wantsMore, 6}, {isRefunded, 4}, {paysInParts, 4},
	{givesBack, 3}, {buysAgain, 3}, {signsIn, 3}, {paysCredit, 3}, {wantsLess, 4}, {paysCash, 3}}

// leaveBefore are the steps before which a guest may leave.
var leaveBefore = []string{shopclient.StepLine, shopclient.StepCheckout, shopclient.StepAddress, shopclient.StepShipping, shopclient.StepSession, shopclient.StepComplete}

// The sandbox's nonces.
const (
	goodCard = "fake-valid-nonce"
	badCard  = "fake-processor-declined-visa-nonce"
)

// script is all that a guest will do.
type script struct {
	kind     kind
	guest    shopclient.Guest
	leave    string // the step before which a guest leaves
	tidy     bool   // gives up the checkout instead of letting it run out
	readBack bool
	refused  bool // the first card that is to pay the rest is declined
}

// market is who buys in a currency, and what is on offer there.
type market struct {
	currency  money.Currency
	share     int
	addresses []orderapi.Address
	skus      []string
}

type shelf struct{ markets []market }

// pages bounds how much of the catalogue is bought from.
const pages = 8

// look reads what the shop offers in each currency. The places are those of the sample shop's customers.
func look(ctx context.Context, c *shopclient.Client) (shelf, error) {
	s := shelf{markets: []market{{currency: "USD", share: 45}, {currency: "EUR", share: 30}, {currency: "GBP", share: 15}, {currency: "JPY", share: 10}}}
	for _, b := range seedshop.Catalogue().Baskets {
		a := orderapi.Address{Name: b.Address.Name, Line1: b.Address.Line1, City: b.Address.City, Region: b.Address.Region,
			PostalCode: b.Address.PostalCode, Country: b.Address.Country}
		i := slices.IndexFunc(s.markets, func(m market) bool { return m.currency == b.Currency })
		if i >= 0 {
			s.markets[i].addresses = append(s.markets[i].addresses, a)
		}
	}
	for begun := time.Now(); ; { // a shop that was seeded just now shows its goods as the news of their prices arrive
		for i := range s.markets {
			if err := s.markets[i].look(ctx, c); err != nil {
				return s, err
			}
		}
		if slices.ContainsFunc(s.markets, func(m market) bool { return len(m.skus) > 0 }) {
			break
		}
		if time.Since(begun) >= c.Patience {
			return s, errors.New("load: the shop offers nothing: seed it first")
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	s.markets = slices.DeleteFunc(s.markets, func(m market) bool { return len(m.skus) == 0 })
	return s, nil
}

func (m *market) look(ctx context.Context, c *shopclient.Client) error {
	query := url.Values{"currency": {string(m.currency)}, "country": {m.addresses[0].Country}, "in_stock": {"true"}, "sort": {"popularity"}, "limit": {"100"}}
	for range pages {
		var page struct {
			Items      []catalogapi.ProductSummary `json:"items"`
			NextCursor *string                     `json:"next_cursor"`
		}
		if err := c.Get(ctx, "/v1/products?"+query.Encode(), &page); err != nil {
			return fmt.Errorf("load: what is on offer in %s: %w", m.currency, err)
		}
		for _, p := range page.Items {
			m.skus = append(m.skus, p.SKUs...)
		}
		if page.NextCursor == nil {
			break
		}
		query.Set("cursor", *page.NextCursor)
	}
	slices.Sort(m.skus) // the script must not hang on the order of a page
	return nil
}

// script draws what guest n does.
func (s shelf) script(seed uint64, n int) script {
	dice := rand.New(rand.NewPCG(seed, uint64(n)))
	m := s.markets[pick(dice, len(s.markets), func(i int) int { return s.markets[i].share })]
	sc := script{kind: kinds[pick(dice, len(kinds), func(i int) int { return kinds[i].share })].kind, readBack: dice.IntN(4) == 0, tidy: dice.IntN(2) == 0, refused: dice.IntN(2) == 0}
	sc.guest = shopclient.Guest{Email: fmt.Sprintf("load-%d-%d@example.com", seed, n), Currency: m.currency, Nonce: goodCard,
		Address: m.addresses[dice.IntN(len(m.addresses))]}
	seen := map[string]bool{}
	for range 1 + dice.IntN(4) {
		item := shopclient.Item{SKU: m.skus[dice.IntN(len(m.skus))], Quantity: 1 + dice.Int64N(3)}
		if !seen[item.SKU] {
			seen[item.SKU] = true
			sc.guest.Items = append(sc.guest.Items, item)
		}
	}
	if sc.kind == paysCash {
		s.home(&sc.guest, dice)
	}
	if dice.IntN(8) == 0 {
		sc.guest.Coupon = "WELCOME10"
	}
	if leave := leaveBefore[dice.IntN(len(leaveBefore))]; sc.kind == leaves {
		sc.leave = leave
		sc.guest.Before = func(step string) error {
			if step == leave {
				return errLeft
			}
			return nil
		}
	}
	return sc
}

// home brings a guest to where the local shop lets people pay on delivery, with a piece that costs no more than they may bring.
func (s shelf) home(g *shopclient.Guest, dice *rand.Rand) {
	for _, m := range s.markets {
		i := slices.IndexFunc(m.addresses, func(a orderapi.Address) bool { return a.Country == "DE" })
		if m.currency == "EUR" && i >= 0 {
			g.Currency, g.Address, g.Items = m.currency, m.addresses[i], []shopclient.Item{{SKU: m.skus[dice.IntN(len(m.skus))], Quantity: 1}}
		}
	}
}

// pick draws an index by its share.
func pick(dice *rand.Rand, n int, share func(int) int) int {
	total := 0
	for i := range n {
		total += share(i)
	}
	draw := dice.IntN(total)
	for i := range n {
		if draw -= share(i); draw < 0 {
			return i
		}
	}
	return n - 1
}
