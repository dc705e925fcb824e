package pricing

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func one(list *List, rows ...Row) *Book {
	for i := range rows {
		if rows[i].List == nil {
			rows[i].List = list
		}
		rows[i].MinQuantity = max(rows[i].MinQuantity, 1)
	}
	return &Book{Rows: map[string][]Row{"sku": rows}, Tax: TaxTable{
		{"US", "", "standard"}:   {BasisPoints: 500, Rounding: money.HalfUp},
		{"US", "CA", "standard"}: {BasisPoints: 825, Rounding: money.HalfUp},
		{"US", "", "zero"}:       {BasisPoints: 0},
		{"DE", "", "standard"}:   {BasisPoints: 1900, Rounding: money.HalfUp},
	}}
}

func ask(quantity int64, codes ...string) Request {
	return Request{Context: Context{Currency: "USD", Country: "US", Now: now}, Codes: codes,
		Lines: []Line{{ID: "1", SKU: "sku", Quantity: quantity, Known: true}}}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	base := &List{ID: "base", Currency: "USD"}
	sale := &List{ID: "sale", Currency: "USD", Priority: 5, Window: Window{From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
	german := &List{ID: "german", Currency: "USD", Priority: 9, Countries: []string{"DE"}}
	trade := &List{ID: "trade", Currency: "USD", Priority: 9, Group: "trade"}
	euro := &List{ID: "euro", Currency: "EUR", Priority: 99}
	tonight := Row{List: base, Amount: usd(50), Window: Window{From: now.Add(5 * time.Minute)}}
	for name, tc := range map[string]struct {
		rows     []Row
		quantity int64
		want     int64
		valid    time.Duration
	}{
		"plain":                          {[]Row{{List: base, Amount: usd(100)}}, 1, 100, Validity},
		"the higher priority wins":       {[]Row{{List: base, Amount: usd(100)}, {List: sale, Amount: usd(120)}}, 1, 120, Validity},
		"another country's list":         {[]Row{{List: base, Amount: usd(100)}, {List: german, Amount: usd(1)}}, 1, 100, Validity},
		"another group's list":           {[]Row{{List: base, Amount: usd(100)}, {List: trade, Amount: usd(1)}}, 1, 100, Validity},
		"another currency's list":        {[]Row{{List: base, Amount: usd(100)}, {List: euro, Amount: money.New(1, "EUR")}}, 1, 100, Validity},
		"a tier not reached":             {[]Row{{List: base, Amount: usd(100)}, {List: base, Amount: usd(80), MinQuantity: 10}}, 9, 100, Validity},
		"a tier reached":                 {[]Row{{List: base, Amount: usd(100)}, {List: base, Amount: usd(80), MinQuantity: 10}}, 10, 80, Validity},
		"the lower of two":               {[]Row{{List: base, Amount: usd(100)}, {List: base, Amount: usd(90)}}, 1, 90, Validity},
		"a price of tonight, not now":    {[]Row{{List: base, Amount: usd(100)}, tonight}, 1, 100, 5 * time.Minute},
		"a price that ends in a minute":  {[]Row{{List: base, Amount: usd(70), Window: Window{To: now.Add(time.Minute)}}}, 1, 70, time.Minute},
		"a price that has ended is gone": {[]Row{{List: base, Amount: usd(70), Window: Window{To: now}}, {List: base, Amount: usd(100)}}, 1, 100, Validity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := Compute(ask(tc.quantity), one(base, tc.rows...), Coupons{})
			if err != nil {
				t.Fatal(err)
			}
			if len(q.Lines) != 1 || q.Lines[0].UnitPrice != usd(tc.want) {
				t.Fatalf("lines %+v, want a unit price of %d", q.Lines, tc.want)
			}
			if got := q.ValidUntil.Sub(now); got != tc.valid {
				t.Errorf("valid for %s, want %s", got, tc.valid)
			}
		})
	}
}

func TestUnsellable(t *testing.T) {
	t.Parallel()
	req := ask(1)
	req.Lines = append(req.Lines, Line{ID: "2", SKU: "known", Quantity: 1, Known: true}, Line{ID: "3", SKU: "nobody", Quantity: 1})
	q, err := Compute(req, one(&List{ID: "l", Currency: "USD"}, Row{Amount: usd(100)}), Coupons{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Unsellable{{"2", "known", NoPrice}, {"3", "nobody", UnknownSKU}}
	if len(q.Unsellable) != 2 || q.Unsellable[0] != want[0] || q.Unsellable[1] != want[1] {
		t.Errorf("unsellable %+v, want %+v", q.Unsellable, want)
	}
	if q.Totals.Subtotal != usd(100) {
		t.Errorf("subtotal %s covers more than what can be sold", q.Totals.Subtotal)
	}
}

func TestTax(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gross                    bool
		country, region, cat     string
		tax, total, withShipping int64
	}{
		"net, country":                      {false, "US", "", "", 50, 1049, 1049 + 500 + 25},
		"net, region over country":          {false, "US", "CA", "", 82, 1081, 1081 + 500 + 41},
		"net, region typed otherwise":       {false, "US", " ca", "", 82, 1081, 1081 + 500 + 41},
		"net, region without rate":          {false, "US", "NY", "", 50, 1049, 1049 + 500 + 25},
		"net, zero category":                {false, "US", "CA", "zero", 0, 999, 999 + 500 + 41},
		"net, category nobody knows":        {false, "US", "", "odd", 50, 1049, 1049 + 500 + 25},
		"net, country without rates":        {false, "BR", "", "", 0, 999, 999 + 500},
		"gross, tax contained":              {true, "DE", "", "", 160, 999, 999 + 500},
		"gross, country without rates":      {true, "BR", "", "", 0, 999, 999 + 500},
		"gross keeps its price in a region": {true, "US", "CA", "", 76, 999, 999 + 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := ask(1)
			req.Context.Country, req.Context.Region, req.Lines[0].TaxCategory = tc.country, tc.region, tc.cat
			req.Shipping = []Shipping{{ID: "std", Price: usd(500)}}
			q, err := Compute(req, one(&List{ID: "l", Currency: "USD", TaxIncluded: tc.gross}, Row{Amount: usd(999)}), Coupons{})
			if err != nil {
				t.Fatal(err)
			}
			if q.Totals.Tax != usd(tc.tax) || q.Totals.Total != usd(tc.total) || q.Totals.TaxIncluded != tc.gross {
				t.Errorf("totals %+v, want tax %d total %d", q.Totals, tc.tax, tc.total)
			}
			if got := q.Shipping[0].Totals.Total; got != usd(tc.withShipping) {
				t.Errorf("with shipping %s, want %d", got, tc.withShipping)
			}
		})
	}
}

func TestCoupons(t *testing.T) {
	t.Parallel()
	ten := Coupon{Code: "TEN", Kind: Percentage, BasisPoints: 1000, Enabled: true}
	five := Coupon{Code: "FIVE", Kind: Fixed, Amounts: []money.Amount{usd(500)}, Enabled: true}
	with := func(c Coupon, change func(*Coupon)) Coupon { change(&c); return c }
	for name, tc := range map[string]struct {
		coupons []Coupon
		codes   []string
		want    int64
		reason  string // contained in the reason of the last code
		code    ReasonCode
	}{
		"percentage":                  {[]Coupon{ten}, []string{"TEN"}, 100, "", ""},
		"spelled otherwise":           {[]Coupon{ten}, []string{" ten "}, 100, "", ""},
		"twice is once":               {[]Coupon{ten}, []string{"TEN", "ten"}, 100, "", ""},
		"fixed":                       {[]Coupon{five}, []string{"FIVE"}, 500, "", ""},
		"percentage before fixed":     {[]Coupon{ten, five}, []string{"FIVE", "TEN"}, 600, "", ""},
		"never more than the total":   {[]Coupon{with(five, func(c *Coupon) { c.Amounts = []money.Amount{usd(5000)} })}, []string{"FIVE"}, 1000, "", ""},
		"nothing left":                {[]Coupon{with(ten, func(c *Coupon) { c.BasisPoints = 10_000 }), five}, []string{"TEN", "FIVE"}, 1000, "nothing left", NothingLeft},
		"unknown":                     {nil, []string{"WHAT"}, 0, "not known", Unknown},
		"disabled looks unknown":      {[]Coupon{with(ten, func(c *Coupon) { c.Enabled = false })}, []string{"TEN"}, 0, "not known", Unknown},
		"not yet":                     {[]Coupon{with(ten, func(c *Coupon) { c.Window.From = now.Add(1) })}, []string{"TEN"}, 0, "not valid yet", NotYet},
		"expired":                     {[]Coupon{with(ten, func(c *Coupon) { c.Window.To = now })}, []string{"TEN"}, 0, "expired", Expired},
		"used up":                     {[]Coupon{with(ten, func(c *Coupon) { c.UsageLimit, c.Used = 3, 3 })}, []string{"TEN"}, 0, "used up", UsedUp},
		"other currency":              {[]Coupon{with(five, func(c *Coupon) { c.Amounts = []money.Amount{money.New(5, "EUR")} })}, []string{"FIVE"}, 0, "not valid for USD", NoCurrency},
		"below its minimum":           {[]Coupon{with(ten, func(c *Coupon) { c.MinSubtotal = []money.Amount{usd(1250)} })}, []string{"TEN"}, 0, "add 2.50 USD more", MinSubtotal},
		"at its minimum":              {[]Coupon{with(ten, func(c *Coupon) { c.MinSubtotal = []money.Amount{usd(1000)} })}, []string{"TEN"}, 100, "", ""},
		"minimum in another currency": {[]Coupon{with(ten, func(c *Coupon) { c.MinSubtotal = []money.Amount{money.New(1, "EUR")} })}, []string{"TEN"}, 0, "not valid for USD", NoCurrency},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cs := Coupons{}
			for _, c := range tc.coupons {
				cs[c.Code] = c
			}
			q, err := Compute(ask(1, tc.codes...), one(&List{ID: "l", Currency: "USD"}, Row{Amount: usd(1000)}), cs)
			if err != nil {
				t.Fatal(err)
			}
			if q.Totals.Discount != usd(tc.want) {
				t.Errorf("discount %s, want %d", q.Totals.Discount, tc.want)
			}
			last := q.Codes[len(q.Codes)-1]
			if last.Applied != (tc.reason == "") || !strings.Contains(last.Why.Reason, tc.reason) || last.Why.Code != tc.code {
				t.Errorf("code %+v, want reason %q", last, tc.reason)
			}
			if short := last.Why.Code == MinSubtotal; short != (last.Why.Least == usd(1250)) || short != (last.Why.Missing == usd(250)) {
				t.Errorf("code %+v", last)
			}
		})
	}
}

func TestQuoteEndsWithItsCoupon(t *testing.T) {
	t.Parallel()
	cs := Coupons{"TEN": {Code: "TEN", Kind: Percentage, BasisPoints: 1000, Enabled: true, Window: Window{To: now.Add(time.Minute)}}}
	q, err := Compute(ask(1, "TEN"), one(&List{ID: "l", Currency: "USD"}, Row{Amount: usd(1000)}), cs)
	if err != nil || !q.ValidUntil.Equal(now.Add(time.Minute)) {
		t.Errorf("valid until %v (%v), want the coupon's end", q.ValidUntil, err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	net, gross := &List{ID: "net", Currency: "USD"}, &List{ID: "gross", Currency: "USD", TaxIncluded: true}
	book := one(net, Row{Amount: usd(math.MaxInt64)})
	book.Rows["gross"] = []Row{{List: gross, Amount: usd(1), MinQuantity: 1}}
	if _, err := Compute(ask(2), book, Coupons{}); fault.CodeOf(err) != "amount-overflow" {
		t.Errorf("twice the largest amount: %v", err)
	}
	req := ask(1)
	req.Lines = append(req.Lines, Line{ID: "2", SKU: "gross", Quantity: 1})
	if _, err := Compute(req, book, Coupons{}); fault.CodeOf(err) != ErrTaxMode.Code {
		t.Errorf("gross and net in one basket: %v", err)
	}
	req = ask(1)
	req.Shipping = []Shipping{{ID: "x", Price: money.New(1, "EUR")}}
	if _, err := Compute(req, one(net, Row{Amount: usd(1)}), Coupons{}); fault.CodeOf(err) != "shipping-price" {
		t.Errorf("shipping in another currency: %v", err)
	}
}

// lying takes more off a line than it costs.
type lying struct{}

func (lying) Promote(b Basket) (Outcome, error) {
	return Outcome{Promotions: []Promotion{{ID: "liar", Amount: usd(2000), PerLine: []money.Amount{usd(2000)}}}}, nil
}

func TestPromoterIsHeldToItsBounds(t *testing.T) {
	t.Parallel()
	_, err := Compute(ask(1), one(&List{ID: "l", Currency: "USD"}, Row{Amount: usd(1000)}), lying{})
	if fault.CodeOf(err) != "promotion-out-of-bounds" {
		t.Errorf("a promoter took more than the line: %v", err)
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	base := List{ID: "a", Currency: "USD"}
	for name, tc := range map[string]struct {
		b    List
		want bool
	}{
		"itself":         {List{ID: "a", Currency: "USD"}, false},
		"everywhere":     {List{ID: "b", Currency: "USD"}, true},
		"other currency": {List{ID: "b", Currency: "EUR"}, false},
		"some country":   {List{ID: "b", Currency: "USD", Countries: []string{"DE"}}, true},
	} {
		if got := base.Overlaps(&tc.b); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	german, french := List{ID: "d", Currency: "EUR", Countries: []string{"DE", "AT"}}, List{ID: "f", Currency: "EUR", Countries: []string{"FR"}}
	if german.Overlaps(&french) {
		t.Error("lists of different countries overlap")
	}
}
