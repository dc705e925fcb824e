package app

import (
	"testing"

	"pgregory.net/rapid"
)

func TestE164(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		given, country, want string
	}{
		{"", "US", ""}, {"(415) 555-0132", "US", "+14155550132"}, {"415.555.0132 ext 12", "US", "+14155550132 ext. 12"}, {"+14155550132 ext. 12", "DE", "+14155550132 ext. 12"},
		{"030 1234567", "DE", "+49301234567"}, {"0049 30 1234567", "DE", "+49301234567"}, {"020 7946 0958", "GB", "+442079460958"},
		{"+44 20 7946 0958", "US", "+442079460958"}, {"01 23 45 67 89", "FR", "+33123456789"}, {"06 1234 5678", "IT", "+390612345678"},
		{"03-1234-5678", "JP", "+81312345678"}, {"２３４５ ６７８９", "HK", "+85223456789"}, {"(11) 91234-5678", "BR", "+5511912345678"}, {"050 123 4567", "AE", "+971501234567"},
		{"98765 43210", "IN", "+919876543210"}, {"0412 345 678", "AU", "+61412345678"}, {"tel:+49-30-1234567", "DE", "+49301234567"},
	} {
		got, ok := e164(tc.given, tc.country)
		again, still := e164(got, tc.country)
		if got != tc.want || !ok || again != got || !still {
			t.Errorf("%q in %s: %q %v, then %q %v; want %q", tc.given, tc.country, got, ok, again, still, tc.want)
		}
	}
	for _, tc := range [][2]string{{"555-0100", "US"}, {"call me", "US"}, {"12", "DE"}, {"+999 1234567", "US"}, {"+49 30 123456789012345678", "DE"},
		{"030 1234567", "XX"}, {"030 1234567", ""}, {"tel:+1;phone-context=", "US"}, {"4111 1111 1111 1111 1111", "US"}} {
		if got, ok := e164(tc[0], tc[1]); ok || got != tc[0] {
			t.Errorf("%q in %q: %q was taken", tc[0], tc[1], got)
		}
	}
}

// Whatever is given, the answer stands when it is given again.
func TestE164IsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"US", "DE", "GB", "IT", "AR", "MX", "HK", ""}).Draw(t, "country")
		given := rapid.OneOf(rapid.String(), rapid.StringMatching(`\+?[0-9 ()./-]{0,20}( ext\.? ?[0-9]{0,9})?`)).Draw(t, "given")
		once, ok := e164(given, country)
		if twice, still := e164(once, country); twice != once || still != ok {
			t.Fatalf("%q: %q %v, then %q %v", given, once, ok, twice, still)
		}
	})
}
