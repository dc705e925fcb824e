package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/money"
)

var roundings = []money.Rounding{money.HalfUp, money.HalfEven, money.Down, money.Up, money.Floor, money.Ceiling}

// minors draws from the whole range with weight on its edges and on small numbers.
func minors() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(-1000, 1000),
		rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1, 0, 1, -1}),
	)
}

func currencies() *rapid.Generator[money.Currency] { return rapid.SampledFrom(money.Currencies()) }

func TestExponents(t *testing.T) {
	t.Parallel()
	want := map[money.Currency]int{
		"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "XOF": 0, "UGX": 0, "USD": 2, "EUR": 2, "GBP": 2, "HUF": 2, "CHF": 2,
		"MGA": 2, "MRU": 2, "KWD": 3, "BHD": 3, "TND": 3, "OMR": 3, "JOD": 3, "IQD": 3, "LYD": 3, "CLF": 4, "UYW": 4,
	}
	for c, exp := range want {
		if !c.Valid() || c.Exponent() != exp {
			t.Errorf("%s: valid %v, exponent %d, want %d", c, c.Valid(), c.Exponent(), exp)
		}
	}
	count := map[int]int{}
	for _, c := range money.Currencies() {
		if len(c) != 3 {
			t.Errorf("%q is not a code of three letters", c)
		}
		count[c.Exponent()]++
	}
	if count[0] != 17 || count[3] != 7 || count[4] != 2 || len(count) != 4 {
		t.Errorf("currencies by exponent: %v", count)
	}
}

func TestParseCurrency(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "usd", "US", "USDX", "XXX", "XAU", "XTS", "DEM", " USD", "€"} {
		if _, err := money.ParseCurrency(s); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, c := range money.Currencies() {
		if got, err := money.ParseCurrency(string(c)); err != nil || got != c {
			t.Errorf("%s: %v, %v", c, got, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text     string
		currency money.Currency
		minor    int64
		err      error
	}{
		{"19.99", "USD", 1999, nil},
		{"19.9", "USD", 1990, nil},
		{"19", "USD", 1900, nil},
		{"007.50", "USD", 750, nil},
		{"-0.05", "USD", -5, nil},
		{"1999", "JPY", 1999, nil},
		{"1.234", "KWD", 1234, nil},
		{"1.2345", "CLF", 12345, nil},
		{"92233720368547758.07", "USD", math.MaxInt64, nil},
		{"-92233720368547758.08", "USD", math.MinInt64, nil},
		{"92233720368547758.08", "USD", 0, money.ErrOverflow},
		{"9223372036854775807", "USD", 0, money.ErrOverflow},
		{"1.5", "JPY", 0, money.ErrFormat},
		{"1.", "JPY", 0, money.ErrFormat},
		{"19.999", "USD", 0, money.ErrFormat},
		{"19.990", "USD", 0, money.ErrFormat},
		{".99", "USD", 0, money.ErrFormat},
		{"19.", "USD", 0, money.ErrFormat},
		{"", "USD", 0, money.ErrFormat},
		{"-", "USD", 0, money.ErrFormat},
		{"--1", "USD", 0, money.ErrFormat},
		{"+1", "USD", 0, money.ErrFormat},
		{"1,000.00", "USD", 0, money.ErrFormat},
		{"1e3", "USD", 0, money.ErrFormat},
		{" 1", "USD", 0, money.ErrFormat},
		{"1.-5", "USD", 0, money.ErrFormat},
		{"NaN", "USD", 0, money.ErrFormat},
		{"١", "USD", 0, money.ErrFormat},
		{"1", "DEM", 0, money.ErrCurrency},
		{"1", "", 0, money.ErrCurrency},
	} {
		got, err := money.Parse(tc.text, tc.currency)
		if !errors.Is(err, tc.err) || got.Minor != tc.minor {
			t.Errorf("Parse(%q, %s) = %v, %v", tc.text, tc.currency, got, err)
		}
	}
}

func TestPlainIsInverseOfParse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.New(minors().Draw(t, "minor"), currencies().Draw(t, "currency"))
		got, err := money.Parse(a.Plain(), a.Currency)
		if err != nil || got != a {
			t.Fatalf("%v: plain %q reads as %v, %v", a, a.Plain(), got, err)
		}
	})
}

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.New(minors().Draw(t, "minor"), currencies().Draw(t, "currency"))
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back money.Amount
		if err := json.Unmarshal(data, &back); err != nil || back != a {
			t.Fatalf("%s reads as %v, %v", data, back, err)
		}
	})
	data, err := json.Marshal(money.New(1999, "USD"))
	if err != nil || string(data) != `{"amount":1999,"currency":"USD"}` {
		t.Errorf("wire form %s, %v", data, err)
	}
}

func TestJSONStrict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		`{"amount":19.99,"currency":"USD"}`:               money.ErrFormat,
		`{"amount":1e3,"currency":"USD"}`:                 money.ErrFormat,
		`{"amount":"1999","currency":"USD"}`:              money.ErrFormat,
		`{"amount":null,"currency":"USD"}`:                money.ErrFormat,
		`{"amount":[1],"currency":"USD"}`:                 money.ErrFormat,
		`{"amount":9223372036854775808,"currency":"USD"}`: money.ErrOverflow,
		`{"amount":1,"currency":"usd"}`:                   money.ErrCurrency,
		`{"amount":1,"currency":7}`:                       money.ErrCurrency,
		`{"amount":1,"currency":{"a":1}}`:                 money.ErrCurrency,
		`{"amount":1,"currency":"USD","x":1}`:             money.ErrFormat,
		`{"amount":1,"amount":2,"currency":"USD"}`:        money.ErrFormat,
		`{"Amount":1,"currency":"USD"}`:                   money.ErrFormat,
		`{"amount":1}`:                                    money.ErrFormat,
		`{"currency":"USD"}`:                              money.ErrFormat,
		`{}`:                                              money.ErrFormat,
		`null`:                                            money.ErrFormat,
		`[1,"USD"]`:                                       money.ErrFormat,
		`"19.99 USD"`:                                     money.ErrFormat,
	} {
		a := money.New(7, "EUR")
		if err := json.Unmarshal([]byte(text), &a); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if a != money.New(7, "EUR") {
			t.Errorf("%s changed the value to %v", text, a)
		}
	}
}

// inRange returns the big number as int64 when it fits.
func inRange(n *big.Int) (int64, bool) { return n.Int64(), n.IsInt64() }

func checkAgainst(t *rapid.T, what string, got money.Amount, err error, want *big.Int) {
	t.Helper()
	if minor, fits := inRange(want); fits {
		if err != nil || got.Minor != minor {
			t.Fatalf("%s = %v, %v; want %d", what, got, err, minor)
		}
	} else if !errors.Is(err, money.ErrOverflow) || got != (money.Amount{}) {
		t.Fatalf("%s = %v, %v; want overflow, for it is %s", what, got, err, want)
	}
}

func TestArithmeticAgainstBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := minors().Draw(t, "x"), minors().Draw(t, "y")
		a, b := money.New(x, "USD"), money.New(y, "USD")
		bx, by := big.NewInt(x), big.NewInt(y)
		got, err := a.Add(b)
		checkAgainst(t, "add", got, err, new(big.Int).Add(bx, by))
		got, err = a.Sub(b)
		checkAgainst(t, "sub", got, err, new(big.Int).Sub(bx, by))
		got, err = a.Mul(y)
		checkAgainst(t, "mul", got, err, new(big.Int).Mul(bx, by))
		got, err = a.Neg()
		checkAgainst(t, "neg", got, err, new(big.Int).Neg(bx))
		if order, err := a.Cmp(b); err != nil || order != bx.Cmp(by) {
			t.Fatalf("cmp = %d, %v", order, err)
		}
	})
}

func TestMismatch(t *testing.T) {
	t.Parallel()
	a, b := money.New(1, "USD"), money.New(1, "EUR")
	_, add := a.Add(b)
	_, sub := a.Sub(b)
	_, order := a.Cmp(b)
	_, sum := money.Sum("USD", a, b)
	for name, err := range map[string]error{"add": add, "sub": sub, "cmp": order, "sum": sum} {
		if !errors.Is(err, money.ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a.Equal(b) || !a.Equal(money.New(1, "USD")) {
		t.Error("equal ignores the currency or the number")
	}
}

// exact returns n/d rounded by r, by the definition of each rounding on rational numbers.
func exact(n, d *big.Int, r money.Rounding) *big.Int {
	q := new(big.Rat).SetFrac(n, d)
	floor := new(big.Int).Div(q.Num(), q.Denom()) // Euclidean; the denominator is positive, so this is the floor
	if q.IsInt() {
		return floor
	}
	ceiling := new(big.Int).Add(floor, big.NewInt(1))
	nearest := new(big.Rat).Sub(q, new(big.Rat).SetInt(floor)).Cmp(big.NewRat(1, 2))
	outer, inner := ceiling, floor
	if q.Sign() < 0 {
		outer, inner = floor, ceiling
	}
	switch {
	case r == money.Floor:
		return floor
	case r == money.Ceiling:
		return ceiling
	case r == money.Up:
		return outer
	case r == money.Down:
		return inner
	case nearest < 0:
		return floor
	case nearest > 0:
		return ceiling
	case r == money.HalfUp:
		return outer
	case floor.Bit(0) == 0: // half even
		return floor
	default:
		return ceiling
	}
}

func TestRatioAgainstBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor, num := minors().Draw(t, "minor"), minors().Draw(t, "num")
		den := minors().Filter(func(n int64) bool { return n != 0 }).Draw(t, "den")
		r := rapid.SampledFrom(roundings).Draw(t, "rounding")
		product := new(big.Int).Mul(big.NewInt(minor), big.NewInt(num))
		got, err := money.New(minor, "EUR").Ratio(num, den, r)
		checkAgainst(t, "ratio", got, err, exact(product, big.NewInt(den), r))
		got, err = money.New(minor, "EUR").BasisPoints(num, r)
		checkAgainst(t, "basis points", got, err, exact(product, big.NewInt(10_000), r))
	})
}

func TestRoundingOfHalves(t *testing.T) {
	t.Parallel()
	// 0.5, 1.5, 2.5 and their negatives, and a value beside the half
	for _, tc := range []struct {
		r    money.Rounding
		want [7]int64 // of 5, 15, 25, -5, -15, -25, 26 tenths
	}{
		{money.HalfUp, [7]int64{1, 2, 3, -1, -2, -3, 3}},
		{money.HalfEven, [7]int64{0, 2, 2, 0, -2, -2, 3}},
		{money.Down, [7]int64{0, 1, 2, 0, -1, -2, 2}},
		{money.Up, [7]int64{1, 2, 3, -1, -2, -3, 3}},
		{money.Floor, [7]int64{0, 1, 2, -1, -2, -3, 2}},
		{money.Ceiling, [7]int64{1, 2, 3, 0, -1, -2, 3}},
	} {
		for i, tenths := range []int64{5, 15, 25, -5, -15, -25, 26} {
			if got, err := money.New(tenths, "USD").Ratio(1, 10, tc.r); err != nil || got.Minor != tc.want[i] {
				t.Errorf("%s of %d tenths = %v, %v; want %d", tc.r, tenths, got, err, tc.want[i])
			}
		}
	}
	if _, err := money.New(1, "USD").Ratio(1, 0, money.HalfUp); !errors.Is(err, money.ErrRatio) {
		t.Errorf("division by zero: %v", err)
	}
}

func TestRoundingNames(t *testing.T) {
	t.Parallel()
	for _, r := range roundings {
		if back, err := money.ParseRounding(r.String()); err != nil || back != r {
			t.Errorf("%s reads as %v, %v", r, back, err)
		}
	}
	if _, err := money.ParseRounding("nearest"); !errors.Is(err, money.ErrFormat) {
		t.Errorf("unknown rounding: %v", err)
	}
	if s := money.Rounding(-1).String(); s != "rounding(-1)" {
		t.Errorf("out of range: %s", s)
	}
}

func TestAllocateLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.New(minors().Draw(t, "minor"), "USD")
		weight := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, math.MaxInt64/64))
		weights := rapid.SliceOfN(weight, 1, 50).Draw(t, "weights")
		total := new(big.Int)
		for _, w := range weights {
			total.Add(total, big.NewInt(w))
		}
		if total.Sign() == 0 {
			t.Skip("no weight")
		}
		parts, err := a.Allocate(weights)
		if err != nil || len(parts) != len(weights) {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		sum := new(big.Int)
		for i, p := range parts {
			sum.Add(sum, big.NewInt(p.Minor))
			share := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(a.Minor), big.NewInt(weights[i])), total)
			off := new(big.Rat).Sub(share, new(big.Rat).SetInt64(p.Minor))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("part %d is %v, its exact share %s", i, p, share.FloatString(3))
			}
			if p.Currency != "USD" || weights[i] == 0 && p.Minor != 0 {
				t.Fatalf("part %d of weight %d is %v", i, weights[i], p)
			}
		}
		if sum.Cmp(big.NewInt(a.Minor)) != 0 {
			t.Fatalf("parts sum to %s, not %d", sum, a.Minor)
		}
		if a.Minor != math.MinInt64 {
			mirror, err := money.New(-a.Minor, "USD").Allocate(weights)
			for i := range parts {
				if err != nil || mirror[i].Minor != -parts[i].Minor {
					t.Fatalf("the negative splits otherwise: %v, %v", mirror, err)
				}
			}
		}
	})
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		minor   int64
		weights []int64
		want    []int64
		err     error
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}, nil},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}, nil},
		{5, []int64{1, 0, 1}, []int64{3, 0, 2}, nil},
		{10, []int64{5, 3, 1}, []int64{6, 3, 1}, nil},
		{0, []int64{0, 0}, []int64{0, 0}, nil},
		{0, nil, []int64{}, nil},
		{math.MaxInt64, []int64{math.MaxInt64}, []int64{math.MaxInt64}, nil},
		{math.MinInt64, []int64{0, 7}, []int64{0, math.MinInt64}, nil},
		{1, []int64{0, 0}, nil, money.ErrRatio},
		{1, nil, nil, money.ErrRatio},
		{1, []int64{2, -1}, nil, money.ErrRatio},
		{1, []int64{math.MaxInt64, 1}, nil, money.ErrOverflow},
	} {
		got, err := money.New(tc.minor, "USD").Allocate(tc.weights)
		if !errors.Is(err, tc.err) || len(got) != len(tc.want) {
			t.Errorf("%d by %v = %v, %v", tc.minor, tc.weights, got, err)
			continue
		}
		for i := range got {
			if got[i].Minor != tc.want[i] {
				t.Errorf("%d by %v = %v, want %v", tc.minor, tc.weights, got, tc.want)
			}
		}
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	if got, err := money.Sum("JPY"); err != nil || got != money.Zero("JPY") {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	if got, err := money.Sum("JPY", money.New(1, "JPY"), money.New(-3, "JPY")); err != nil || got.Minor != -2 {
		t.Errorf("of two: %v, %v", got, err)
	}
	big := money.New(math.MaxInt64, "JPY")
	if _, err := money.Sum("JPY", big, money.New(1, "JPY")); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("past the end: %v", err)
	}
}

func TestSigns(t *testing.T) {
	t.Parallel()
	for minor, want := range map[int64][3]bool{-1: {true, false, false}, 0: {false, true, false}, 1: {false, false, true}} {
		a := money.New(minor, "USD")
		if got := [3]bool{a.IsNegative(), a.IsZero(), a.IsPositive()}; got != want {
			t.Errorf("%v: %v", a, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"19.99", "-0.05", "1.", ".1", "--1", "1e3", "92233720368547758.08"} {
		f.Add(s, "USD")
	}
	f.Fuzz(func(t *testing.T, text, code string) {
		a, err := money.Parse(text, money.Currency(code))
		if err != nil {
			return
		}
		if back, err := money.Parse(a.Plain(), a.Currency); err != nil || back != a {
			t.Errorf("%q reads as %v, which prints %q and reads as %v, %v", text, a, a.Plain(), back, err)
		}
	})
}

func BenchmarkBasisPoints(b *testing.B) {
	a := money.New(1_999_99, "USD")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.BasisPoints(825, money.HalfUp); err != nil {
			b.Fatal(err)
		}
	}
}
