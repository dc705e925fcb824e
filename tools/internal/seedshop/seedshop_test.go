package seedshop

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

var update = flag.Bool("update", false, "write the golden digest anew")

func TestCounts(t *testing.T) {
	t.Parallel()
	s := Catalogue()
	skus := 0
	status := map[Status]int{}
	leaves, departments := map[string]bool{}, map[string]bool{}
	for _, p := range s.Products {
		status[p.Status]++
		skus += len(p.Variants)
		leaves[p.Category] = true
	}
	published := status[Published]
	for _, c := range s.Categories {
		if c.Parent == "" {
			departments[c.Code] = true
		}
	}
	if published < 400 || skus < 1500 || len(leaves) < 12 || len(departments) < 5 {
		t.Errorf("published %d, SKUs %d, leaves %d, departments %d", published, skus, len(leaves), len(departments))
	}
	if status[Draft] < 3 || status[Archived] < 3 || len(s.Locations) != 3 || len(s.Baskets) < 24 {
		t.Errorf("draft %d, archived %d, locations %d, baskets %d", status[Draft], status[Archived], len(s.Locations), len(s.Baskets))
	}
	kinds := map[Kind]bool{}
	for _, p := range s.Products {
		for _, v := range p.Attributes {
			kinds[v.Kind] = true
		}
	}
	for _, k := range []Kind{Text, Integer, Decimal, Boolean, Enum, MultiEnum, Date, Colour} {
		if !kinds[k] {
			t.Errorf("no product has an attribute of kind %s", k)
		}
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	once := func(what, key string) {
		if was, ok := seen[what+key]; ok {
			t.Errorf("%s %q twice, first %s", what, key, was)
		}
		seen[what+key] = key
	}
	sku := regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}[A-Za-z0-9]$`)
	slugs := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	s := Catalogue()
	for _, p := range s.Products {
		once("slug", p.Slug)
		once("title", p.Title)
		once("description", p.Description)
		if !slugs.MatchString(p.Slug) {
			t.Errorf("slug %q", p.Slug)
		}
		for _, v := range p.Variants {
			once("sku", v.SKU)
			once("barcode", v.Barcode)
			if !sku.MatchString(v.SKU) {
				t.Errorf("SKU %q", v.SKU)
			}
			if !validBarcode(v.Barcode) {
				t.Errorf("%s: barcode %q", v.SKU, v.Barcode)
			}
		}
	}
	for _, c := range s.Categories {
		once("category", c.Code)
	}
	for _, b := range s.Brands {
		once("brand", b.Code)
	}
	for _, a := range s.Attributes {
		once("attribute", a.Code)
	}
	for _, b := range s.Baskets {
		once("e-mail", b.Email)
	}
}

// validBarcode checks length, range and check digit by the GS1 rule, from the right.
func validBarcode(s string) bool {
	if len(s) != 13 || s[0] != '2' {
		return false
	}
	sum := 0
	for i := range 13 {
		d := int(s[12-i] - '0')
		if i%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}

func TestCategoriesFormATree(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	taxes := map[string]bool{}
	for _, c := range Catalogue().Categories {
		if !seen[c.Parent] {
			t.Errorf("%s stands before its parent %q", c.Code, c.Parent)
		}
		seen[c.Code] = true
		taxes[c.Tax] = true
	}
	delete(taxes, "")
	if len(taxes) != 3 || !taxes["standard"] || !taxes["reduced"] || !taxes["zero"] {
		t.Errorf("tax categories %v", taxes)
	}
}

func TestDescriptionsAreTwoToFourSentences(t *testing.T) {
	t.Parallel()
	for _, p := range Catalogue().Products {
		n := strings.Count(p.Description, ". ") + 1
		if n < 2 || n > 4 || !strings.HasSuffix(p.Description, ".") || strings.Contains(p.Description, "  ") {
			t.Errorf("%s: %q", p.Slug, p.Description)
		}
	}
}

func TestProductsKeepTheRulesOfTheirCategory(t *testing.T) {
	t.Parallel()
	s := Catalogue()
	registry := map[string]Attribute{}
	for _, a := range s.Attributes {
		registry[a.Code] = a
	}
	for _, p := range s.Products {
		i := slices.IndexFunc(s.Categories, func(c Category) bool { return c.Code == p.Category })
		rules := s.Categories[i].Rules
		for _, v := range p.Variants {
			checkVariant(t, registry, rules, p, v)
		}
		combos := map[string]bool{}
		for _, v := range p.Variants {
			key := ""
			for _, o := range v.Options {
				key += o.Text + "/"
			}
			if combos[key] {
				t.Errorf("%s: options %s twice", p.Slug, key)
			}
			combos[key] = true
		}
	}
}

func checkVariant(t *testing.T, registry map[string]Attribute, rules []Rule, p Product, v Variant) {
	t.Helper()
	have := map[string]bool{}
	for _, value := range slices.Concat(p.Attributes, v.Options, v.Attributes) {
		if have[value.Attribute] {
			t.Errorf("%s: %s twice", v.SKU, value.Attribute)
		}
		have[value.Attribute] = true
		checkValue(t, v.SKU, registry[value.Attribute], value)
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Attribute == value.Attribute }) {
			t.Errorf("%s: %s is not an attribute of %s", v.SKU, value.Attribute, p.Category)
		}
	}
	for _, r := range rules {
		isOption := slices.ContainsFunc(v.Options, func(o Value) bool { return o.Attribute == r.Attribute })
		if r.Required && !have[r.Attribute] {
			t.Errorf("%s: lacks %s", v.SKU, r.Attribute)
		}
		if isOption != (r.Variant && have[r.Attribute]) {
			t.Errorf("%s: %s is variant-defining %v, option %v", v.SKU, r.Attribute, r.Variant, isOption)
		}
	}
	if len(v.Options) != len(p.Options) {
		t.Errorf("%s: %d of %d options", v.SKU, len(v.Options), len(p.Options))
	}
}

func checkValue(t *testing.T, where string, a Attribute, v Value) {
	t.Helper()
	ok := v.Kind == a.Kind && v.Unit == a.Unit && v.Label != ""
	listed := func(code string) bool {
		return slices.ContainsFunc(a.Values, func(c Choice) bool { return c.Code == code && c.Label != "" })
	}
	switch a.Kind {
	case Text:
		ok = ok && v.Text != ""
	case Integer:
		ok = ok && v.Integer > 0
	case Decimal:
		ok = ok && regexp.MustCompile(`^\d+(\.\d+)?$`).MatchString(v.Text)
	case Boolean:
	case Enum:
		ok = ok && listed(v.Text)
	case Colour:
		ok = ok && listed(v.Text) && regexp.MustCompile(`^#[0-9A-F]{6}$`).MatchString(v.Hex)
	case MultiEnum:
		ok = ok && len(v.Codes) > 0 && !slices.ContainsFunc(v.Codes, func(c string) bool { return !listed(c) })
	case Date:
		_, err := time.Parse(time.DateOnly, v.Text)
		ok = ok && err == nil
	default:
		ok = false
	}
	if !ok {
		t.Errorf("%s: %+v does not fit %s", where, v, a.Code)
	}
}

func TestPricesWeightsAndSizes(t *testing.T) {
	t.Parallel()
	tiered, compared, missing := 0, 0, 0
	for _, p := range Catalogue().Products {
		for _, v := range p.Variants {
			if v.WeightGrams <= 0 || v.Size.Length <= 0 || v.Size.Width <= 0 || v.Size.Height <= 0 {
				t.Errorf("%s: %d g, %+v", v.SKU, v.WeightGrams, v.Size)
			}
			if len(v.Prices) < 4 {
				missing++
			}
			for _, price := range v.Prices {
				checkPrice(t, v.SKU, price)
				if price.CompareAt != nil {
					compared++
				}
				if price.Tiers != nil {
					tiered++
				}
			}
		}
	}
	if tiered == 0 || compared == 0 || missing == 0 {
		t.Errorf("tiered %d, compared %d, missing %d", tiered, compared, missing)
	}
}

func checkPrice(t *testing.T, sku string, p Price) {
	t.Helper()
	limits := map[money.Currency][2]int64{"USD": {200, 500_000}, "EUR": {200, 500_000}, "GBP": {150, 500_000}, "JPY": {300, 600_000}}
	limit := limits[p.Amount.Currency]
	if p.Amount.Minor < limit[0] || p.Amount.Minor > limit[1] {
		t.Errorf("%s: price %s", sku, p.Amount)
	}
	if p.CompareAt != nil && (p.CompareAt.Minor <= p.Amount.Minor || p.CompareAt.Currency != p.Amount.Currency) {
		t.Errorf("%s: %s before, now %s", sku, p.CompareAt, p.Amount)
	}
	last, quantity := p.Amount, int64(1)
	for _, tier := range p.Tiers {
		if tier.MinQuantity <= quantity || tier.Amount.Minor >= last.Minor || tier.Amount.Minor <= 0 || tier.Amount.Currency != last.Currency {
			t.Errorf("%s: tier %+v after %s", sku, tier, last)
		}
		last, quantity = tier.Amount, tier.MinQuantity
	}
}

func TestStock(t *testing.T) {
	t.Parallel()
	s := Catalogue()
	scarce, none := 0, 0
	for _, p := range s.Products {
		for _, v := range p.Variants {
			var total int64
			for _, st := range v.Stock {
				if st.Quantity < 0 || !slices.ContainsFunc(s.Locations, func(l Location) bool { return l.Code == st.Location }) {
					t.Errorf("%s: %+v", v.SKU, st)
				}
				if st.Quantity > 0 && st.Quantity <= 3 {
					scarce++
				}
				total += st.Quantity
			}
			if len(v.Stock) == 0 {
				t.Errorf("%s: carried nowhere", v.SKU)
			}
			if total == 0 {
				none++
			}
		}
	}
	if scarce < 20 || none < 5 || none > 150 {
		t.Errorf("scarce %d, sold out %d", scarce, none)
	}
}

func TestBasketsCanBeBought(t *testing.T) {
	t.Parallel()
	s := Catalogue()
	left, priced := map[string]int64{}, map[string]map[money.Currency]bool{}
	for _, p := range s.Products {
		if p.Status != Published {
			continue
		}
		for _, v := range p.Variants {
			priced[v.SKU] = map[money.Currency]bool{}
			for _, price := range v.Prices {
				priced[v.SKU][price.Amount.Currency] = true
			}
			for _, st := range v.Stock {
				left[v.SKU] += st.Quantity
			}
		}
	}
	for _, b := range s.Baskets {
		if len(b.Lines) == 0 || !strings.HasSuffix(b.Email, "@example.com") || !strings.HasPrefix(b.Address.Name, "Sample Customer ") || b.Address.PostalCode == "" {
			t.Errorf("basket %+v", b)
		}
		for _, l := range b.Lines {
			left[l.SKU] -= l.Quantity
			if l.Quantity < 1 || left[l.SKU] < 0 || !priced[l.SKU][b.Currency] {
				t.Errorf("basket of %s: line %+v", b.Email, l)
			}
		}
	}
}

// TestSameOnEveryRun pins the catalogue and the pictures. After a change on purpose: go test -update.
func TestSameOnEveryRun(t *testing.T) {
	t.Parallel()
	digest := func() string {
		s := Catalogue()
		h := sha256.New()
		if err := json.NewEncoder(h).Encode(s); err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Products {
			for _, i := range p.Images {
				h.Write(Picture(p.Slug, i.Key))
			}
		}
		return hex.EncodeToString(h.Sum(nil)) + "\n"
	}
	first, second := digest(), digest()
	if first != second {
		t.Fatal("two builds differ")
	}
	const golden = "testdata/digest.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(first), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if first != string(want) {
		t.Errorf("the catalogue has changed: digest %s, golden %s", first, want)
	}
}
