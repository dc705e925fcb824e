package checkout

import (
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
)

// places returns where an address is at fault, without the common part.
func places(a Address) (all []string) {
	var c fault.Collector
	a.Normal().Check(&c, "a")
	f, _ := fault.As(c.Err())
	if f == nil {
		return nil
	}
	for _, field := range f.Fields {
		if field.Value != nil {
			panic("a fault repeats what is personal: " + field.Location)
		}
		all = append(all, strings.TrimPrefix(field.Location, "a."))
	}
	return all
}

func TestAddressPerCountry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		country, region, postal string
		want                    []string
	}{
		{"US", "IL", "62701", nil}, {"us", " il ", "62701-1234", nil},
		{"US", "", "62701", []string{"region"}}, {"US", "Illinois", "6270", []string{"postal_code", "region"}},
		{"CA", "ON", "k1a 0b1", nil}, {"CA", "ON", "K1A0B1", nil}, {"CA", "XX", "D1A 0B1", []string{"postal_code", "region"}},
		{"GB", "", "SW1A 1AA", nil}, {"GB", "", "m1 1ae", nil}, {"GB", "", "12345", []string{"postal_code"}}, {"GB", "", "", []string{"postal_code"}},
		{"DE", "", "10115", nil}, {"DE", "", "1011", []string{"postal_code"}}, {"DE", "BY", "10115", nil},
		{"FR", "", "75001", nil}, {"FR", "", "7500A", []string{"postal_code"}},
		{"ES", "", "28001", nil}, {"ES", "", "53001", []string{"postal_code"}},
		{"IT", "", "00118", nil}, {"NL", "", "1012ab", nil}, {"NL", "", "0012 AB", []string{"postal_code"}},
		{"AT", "", "1010", nil}, {"AT", "", "0010", []string{"postal_code"}},
		{"JP", "Tokyo", "100-0001", nil}, {"JP", "", "1000001", []string{"region"}},
		{"HK", "", "", nil}, {"KE", "", "anything", nil},
		{"XX", "", "", []string{"country"}}, {"USA", "", "", []string{"country"}}, {"", "", "", []string{"country"}}, {"A ", "", "", []string{"country"}},
	} {
		a := Address{Name: "N", Line1: "1", City: "C", Region: tc.region, PostalCode: tc.postal, Country: tc.country}
		if got := places(a); !slices.Equal(got, tc.want) {
			t.Errorf("%s %q %q: %v, want %v", tc.country, tc.region, tc.postal, got, tc.want)
		}
	}
}

func TestAddressParts(t *testing.T) {
	t.Parallel()
	got := places(Address{Name: "  ", Line1: "1\n2", City: "", Country: "DE", PostalCode: "x", Phone: "\x00"})
	slices.Sort(got)
	if !slices.Equal(got, []string{"city", "line1", "name", "phone", "postal_code"}) {
		t.Errorf("%v: all faults at once", got)
	}
}

// Every form takes its own sample.
func TestSamples(t *testing.T) {
	t.Parallel()
	for country, f := range forms {
		if !KnownCountry(country) || !f.postal.MatchString(f.sample) || f.regions != nil && len(f.regions) < 5 {
			t.Errorf("%s: %+v", country, f)
		}
	}
}

func TestValidEmail(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"customer@example.com": true, "first.last+tag@sub.example.co.uk": true, "ü@exämple.de": true,
		"": false, "customer": false, "@example.com": false, "a@": false, "a@b": false, "a@b@c.de": false, "a b@c.de": false, "a@c..de": false, "a@.de": false,
		"a@c.de.": false, "a@c.de\n": false, "<a@c.de>": false, strings.Repeat("x", 65) + "@c.de": false, "a@" + strings.Repeat("x", 250) + ".de": false,
	} {
		if got := ValidEmail(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestHoldsCard(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"my card: 4111 1111 1111 1111, thanks": true, "4111111111111111": true, "x4111-1111-1111-1111 5551234567": true, "5551234 378282246310005.": true,
		"": false, "Ring twice, 3rd floor. 555-0100": false, "4111 1111 1111 1112": false, "order 1234567812345670": false, "41111111111111111111111111": false,
		"4111  1111  1111  1111": false, "é 6": false,
	} {
		if got := HoldsCard(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestLooksLikeCard(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"4111111111111111": true, "4111 1111 1111 1111": true, "4111-1111-1111-1111": true, "378282246310005": true, "6011111111111117": true,
		"4111111111111112": false, "fake-valid-nonce": false, "tokencc_bh_4111111111111111": false, "": false, "0000": false,
		"8f14e45f-ceea-467f-a1d2-123456789012": false, "41111111111111111111111111": false,
	} {
		if got := LooksLikeCard(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
