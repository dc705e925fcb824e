package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/postgres"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// serve is the whole service on a real database, without a sidecar.
func serve(t *testing.T) (apitest.Client, *auth.Signer) {
	t.Helper()
	pool := testkit.Schema(t, postgres.Migrations()...)
	store := postgres.New(pool, outbox.New(pool, outbox.Options{Source: "pricing"}))
	signer, verifier := apitest.Signer(t)
	s := httpx.New(httpx.Config{Name: "pricing", Verifier: verifier})
	clock := func() time.Time { return now }
	Register(s, &app.Quoter{Loader: store, Now: clock}, &app.Staff{Store: store, Now: clock}, store)
	return apitest.Client{T: t, Handler: s}, signer
}

const list = `{"name":"United States","currency":"USD","tax_included":false}`

func seeded(t *testing.T) (cart, staff apitest.Client) {
	t.Helper()
	client, signer := serve(t)
	staff = client.Staff(signer, ScopeRead, ScopeWrite)
	staff.Do("PUT", "/v1/admin/price-lists/us", list).Want(204)
	staff.Do("PUT", "/v1/admin/price-lists/us/prices", `{"prices":[
		{"sku":"shirt","amount":{"amount":1999,"currency":"USD"},"compare_at_price":{"amount":2499,"currency":"USD"}},
		{"sku":"shirt","amount":{"amount":1500,"currency":"USD"},"min_quantity":10},
		{"sku":"mug","amount":{"amount":500,"currency":"USD"}}]}`).Want(204)
	staff.Do("PUT", "/v1/admin/tax-rates", `{"tax_rates":[{"country":"US","tax_category":"standard","rate_bp":500},{"country":"US","region":"CA","tax_category":"standard","rate_bp":825}]}`).Want(204)
	staff.Do("PUT", "/v1/admin/coupons/ten", `{"label":"Ten per cent","kind":"percentage","percent_bp":1000,"enabled":true}`).Want(204)
	return client.As("cart"), staff
}

func TestQuote(t *testing.T) {
	t.Parallel()
	cart, _ := seeded(t)
	var q pricingapi.Quote
	cart.Do("POST", pricingapi.PathQuote, `{"currency":"USD","country":"US","region":"CA","coupons":["TEN","nope"],
		"lines":[{"id":"1","sku":"shirt","quantity":2},{"id":"2","sku":"mug","quantity":1},{"id":"3","sku":"ghost","quantity":1}],
		"shipping_options":[{"id":"std","price":{"amount":500,"currency":"USD"}}]}`).Want(200).JSON(&q)
	if q.ID == "" || !q.ValidUntil.Equal(now.Add(15*time.Minute)) {
		t.Errorf("quote %q until %s", q.ID, q.ValidUntil)
	}
	if q.Totals.Subtotal.Minor != 4498 || q.Totals.Discount.Minor != 450 || q.Totals.Tax.Minor != 334 || q.Totals.Total.Minor != 4382 {
		t.Errorf("totals %+v", q.Totals)
	}
	if len(q.Shipping) != 1 || q.Shipping[0].Totals.Total.Minor != 4382+500+41 {
		t.Errorf("shipping %+v", q.Shipping)
	}
	wantCoupons := []pricingapi.Coupon{{Code: "TEN", Status: "applied"}, {Code: "nope", Status: "not_applicable", Reason: "this code is not known", ReasonCode: "unknown"}}
	if diff := cmp.Diff(wantCoupons, q.Coupons); diff != "" {
		t.Error(diff)
	}
	if len(q.Unsellable) != 1 || q.Unsellable[0].Reason != "unknown-sku" {
		t.Errorf("unsellable %+v", q.Unsellable)
	}
	if q.Lines[0].CompareAtPrice.Minor != 2499 || q.Lines[0].TaxRateBP != 825 {
		t.Errorf("line %+v", q.Lines[0])
	}
}

func TestEmptyBasketHasATotal(t *testing.T) {
	t.Parallel()
	cart, _ := seeded(t)
	var q pricingapi.Quote
	cart.Do("POST", pricingapi.PathQuote, `{"currency":"JPY","country":"JP","lines":[]}`).Want(200).JSON(&q)
	if q.Totals.Total.Currency != "JPY" || q.Totals.Total.Minor != 0 || q.Lines == nil || q.Coupons == nil {
		t.Errorf("quote %+v", q)
	}
}

func TestQuoteRefuses(t *testing.T) {
	t.Parallel()
	cart, _ := seeded(t)
	for name, tc := range map[string]struct {
		body      string
		status    int
		code      string
		locations []string
	}{
		"no JSON":        {`{`, 400, "malformed", []string{"body"}},
		"unknown member": {`{"currency":"USD","country":"US","lines":[],"discount":5}`, 422, "validation-failed", []string{"body.discount"}},
		"wrong types":    {`{"currency":1,"country":"US","lines":{}}`, 422, "validation-failed", []string{"body.currency", "body.lines"}},
		"a float":        {`{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":1.5}]}`, 422, "validation-failed", []string{"body.lines[0].quantity"}},
		"all at once": {`{"currency":"XXY","country":"USA","lines":[]}`, 422, "validation-failed",
			[]string{"body.currency", "body.country"}},
		"a country in small letters": {`{"currency":"USD","country":"us","lines":[]}`, 422, "validation-failed", []string{"body.country"}},
		"bad lines": {`{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":0},{"id":"1","sku":"","quantity":-5},{"id":"2","sku":"mug","quantity":2000000}]}`,
			422, "validation-failed", []string{"body.lines[0].quantity", "body.lines[1].id", "body.lines[1].sku", "body.lines[1].quantity", "body.lines[2].quantity"}},
		"shipping in another currency": {`{"currency":"USD","country":"US","lines":[],"shipping_options":[{"id":"x","price":{"amount":1,"currency":"EUR"}}]}`,
			422, "validation-failed", []string{"body.shipping_options[0].price"}},
		"too many codes": {`{"currency":"USD","country":"US","lines":[],"coupons":["1","2","3","4","5","6","7","8","9","10","11"]}`, 422, "validation-failed", []string{"body.coupons"}},
		"a huge body":    {`{"currency":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "body-too-large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cart
			c.T = t
			got := apitest.Locations(c.Do("POST", pricingapi.PathQuote, tc.body).Problem(tc.status, tc.code))
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A region is as an address says it: whatever fits into an address can be asked for, and its capitals decide no tax.
func TestRegionIsAsAddressesSayIt(t *testing.T) {
	t.Parallel()
	cart, staff := seeded(t)
	staff.Do("PUT", "/v1/admin/tax-rates", `{"tax_rates":[{"country":"BR","tax_category":"standard","rate_bp":0},{"country":"BR","region":"São Paulo","tax_category":"standard","rate_bp":1800}]}`).Want(204)
	for region, rate := range map[string]int64{"SÃO PAULO": 1800, "são paulo": 1800, "Bahia": 0, strings.Repeat("ष", 100): 0} {
		var q pricingapi.Quote
		cart.Do("POST", pricingapi.PathQuote, `{"currency":"USD","country":"BR","region":"`+region+`","lines":[{"id":"1","sku":"mug","quantity":1}]}`).Want(200).JSON(&q)
		if got := q.Lines[0].TaxRateBP; got != rate {
			t.Errorf("%s: %d basis points, want %d", region, got, rate)
		}
	}
}

// What a replica can ask for is what it was told, with the sequence of the last event; prices that went are an empty list.
func TestTold(t *testing.T) {
	t.Parallel()
	cart, staff := seeded(t)
	staff.Do("PUT", "/v1/admin/price-lists/eu", `{"name":"Euro","currency":"EUR","tax_included":true,"countries":["DE"],"priority":3,"valid_from":"2026-01-01T00:00:00Z"}`).Want(204)
	staff.Do("PUT", "/v1/admin/price-lists/eu/prices", `{"prices":[{"sku":"mug","amount":{"amount":400,"currency":"EUR"},"valid_to":"2027-01-01T00:00:00Z"}]}`).Want(204)
	search := cart.As("search")
	var first, second pricingapi.Told
	search.Do("GET", pricingapi.PathTold+"?limit=1", nil).Want(200).JSON(&first)
	search.Do("GET", pricingapi.PathTold+"?limit=1&after="+first.Next, nil).Want(200).JSON(&second)
	from, to := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	want := pricingapi.PricesChangedV1{Sequence: 2, SKU: "mug", Prices: []pricingapi.ListPriceV1{
		{PriceListID: "eu", Amount: money.New(400, "EUR"), MinQuantity: 1, TaxIncluded: true, Countries: []string{"DE"}, Priority: 3, ValidFrom: &from, ValidTo: &to},
		{PriceListID: "us", Amount: money.New(500, "USD"), MinQuantity: 1}}}
	if len(first.Items) != 1 || first.Next != "mug" || !cmp.Equal(first.Items[0], want, cmpopts.EquateEmpty()) {
		t.Errorf("%q: %s", first.Next, cmp.Diff(want, first.Items[0]))
	}
	if len(second.Items) != 1 || second.Next != "" || second.Items[0].SKU != "shirt" || second.Items[0].Sequence != 1 || len(second.Items[0].Prices) != 2 {
		t.Errorf("%+v", second)
	}
	cart.Do("GET", pricingapi.PathTold, nil).Problem(403, "forbidden")
	search.Do("GET", pricingapi.PathTold+"?limit=0", nil).Problem(422, "validation-failed")
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	client, signer := serve(t)
	quote := `{"currency":"USD","country":"US","lines":[]}`
	client.Do("POST", pricingapi.PathQuote, quote).Problem(403, "forbidden")
	client.As("catalog").Do("POST", pricingapi.PathQuote, quote).Problem(403, "forbidden")
	client.As("checkout").Do("POST", pricingapi.PathQuote, quote).Want(200)
	client.Do("PUT", "/v1/admin/price-lists/us", list).Problem(401, "unauthenticated")
	client.Staff(signer, ScopeRead).Do("PUT", "/v1/admin/price-lists/us", list).Problem(403, "forbidden")
	client.Staff(signer, ScopeWrite).Do("GET", "/v1/admin/tax-rates", nil).Problem(403, "forbidden")
}

func TestStaffReadWhatTheyWrote(t *testing.T) {
	t.Parallel()
	_, staff := seeded(t)
	var prices struct{ Items []pricingapi.Price }
	staff.Do("GET", "/v1/admin/prices?sku=shirt", nil).Want(200).JSON(&prices)
	if len(prices.Items) != 2 || prices.Items[1].MinQuantity != 10 || prices.Items[1].PriceListID != "us" {
		t.Errorf("prices %+v", prices.Items)
	}
	var lists struct{ Items []PriceList }
	staff.Do("GET", "/v1/admin/price-lists", nil).Want(200).JSON(&lists)
	if len(lists.Items) != 1 || lists.Items[0].ID != "us" || lists.Items[0].Name != "United States" {
		t.Errorf("lists %+v", lists.Items)
	}
	var rates struct{ Items []pricingapi.TaxRateInput }
	staff.Do("GET", "/v1/admin/tax-rates", nil).Want(200).JSON(&rates)
	if len(rates.Items) != 2 || rates.Items[1].Region != "CA" || rates.Items[0].Rounding != "half-up" {
		t.Errorf("rates %+v", rates.Items)
	}
	var c CouponView
	staff.Do("GET", "/v1/admin/coupons/TEN", nil).Want(200).JSON(&c)
	if c.Code != "TEN" || c.PercentBP != 1000 || !c.Enabled {
		t.Errorf("coupon %+v", c)
	}
	staff.Do("GET", "/v1/admin/coupons/ELEVEN", nil).Problem(404, "coupon-not-found")
}

func TestStaffInputIsChecked(t *testing.T) {
	t.Parallel()
	_, staff := seeded(t)
	for name, tc := range map[string]struct {
		path, body string
		status     int
		code       string
		locations  []string
	}{
		"an unknown list":      {"/v1/admin/price-lists/nobody/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"USD"}}]}`, 404, "price-list-not-found", nil},
		"another currency":     {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"EUR"}}]}`, 422, "validation-failed", []string{"body.prices[0].amount.currency"}},
		"a negative price":     {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a b","amount":{"amount":-1,"currency":"USD"}}]}`, 422, "validation-failed", []string{"body.prices[0].sku", "body.prices[0].amount"}},
		"a price as a float":   {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1.99,"currency":"USD"}}]}`, 422, "validation-failed", []string{"body.prices[0].amount.amount"}},
		"the same row twice":   {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"USD"}},{"sku":"a","amount":{"amount":2,"currency":"USD"}}]}`, 422, "validation-failed", []string{"body.prices[1]"}},
		"a window backwards":   {"/v1/admin/price-lists/us", `{"name":"x","currency":"USD","tax_included":false,"valid_from":"2026-02-01T00:00:00Z","valid_to":"2026-01-01T00:00:00Z"}`, 422, "validation-failed", []string{"body.valid_to"}},
		"a list of no money":   {"/v1/admin/price-lists/US!", `{"name":"","currency":"XXY","tax_included":false,"countries":["usa"]}`, 422, "validation-failed", []string{"path.id", "body.name", "body.currency", "body.countries[0]"}},
		"gross beside net":     {"/v1/admin/price-lists/gross", `{"name":"x","currency":"USD","tax_included":true}`, 409, "tax-mode-conflict", nil},
		"a coupon of two ways": {"/v1/admin/coupons/X", `{"kind":"percentage","percent_bp":0,"amounts":[{"amount":0,"currency":"USD"}],"enabled":true}`, 422, "validation-failed", []string{"body.percent_bp", "body.amounts", "body.amounts[0].amount"}},
		"a priority too high":  {"/v1/admin/price-lists/us", `{"name":"x","currency":"USD","tax_included":false,"priority":99999999999}`, 422, "validation-failed", []string{"body.priority"}},
		"a list for nobody":    {"/v1/admin/price-lists/us", `{"name":"x","currency":"USD","tax_included":false,"channel":"` + strings.Repeat("c", 65) + `","customer_group":"` + strings.Repeat("g", 65) + `"}`, 422, "validation-failed", []string{"body.channel", "body.customer_group"}},
		"an end after all":     {"/v1/admin/price-lists/us", `{"name":"x","currency":"USD","tax_included":false,"valid_to":"9999-12-31T23:59:59-05:00"}`, 422, "validation-failed", []string{"body.valid_to"}},
		"a start before all":   {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"USD"},"valid_from":"0000-01-01T00:00:00Z"}]}`, 422, "validation-failed", []string{"body.prices[0].valid_from"}},
		"countries for ever":   {"/v1/admin/price-lists/us", `{"name":"x","currency":"USD","tax_included":false,"countries":[` + strings.Repeat(`"US",`, 250) + `"US"]}`, 422, "validation-failed", []string{"body.countries"}},
		"no time at all":       {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"USD"},"valid_from":"2026-01-01T00:00:00.0000001Z","valid_to":"2026-01-01T00:00:00.0000002Z"}]}`, 422, "validation-failed", []string{"body.prices[0].valid_to"}},
		"starts that are one":  {"/v1/admin/price-lists/us/prices", `{"prices":[{"sku":"a","amount":{"amount":1,"currency":"USD"},"valid_from":"2026-01-01T00:00:00.0000001Z"},{"sku":"a","amount":{"amount":2,"currency":"USD"},"valid_from":"2026-01-01T00:00:00.0000002Z"}]}`, 422, "validation-failed", []string{"body.prices[1]"}},
		"a rate twice":         {"/v1/admin/tax-rates", `{"tax_rates":[{"country":"US","tax_category":"standard","rate_bp":1},{"country":"US","tax_category":"standard","rate_bp":2}]}`, 422, "validation-failed", []string{"body.tax_rates[1]"}},
		"a rate above all":     {"/v1/admin/tax-rates", `{"tax_rates":[{"country":"US","tax_category":"standard","rate_bp":10001,"rounding":"up"}]}`, 422, "validation-failed", []string{"body.tax_rates[0].rate_bp", "body.tax_rates[0].rounding"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := staff
			c.T = t
			got := apitest.Locations(c.Do(http.MethodPut, tc.path, tc.body).Problem(tc.status, tc.code))
			if diff := cmp.Diff(tc.locations, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
