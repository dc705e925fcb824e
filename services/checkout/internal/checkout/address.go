package checkout

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Address is a postal address. Country is ISO 3166-1 alpha-2.
type Address struct {
	Name, Company, Line1, Line2, City, Region, PostalCode, Country, Phone string
}

// form is what a country asks of an address beyond name, first line and city.
type form struct {
	postal   *regexp.Regexp // nil: any or none
	sample   string         // a postal code of that form
	region   bool           // must be given
	regions  []string       // codes that are known; nil: any text
	whatArea string         // what the region is called there
}

func postal(pattern, sample string) form {
	return form{postal: regexp.MustCompile("^(?:" + pattern + ")$"), sample: sample}
}

func (f form) in(area string, regions ...string) form {
	f.region, f.regions, f.whatArea = true, regions, area
	return f
}

// forms are the countries whose addresses are checked beyond the general rule. Sources: the Universal Postal Union's addressing
// pages and ISO 3166-2 for the codes of states and provinces.
var forms = map[string]form{
	"US": postal(`\d{5}(-\d{4})?`, "94105").in("state", "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
		"KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC",
		"SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC", "PR", "GU", "VI", "AS", "MP", "AA", "AE", "AP"),
	"CA": postal(`[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d`, "K1A 0B1").
		in("province", "AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"),
	"AU": postal(`\d{4}`, "2000").in("state", "ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"),
	"BR": postal(`\d{5}-?\d{3}`, "01310-100").in("state"),
	"IN": postal(`[1-9]\d{2} ?\d{3}`, "110001").in("state"),
	"JP": postal(`\d{3}-?\d{4}`, "100-0001").in("prefecture"),
	"MX": postal(`\d{5}`, "06000").in("state"),
	"GB": postal(`GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2}`, "SW1A 1AA"),
	"DE": postal(`\d{5}`, "10115"), "FR": postal(`\d{5}`, "75001"), "ES": postal(`(?:0[1-9]|[1-4]\d|5[0-2])\d{3}`, "28001"), "IT": postal(`\d{5}`, "00118"),
	"NL": postal(`[1-9]\d{3} ?[A-Z]{2}`, "1012 AB"), "AT": postal(`[1-9]\d{3}`, "1010"), "BE": postal(`[1-9]\d{3}`, "1000"), "CH": postal(`[1-9]\d{3}`, "8001"),
	"CZ": postal(`\d{3} ?\d{2}`, "110 00"), "DK": postal(`\d{4}`, "1050"), "EE": postal(`\d{5}`, "10111"), "FI": postal(`\d{5}`, "00100"),
	"GR": postal(`\d{3} ?\d{2}`, "105 57"), "HU": postal(`\d{4}`, "1011"), "KR": postal(`\d{5}`, "04524"), "LU": postal(`(?:L-)?\d{4}`, "1009"),
	"NO": postal(`\d{4}`, "0150"), "NZ": postal(`\d{4}`, "6011"), "PL": postal(`\d{2}-\d{3}`, "00-001"), "PT": postal(`\d{4}-\d{3}`, "1100-148"),
	"SE": postal(`\d{3} ?\d{2}`, "111 20"), "SG": postal(`\d{6}`, "018956"), "SK": postal(`\d{3} ?\d{2}`, "811 01"), "ZA": postal(`\d{4}`, "8001"),
}

// Normal returns the address without blanks around its parts, with its codes in capitals.
func (a Address) Normal() Address {
	for _, s := range []*string{&a.Name, &a.Company, &a.Line1, &a.Line2, &a.City, &a.Region, &a.PostalCode, &a.Country, &a.Phone} {
		*s = strings.TrimSpace(*s)
	}
	a.Country, a.PostalCode = strings.ToUpper(a.Country), strings.ToUpper(a.PostalCode)
	if forms[a.Country].regions != nil {
		a.Region = strings.ToUpper(a.Region)
	}
	return a
}

// Check notes every fault of a normal address, by its place below at ("body.shipping_address"). Values are not repeated: they are
// personal.
func (a Address) Check(c *fault.Collector, at string) {
	for _, part := range []struct{ name, value string }{{"name", a.Name}, {"line1", a.Line1}, {"city", a.City}} {
		c.Check(part.value != "", at+"."+part.name, "must be given", nil)
	}
	for _, part := range []struct{ name, value string }{{"name", a.Name}, {"company", a.Company}, {"line1", a.Line1}, {"line2", a.Line2},
		{"city", a.City}, {"region", a.Region}, {"postal_code", a.PostalCode}, {"phone", a.Phone}} {
		c.Check(strings.IndexFunc(part.value, unicode.IsControl) < 0, at+"."+part.name, "must not hold control characters", nil)
	}
	if !KnownCountry(a.Country) {
		c.Add(at+".country", "must be an ISO 3166-1 alpha-2 code", nil)
		return
	}
	f := forms[a.Country]
	if f.postal != nil {
		c.Check(f.postal.MatchString(a.PostalCode), at+".postal_code", "must be a postal code such as "+f.sample, nil)
	}
	switch {
	case f.regions != nil:
		c.Check(slices.Contains(f.regions, a.Region), at+".region", "must be the code of a "+f.whatArea+", such as "+f.regions[4], nil)
	case f.region:
		c.Check(a.Region != "", at+".region", "must name the "+f.whatArea, nil)
	}
}

const maxEmail = 254 // RFC 5321, section 4.5.3.1.3

// ValidEmail reports whether s can be an address of e-mail. Only sending to it proves more.
func ValidEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && len(s) <= maxEmail && local != "" && len(local) <= 64 && !strings.Contains(domain, "@") &&
		strings.Contains(strings.Trim(domain, "."), ".") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".") &&
		!strings.Contains(domain, "..") && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>(),;:\"[]`, r)
	}) < 0
}

// countries are the codes of ISO 3166-1 alpha-2 that are assigned, and XK, which is in use.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM " +
	"CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN " +
	"HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN " +
	"MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE " +
	"SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT " +
	"ZA ZM ZW "

// KnownCountry reports whether code is one of ISO 3166-1 alpha-2.
func KnownCountry(code string) bool {
	return len(code) == 2 && !strings.Contains(code, " ") && strings.Contains(countries, " "+code+" ")
}
