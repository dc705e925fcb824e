package checkout

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
		{"US", "IL", "62701", nil}, {"US", "Illinois", "62701", nil}, {"us", " il ", "62701-1234", nil},
		{"US", "", "62701", []string{"region"}}, {"US", "Ilinois", "6270", []string{"postal_code", "region"}},
		{"CA", "ON", "k1a 0b1", nil}, {"CA", "ON", "K1A0B1", nil}, {"CA", "XX", "D1A 0B1", []string{"postal_code", "region"}},
		{"GB", "", "SW1A 1AA", nil}, {"GB", "", "m1 1ae", nil}, {"GB", "", "12345", []string{"postal_code"}}, {"GB", "", "", []string{"postal_code"}}, {"GB", "", "0AA", []string{"postal_code"}},
		{"GB", "", "gir0aa", nil}, {"FK", "", "1ZZ", []string{"postal_code"}},
		{"DE", "", "10115", nil}, {"DE", "", "1011", []string{"postal_code"}}, {"DE", "BY", "10115", nil},
		{"FR", "", "75001", nil}, {"FR", "", "7500A", []string{"postal_code"}},
		{"ES", "", "28001", nil}, {"ES", "", "53001", []string{"postal_code"}},
		{"IT", "", "00118", nil}, {"NL", "", "1012ab", nil}, {"NL", "", "0012 AB", []string{"postal_code"}},
		{"AT", "", "1010", nil}, {"AT", "", "0010", []string{"postal_code"}},
		{"JP", "Tokyo", "100-0001", nil}, {"JP", "", "1000001", []string{"region"}},
		{"HK", "", "", nil}, {"QA", "", "anything", nil}, {"KE", "", "anything", []string{"postal_code"}},
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

// Every form takes its own sample, and writes it as it is; all its masks can be filled.
func TestSamples(t *testing.T) {
	t.Parallel()
	for country, f := range postalForms {
		for _, given := range []string{f.sample, squeeze(f.sample), " " + strings.ToLower(f.sample) + " "} {
			a := Address{Country: country, PostalCode: given}.Normal()
			if _, ok := f.set(a.PostalCode, country); !KnownCountry(country) || !ok || a.PostalCode != f.sample {
				t.Errorf("%s %q: %q", country, given, a.PostalCode)
			}
		}
		if _, ok := f.set("", country); ok {
			t.Errorf("%s takes nothing for a code", country)
		}
	}
	for country := range areas {
		if !KnownCountry(country) {
			t.Error(country)
		}
	}
}

// Addresses as people write them, and as they are kept.
func TestRealAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		country, city, region, postal string
		wantRegion, wantPostal        string
	}{
		{"US", "San Francisco", "california", "94105 1804", "CA", "94105-1804"}, {"US", "APO", "AE", "09012", "AE", "09012"},
		{"US", "Washington", "District of Columbia", "20500", "DC", "20500"}, {"PR", "San Juan", "", "00901", "", "00901"},
		{"CA", "Montréal", "Québec", "h2y1c6", "QC", "H2Y 1C6"}, {"CA", "St. John's", "nl", "A1C-5M2", "NL", "A1C 5M2"},
		{"MX", "Ciudad de México", "CDMX", "06000", "CDMX", "06000"}, {"BR", "São Paulo", "SP", "01310100", "SP", "01310-100"},
		{"AR", "Buenos Aires", "", "c1425ckf", "", "C1425CKF"}, {"AR", "Córdoba", "Córdoba", "5000", "Córdoba", "5000"}, {"CL", "Santiago", "RM", "832-0000", "RM", "8320000"},
		{"CO", "Bogotá", "DC", "", "DC", ""}, {"PE", "Lima", "", "15001", "", "15001"},
		{"GB", "London", "", "sw1a1aa", "", "SW1A 1AA"}, {"GB", "Leeds", "", "LS1  4AP", "", "LS1 4AP"}, {"GB", "London", "", "EC1A 1BB", "", "EC1A 1BB"},
		{"GB", "London", "Greater London", "W1A 0AX", "Greater London", "W1A 0AX"}, {"JE", "St Helier", "", "JE2 3AB", "", "JE2 3AB"},
		{"IE", "Dublin", "", "D02AF30", "", "D02 AF30"}, {"IE", "Dublin", "", "d6w xy00", "", "D6W XY00"}, {"IE", "Galway", "Co. Galway", "", "Co. Galway", ""},
		{"DE", "Berlin", "", "D-10115", "", "10115"}, {"AT", "Wien", "", "A-1010", "", "1010"}, {"CH", "Zürich", "ZH", "CH-8001", "ZH", "8001"},
		{"FR", "Paris", "", "75 001", "", "75001"}, {"MC", "", "", "98000", "", "98000"}, {"BE", "Brussel", "", "B-1000", "", "1000"},
		{"LU", "Luxembourg", "", "L-1009", "", "1009"}, {"NL", "Amsterdam", "", "1012ab", "", "1012 AB"}, {"ES", "Madrid", "", "28001", "", "28001"},
		{"PT", "Lisboa", "", "1100148", "", "1100-148"}, {"IT", "Roma", "RM", "00118", "RM", "00118"}, {"VA", "", "", "00120", "", "00120"},
		{"MT", "Valletta", "", "VLT1117", "", "VLT 1117"}, {"GR", "Αθήνα", "", "10557", "", "105 57"}, {"CY", "Λευκωσία", "", "1010", "", "1010"},
		{"DK", "København", "", "DK-1050", "", "1050"}, {"SE", "Stockholm", "", "SE-111 20", "", "111 20"}, {"NO", "Oslo", "", "0150", "", "0150"},
		{"FI", "Helsinki", "", "FI-00100", "", "00100"}, {"IS", "Reykjavík", "", "101", "", "101"}, {"EE", "Tallinn", "", "10111", "", "10111"},
		{"LV", "Rīga", "", "1010", "", "LV-1010"}, {"LT", "Vilnius", "", "LT 01100", "", "LT-01100"}, {"PL", "Warszawa", "", "00001", "", "00-001"},
		{"CZ", "Praha", "", "11000", "", "110 00"}, {"SK", "Bratislava", "", "81101", "", "811 01"}, {"HU", "Budapest", "", "1011", "", "1011"},
		{"RO", "București", "", "010011", "", "010011"}, {"BG", "София", "", "1000", "", "1000"}, {"HR", "Zagreb", "", "HR-10000", "", "10000"},
		{"SI", "Ljubljana", "", "SI-1000", "", "1000"}, {"RS", "Београд", "", "", "", ""}, {"UA", "Київ", "", "01001", "", "01001"}, {"TR", "İstanbul", "", "34080", "", "34080"},
		{"IL", "Jerusalem", "", "9614303", "", "9614303"}, {"SA", "Riyadh", "", "11564-2345", "", "11564-2345"}, {"AE", "Dubai", "", "", "", ""},
		{"AE", "", "Abu Dhabi", "00000", "Abu Dhabi", "00000"}, {"QA", "Doha", "", "", "", ""},
		{"IN", "Mumbai", "Maharashtra", "400 001", "Maharashtra", "400001"}, {"PK", "Lahore", "", "54000", "", "54000"}, {"CN", "北京", "北京市", "100005", "北京市", "100005"},
		{"HK", "", "Kowloon", "", "Kowloon", ""}, {"HK", "Central", "", "999077", "", "999077"}, {"MO", "", "", "", "", ""}, {"TW", "臺北市", "", "104", "", "104"},
		{"JP", "千代田区", "東京都", "1000001", "東京都", "100-0001"}, {"JP", "千代田区", "東京都", "１００-０００１", "東京都", "100-0001"},
		{"JP", "千代田区", "東京都", "１００ー０００１", "東京都", "100-0001"}, {"KR", "서울", "", "04524", "", "04524"}, {"SG", "", "", "018956", "", "018956"},
		{"MY", "Kuala Lumpur", "", "50250", "", "50250"}, {"TH", "Bangkok", "", "10110", "", "10110"}, {"VN", "Hà Nội", "", "", "", ""}, {"PH", "Manila", "", "1008", "", "1008"},
		{"ID", "Jakarta", "", "10110", "", "10110"}, {"AU", "Sydney", "new south wales", "2000", "NSW", "2000"}, {"NZ", "Wellington", "", "6011", "", "6011"},
		{"ZA", "Cape Town", "", "8001", "", "8001"}, {"NG", "Lagos", "Lagos", "", "Lagos", ""}, {"GH", "Accra", "", "GA-183-8164", "", "GA-183-8164"},
		{"EG", "Cairo", "", "4460331", "", "4460331"}, {"KY", "George Town", "", "ky11100", "", "KY1-1100"}, {"GP", "Basse-Terre", "", "97100", "", "97100"},
	} {
		a := Address{Name: "N", Line1: "1", City: tc.city, Region: tc.region, PostalCode: tc.postal, Country: tc.country}
		if got := places(a); got != nil {
			t.Errorf("%+v is refused: %v", tc, got)
		}
		if n := a.Normal(); n.Region != tc.wantRegion || n.PostalCode != tc.wantPostal || n != n.Normal() {
			t.Errorf("%+v is kept as %q %q", tc, n.Region, n.PostalCode)
		}
	}
}

// Codes that are none, hostile ones among them.
func TestPostalCodesRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{{"US", "9410"}, {"US", "94105-18"}, {"US", "9410٥"}, {"US", "K1A 0B1"}, {"DE", "XX-10115x"}, {"DE", "D-"}, {"DE", "DE-DE-10115"}, {"DE", "ABCD-10115"},
		{"DE", "-----"}, {"CA", "K1A 0BO"}, {"GB", "SW1A 1A"}, {"GB", "Q1 1AA"}, {"NL", "1012 A"}, {"LV", "LV-LV-1010"}, {"IE", "D02"}, {"FR", "7500é"},
		{"GP", "75001"}, {"JP", "100-000"}, {"SG", "18956"}, {"BR", "01310-10a"}, {"PT", strings.Repeat("1", 1000)}, {"ZA", "\x00"}, {"IN", "012345"}} {
		a := Address{Name: "N", Line1: "1", City: "C", Region: "CA", PostalCode: tc[1], Country: tc[0]}
		if got := places(a); !slices.Contains(got, "postal_code") {
			t.Errorf("%s takes %q: %v", tc[0], tc[1], got)
		}
	}
}

// What is kept is taken again, and stays as it is.
func TestNormalIsStable(t *testing.T) {
	t.Parallel()
	countries := append(slices.Sorted(maps.Keys(postalForms)), "HK", "XX", "")
	rapid.Check(t, func(t *rapid.T) {
		a := Address{Name: rapid.String().Draw(t, "name"), Line1: "1", City: "C", Country: rapid.SampledFrom(countries).Draw(t, "country"),
			Region:     rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"california", " qc", "Nsw"})).Draw(t, "region"),
			PostalCode: rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Z]{0,3}-?[0-9A-Z -]{0,9}`)).Draw(t, "postal")}
		n := a.Normal()
		if n != n.Normal() || !slices.Equal(places(a), places(n)) {
			t.Fatalf("%+v, then %+v: %v", n, n.Normal(), places(n))
		}
	})
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
