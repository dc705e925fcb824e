package checkout

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Address is a postal address. Country is ISO 3166-1 alpha-2.
type Address struct {
	Name, Company, Line1, Line2, City, Region, PostalCode, Country, Phone string
}

// area is what a country asks of the region of an address.
type area struct {
	what  string            // what it is called there
	codes map[string]string // code by code and by name, in capitals; nil: any text
}

// states reads "CA California, NY New York".
func states(what, list string) area {
	a := area{what: what, codes: map[string]string{}}
	for one := range strings.SplitSeq(list, ",") {
		code, name, _ := strings.Cut(strings.TrimSpace(one), " ")
		a.codes[code], a.codes[strings.ToUpper(name)] = code, code
	}
	return a
}

// areas are the countries where a region must be given: parcels are sorted and taxed by it. Codes are those of ISO 3166-2. Everywhere
// else a region may be given, and any text is taken.
var areas = map[string]area{
	"US": states("state", `AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware, FL Florida, GA Georgia,
		HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan,
		MN Minnesota, MS Mississippi, MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York,
		NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota,
		TN Tennessee, TX Texas, UT Utah, VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, DC District of Columbia,
		PR Puerto Rico, GU Guam, VI Virgin Islands, AS American Samoa, MP Northern Mariana Islands, FM Micronesia, MH Marshall Islands, PW Palau,
		AA Armed Forces Americas, AE Armed Forces Europe, AP Armed Forces Pacific`),
	"CA": states("province", `AB Alberta, BC British Columbia, MB Manitoba, NB New Brunswick, NL Newfoundland and Labrador, NS Nova Scotia,
		NT Northwest Territories, NU Nunavut, ON Ontario, PE Prince Edward Island, QC Quebec, QC Québec, SK Saskatchewan, YT Yukon`),
	"AU": states("state", `ACT Australian Capital Territory, NSW New South Wales, NT Northern Territory, QLD Queensland, SA South Australia, TAS Tasmania,
		VIC Victoria, WA Western Australia`),
	"BR": {what: "state"}, "IN": {what: "state"}, "MX": {what: "state"}, "JP": {what: "prefecture"}, "CN": {what: "province"},
}

// cityless are the countries that are a city, and Hong Kong and the Emirates, where a district or an emirate stands for it: there a city
// need not be given.
var cityless = []string{"AE", "GI", "HK", "MC", "MO", "SG", "VA"}

// Normal returns the address without blanks around its parts, with its codes in capitals, its postal code as the country writes it, and
// the code of a region that was given by its name. What is no postal code and no region stays as it is.
func (a Address) Normal() Address {
	for _, s := range []*string{&a.Name, &a.Company, &a.Line1, &a.Line2, &a.City, &a.Region, &a.PostalCode, &a.Country, &a.Phone} {
		*s = strings.TrimSpace(*s)
	}
	a.Country, a.PostalCode = strings.ToUpper(a.Country), strings.ToUpper(strings.Map(narrow, a.PostalCode))
	a.PostalCode, _ = postalForms[a.Country].set(a.PostalCode, a.Country)
	if codes := areas[a.Country].codes; codes != nil {
		a.Region = strings.ToUpper(a.Region)
		a.Region = cmp.Or(codes[a.Region], a.Region)
	}
	return a
}

// Check notes every fault of a normal address, by its place below at ("body.shipping_address"). Values are not repeated: they are
// personal.
func (a Address) Check(c *fault.Collector, at string) {
	for _, part := range []struct{ name, value string }{{"name", a.Name}, {"line1", a.Line1}, {"city", a.City}} {
		c.Check(part.value != "" || part.name == "city" && slices.Contains(cityless, a.Country), at+"."+part.name, "must be given", nil)
	}
	for _, part := range []struct{ name, value string }{{"name", a.Name}, {"company", a.Company}, {"line1", a.Line1}, {"line2", a.Line2},
		{"city", a.City}, {"region", a.Region}, {"postal_code", a.PostalCode}, {"phone", a.Phone}} {
		c.Check(strings.IndexFunc(part.value, unicode.IsControl) < 0, at+"."+part.name, "must not hold control characters", nil)
	}
	if !KnownCountry(a.Country) {
		c.Add(at+".country", "must be an ISO 3166-1 alpha-2 code", nil)
		return
	}
	if f := postalForms[a.Country]; f.need || a.PostalCode != "" {
		_, ok := f.set(a.PostalCode, a.Country)
		c.Check(ok, at+".postal_code", "must be a postal code such as "+f.sample, nil)
	}
	switch area := areas[a.Country]; {
	case area.codes != nil:
		c.Check(a.Region != "" && area.codes[a.Region] == a.Region, at+".region", "must be the code or the name of a "+area.what, nil)
	case area.what != "":
		c.Check(a.Region != "", at+".region", "must name the "+area.what, nil)
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
