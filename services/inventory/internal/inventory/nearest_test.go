package inventory

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func at(lat, lon float64) *Point { return &Point{Lat: lat, Lon: lon} }

// The order in which the locations of a shop with six of them serve an order.
func TestRoutes(t *testing.T) {
	t.Parallel()
	sites := []Level{
		{LocationID: "reno", Site: Site{"US", "NV", "89501", at(39.5, -119.8)}, Priority: 1, OnHand: 1},
		{LocationID: "vegas", Site: Site{"US", "NV", "89101", nil}, Priority: 2, OnHand: 9},
		{LocationID: "boston", Site: Site{"US", "MA", "02108", at(42.4, -71.1)}, Priority: 0, OnHand: 1},
		{LocationID: "leipzig", Site: Site{"DE", "SN", "04109", nil}, Priority: 5, OnHand: 1},
		{LocationID: "leeds", Site: Site{"GB", "", "LS1 4AP", nil}, Priority: 0, OnHand: 1},
		{LocationID: "nowhere", Site: Site{"XX", "", "", nil}, Priority: -9, OnHand: 1},
	}
	for _, tc := range []struct {
		to      Destination
		nearest bool
		want    []string
	}{
		{Destination{"US", "NV", "89109"}, false, []string{"boston", "reno", "vegas", "nowhere", "leeds", "leipzig"}},
		{Destination{"US", "NV", "89109"}, true, []string{"vegas", "reno", "boston", "leeds", "leipzig", "nowhere"}},
		{Destination{"US", "nv", "89502-1234"}, true, []string{"reno", "vegas", "boston", "leeds", "leipzig", "nowhere"}},
		{Destination{"US", "UT", "84101"}, true, []string{"reno", "vegas", "boston", "leeds", "leipzig", "nowhere"}}, // 8 is nearer than 0, and then by priority
		{Destination{"US", "", ""}, true, []string{"boston", "reno", "vegas", "leeds", "leipzig", "nowhere"}},
		{Destination{"GB", "", "ls14ap"}, true, []string{"leeds", "leipzig", "boston", "vegas", "reno", "nowhere"}},
		{Destination{"JP", "Tokyo", "100-0001"}, true, []string{"reno", "leipzig", "leeds", "vegas", "boston", "nowhere"}},
		{Destination{"PL", "", "00-001"}, true, []string{"leipzig", "leeds", "boston", "vegas", "reno", "nowhere"}},
		{Destination{}, true, []string{"nowhere", "boston", "leeds", "reno", "vegas", "leipzig"}},
		{Destination{"ZZ", "", ""}, true, []string{"nowhere", "boston", "leeds", "reno", "vegas", "leipzig"}},
	} {
		for range 3 {
			levels := slices.Clone(sites)
			if tc.nearest {
				slices.Reverse(levels)
			}
			Order{To: tc.to, Nearest: tc.nearest}.route(levels, noon)
			var got []string
			for _, l := range levels {
				got = append(got, l.LocationID)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("to %+v, nearest %v: %v, want %v", tc.to, tc.nearest, got, tc.want)
			}
		}
	}
}

// Nearness decides who serves; that the whole order is served it does not decide.
func TestNearestSplits(t *testing.T) {
	t.Parallel()
	levels := []Level{{SKU: "mug", LocationID: "far", OnHand: 9, Site: Site{Country: "US", Postal: "02108"}, Priority: -1}, {SKU: "mug", LocationID: "near", OnHand: 2, Site: Site{Country: "US", Postal: "89501"}}}
	o := Order{Nearest: true, To: Destination{Country: "US", Postal: "89109"}, Lines: []OrderLine{{"1", "mug", 5}}}
	lines, short := o.Split(levels, noon)
	want := []Part{{LocationID: "near", Quantity: 2, Kind: FromStock}, {LocationID: "far", Quantity: 3, Kind: FromStock}}
	if short != nil || !slices.Equal(lines[0].Parts, want) {
		t.Errorf("%+v %v", lines, short)
	}
	o.Lines[0].Quantity = 12
	if _, short = o.Split(levels, noon); len(short) != 1 || short[0].Available != 11 {
		t.Errorf("%+v", short)
	}
}

func TestGreatCircle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b Point
		km   float64
	}{
		{Point{52.5, 13.4}, Point{48.9, 2.35}, 878}, {Point{40.6, -73.8}, Point{51.5, -0.5}, 5540}, {Point{35.7, 139.7}, Point{37.6, -122.4}, 8280},
		{Point{0, 179}, Point{0, -179}, 222}, {Point{90, 0}, Point{-90, 0}, 20015}, {Point{10, 10}, Point{10, 10}, 0},
	} {
		if got := tc.a.to(tc.b); math.Abs(got-tc.km) > 10 || math.Abs(got-tc.b.to(tc.a)) > 1e-6 {
			t.Errorf("%v to %v: %.0f km, want %.0f", tc.a, tc.b, got, tc.km)
		}
	}
	for country, p := range countries {
		if len(country) != 2 || math.Abs(p.Lat) > 90 || math.Abs(p.Lon) > 180 {
			t.Errorf("%s lies at %v", country, p)
		}
	}
	for country, near := range map[string]Point{"DE": {52, 13}, "US": {42, -88}, "JP": {36, 140}, "AU": {-34, 151}, "BR": {-24, -47}, "RU": {56, 38}, "ZA": {-26, 28}, "XK": {43, 21}} {
		if countries[country] != near {
			t.Errorf("%s lies at %v", country, countries[country])
		}
	}
}

// Whatever is known of places, routing has one order of them, and it is the same each time.
func TestRoutesAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country, region, postal := rapid.SampledFrom([]string{"", "US", "DE", "XX"}), rapid.SampledFrom([]string{"", "NV", "nv"}), rapid.StringOfN(rapid.RuneFrom([]rune("89 -")), 0, 4, -1)
		var levels []Level
		for i := range rapid.IntRange(1, 8).Draw(t, "locations") {
			l := Level{LocationID: string(rune('a' + i)), Site: Site{Country: country.Draw(t, "country"), Region: region.Draw(t, "region"), Postal: postal.Draw(t, "postal")},
				Priority: rapid.IntRange(0, 1).Draw(t, "priority"), OnHand: rapid.Int64Range(0, 2).Draw(t, "stock")}
			if rapid.Bool().Draw(t, "placed") {
				l.At = at(rapid.Float64Range(-90, 90).Draw(t, "latitude"), rapid.Float64Range(-180, 180).Draw(t, "longitude"))
			}
			levels = append(levels, l)
		}
		o := Order{Nearest: rapid.Bool().Draw(t, "nearest"), To: Destination{country.Draw(t, "to"), region.Draw(t, "to"), postal.Draw(t, "to")}}
		first, second := slices.Clone(levels), rapid.Permutation(levels).Draw(t, "shuffled")
		o.route(first, noon)
		o.route(second, noon)
		for i := range first {
			if first[i].LocationID != second[i].LocationID {
				t.Fatalf("%+v, then %+v", first, second)
			}
		}
		if o.To.Country != "" {
			home := func(l Level) bool { return l.Country == o.To.Country }
			if i := slices.IndexFunc(first, func(l Level) bool { return !home(l) }); i >= 0 && slices.ContainsFunc(first[i:], home) {
				t.Fatalf("abroad before home: %+v", first)
			}
		}
	})
}
