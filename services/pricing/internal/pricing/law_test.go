package pricing

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/money"
)

// drawRequest makes a basket of up to 12 lines over gross or net prices, up to 4 codes, up to 3 shipping options.
func drawRequest(t *rapid.T) (Request, *Book, Coupons) {
	cur := rapid.SampledFrom([]money.Currency{"USD", "JPY", "KWD"}).Draw(t, "currency")
	list := &List{ID: "l", Currency: cur, TaxIncluded: rapid.Bool().Draw(t, "gross")}
	book := &Book{Rows: map[string][]Row{}, Tax: TaxTable{}}
	req := Request{Context: Context{Currency: cur, Country: "DE", Now: time.Unix(1e9, 0)}}
	amount := rapid.Int64Range(0, 5_000_000)
	for _, cat := range []string{"standard", "reduced"} {
		book.Tax[TaxKey{"DE", "", cat}] = TaxRate{BasisPoints: rapid.Int64Range(0, 3000).Draw(t, "rate"), Rounding: money.HalfUp}
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "lines") {
		sku := "s" + string(rune('a'+i))
		book.Rows[sku] = []Row{{List: list, Amount: money.New(amount.Draw(t, "price"), cur), MinQuantity: 1}}
		req.Lines = append(req.Lines, Line{ID: "id" + sku, SKU: sku, Quantity: rapid.Int64Range(1, 99).Draw(t, "quantity"),
			TaxCategory: rapid.SampledFrom([]string{"standard", "reduced", ""}).Draw(t, "category"), Known: true})
	}
	coupons := Coupons{}
	for _, code := range []string{"A", "B", "C", "D"}[:rapid.IntRange(0, 4).Draw(t, "codes")] {
		coupons[code] = Coupon{Code: code, Enabled: true, Kind: rapid.SampledFrom([]string{Percentage, Fixed}).Draw(t, "kind"),
			BasisPoints: rapid.Int64Range(0, 10_000).Draw(t, "bp"), Amounts: []money.Amount{money.New(amount.Draw(t, "off"), cur)}}
		req.Codes = append(req.Codes, code)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "options") {
		req.Shipping = append(req.Shipping, Shipping{ID: string(rune('x' + i)), Price: money.New(amount.Draw(t, "shipping"), cur)})
	}
	if rapid.Bool().Draw(t, "with a fee") {
		req.Fee = money.New(rapid.Int64Range(1, 5_000).Draw(t, "fee"), cur)
	}
	return req, book, coupons
}

// TestTotalsAddUp is invariant I7 and the meaning of Totals.
func TestTotalsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		req, book, coupons := drawRequest(t)
		q, err := Compute(req, book, coupons)
		if err != nil {
			t.Fatal(err)
		}
		var subtotal, discount, tax, byPromotion int64
		for _, l := range q.Lines {
			var off int64
			for _, d := range l.Discounts {
				if d.Amount.Minor <= 0 {
					t.Fatalf("a discount of %s on %s", d.Amount, l.SKU)
				}
				off += d.Amount.Minor
			}
			if l.Total.IsNegative() || l.Total.Minor != l.Subtotal.Minor-off {
				t.Fatalf("line %s: subtotal %s − %d ≠ total %s", l.SKU, l.Subtotal, off, l.Total)
			}
			subtotal, discount, tax = subtotal+l.Subtotal.Minor, discount+off, tax+l.Tax.Minor
		}
		for _, p := range q.Promotions {
			byPromotion += p.Amount.Minor
		}
		got := q.Totals
		if got.Subtotal.Minor != subtotal || got.Discount.Minor != discount || got.Tax.Minor != tax || byPromotion != discount {
			t.Fatalf("totals %+v; lines say %d − %d, tax %d; promotions say %d", got, subtotal, discount, tax, byPromotion)
		}
		for _, totals := range append([]ShippingTotals{{Totals: got}}, q.Shipping...) {
			s := totals.Totals
			want := s.Subtotal.Minor - s.Discount.Minor + s.Shipping.Minor
			if !s.TaxIncluded {
				want += s.Tax.Minor
			}
			if totals.OptionID != "" && (s.Fee != req.Fee || s.Shipping.Minor < s.Fee.Minor) || totals.OptionID == "" && s.Fee != (money.Amount{}) {
				t.Fatalf("option %q: shipping %s, of it %s; the fee is %s", totals.OptionID, s.Shipping, s.Fee, req.Fee)
			}
			if s.Total.Minor != want || s.Total.IsNegative() {
				t.Fatalf("option %q: total %s, want %d", totals.OptionID, s.Total, want)
			}
		}
	})
}

// TestOrderChangesNothing shuffles lines, codes and rows: every line and every sum stays the same.
func TestOrderChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		req, book, coupons := drawRequest(t)
		want, err := Compute(req, book, coupons)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewSource(rapid.Int64().Draw(t, "shuffle")))
		other := req
		other.Lines, other.Codes = slices.Clone(req.Lines), slices.Clone(req.Codes)
		rnd.Shuffle(len(other.Lines), func(i, j int) { other.Lines[i], other.Lines[j] = other.Lines[j], other.Lines[i] })
		rnd.Shuffle(len(other.Codes), func(i, j int) { other.Codes[i], other.Codes[j] = other.Codes[j], other.Codes[i] })
		got, err := Compute(other, book, coupons)
		if err != nil {
			t.Fatal(err)
		}
		if got.Totals != want.Totals {
			t.Fatalf("totals %+v became %+v", want.Totals, got.Totals)
		}
		byID := map[string]Priced{}
		for _, l := range want.Lines {
			byID[l.ID] = l
		}
		for _, l := range got.Lines {
			if diff := cmp.Diff(byID[l.ID], l); diff != "" {
				t.Fatalf("line %s changed: %s", l.ID, diff)
			}
		}
	})
}

// TestChooseIgnoresRowOrder shuffles rows with ties in priority, tier and amount; rows of one list and tier start at different times.
func TestChooseIgnoresRowOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lists := []*List{{ID: "a", Currency: "USD"}, {ID: "b", Currency: "USD", Priority: 1}, {ID: "c", Currency: "USD", Priority: 1}}
		row := rapid.Custom(func(t *rapid.T) Row {
			return Row{List: rapid.SampledFrom(lists).Draw(t, "list"), MinQuantity: rapid.Int64Range(1, 3).Draw(t, "tier"),
				Amount: money.New(rapid.Int64Range(1, 3).Draw(t, "amount"), "USD"), Window: Window{From: time.Unix(rapid.Int64Range(1, 3).Draw(t, "from"), 0)}}
		})
		rows := rapid.SliceOfNDistinct(row, 1, 8, func(r Row) string {
			return fmt.Sprint(r.List.ID, r.MinQuantity, r.Window.From.Unix())
		}).Draw(t, "rows")
		c := Context{Currency: "USD", Now: time.Unix(1e9, 0)}
		quantity := rapid.Int64Range(1, 4).Draw(t, "quantity")
		want, _, okWant := (&Book{Rows: map[string][]Row{"s": rows}}).Choose(c, "s", quantity)
		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		got, _, ok := (&Book{Rows: map[string][]Row{"s": shuffled}}).Choose(c, "s", quantity)
		if ok != okWant || got != want {
			t.Fatalf("chose %+v, then %+v", want, got)
		}
	})
}
