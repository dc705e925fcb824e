package storefront

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
)

// shirts come in red S (sold out), red M, blue S and blue L.
var shirts = Variants{
	{SKU: "red-s", Options: map[string]string{"colour": "red", "size": "S"}},
	{SKU: "red-m", Options: map[string]string{"colour": "red", "size": "M"}, Buyable: true},
	{SKU: "blue-s", Options: map[string]string{"colour": "blue", "size": "S"}, Buyable: true},
	{SKU: "blue-l", Options: map[string]string{"colour": "blue", "size": "L"}, Buyable: true},
}

func TestVariantsAreChosenByOptions(t *testing.T) {
	t.Parallel()
	for sku, want := range map[string]int{"": 1, "none": 1, "red-s": 0, "blue-l": 3} {
		if got := shirts.Find(sku); got != want {
			t.Errorf("Find(%q) = %d, want %d", sku, got, want)
		}
	}
	if (Variants{{SKU: "a"}}).Find("") != 0 {
		t.Error("a variant that is sold out is shown where there is no other")
	}
	for name, c := range map[string]struct {
		was    int
		wanted map[string]string
		want   int
	}{
		"another size":               {0, map[string]string{"colour": "red", "size": "M"}, 1},
		"sold out is what is wanted": {1, map[string]string{"colour": "red", "size": "S"}, 0},
		"no blue M: what can be had": {1, map[string]string{"colour": "blue", "size": "M"}, 2},
		"no red L: the size leads":   {1, map[string]string{"colour": "red", "size": "L"}, 3},
		"both":                       {1, map[string]string{"colour": "blue", "size": "L"}, 3},
		"nothing that is known":      {3, map[string]string{"colour": "pink", "fit": "x"}, 1},
	} {
		if got := shirts.Nearest(c.was, c.wanted); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for value, want := range map[string]ChoiceState{"S": SoldOut, "M": Available, "L": Elsewhere} {
		if got := shirts.Choice(1, "size", value); got != want {
			t.Errorf("size %s beside red is %d, want %d", value, got, want)
		}
	}
}

func TestUnitPrices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, unit string
		per, want   int64 // of 12.45
	}{
		{"250", "g", 1000, 4980}, {"250", "g", 100, 498}, {"0.75", "l", 1000, 1660}, {"75", "cl", 100, 166}, {"1.5", "kg", 1000, 830}, {"333", "ml", 100, 374},
	} {
		content, ok := ParseContent(c.value, c.unit)
		got, err := content.Price(money.New(1245, "EUR"), c.per)
		if !ok || err != nil || got.Minor != c.want {
			t.Errorf("%s %s: %v %v %v, want %d", c.value, c.unit, got, ok, err, c.want)
		}
	}
	for _, bad := range [][2]string{{"250", "cm"}, {"0", "g"}, {"-5", "g"}, {"x", "g"}, {"0.0001", "mg"}, {"99999999999999999", "kg"}, {"1.12345678", "g"}, {"", "g"}} {
		if c, ok := ParseContent(bad[0], bad[1]); ok {
			t.Errorf("%v is %v", bad, c)
		}
	}
}
