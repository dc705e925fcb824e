package storefront

import (
	"slices"
	"strings"
)

// AddressField is a part of an address as a form asks for it.
type AddressField struct {
	Name     string // as in orderapi.Address: "line1"
	Label    string // key of its text: "line1", "zip", "state"
	Required bool
	Narrow   bool   // shares its row with the one beside it
	Complete string // HTML's autocomplete field name: "address-line1"
	Numeric  bool   // typed on a keyboard of digits
	Max      int    // characters
	Sample   string // what it looks like: "94105"
	Choices  []Region
}

// Region is a part of a country, by its code of ISO 3166-2 and its own name.
type Region struct{ Code, Name string }

// country is how a country writes addresses, as far as it differs from the general form. What is checked is checkout's to say; this is what a form
// asks for, so that it is right at once.
type country struct {
	postal      string // key of the label, and so of what it is called: "zip", "postcode" or "postal"
	sample      string
	optional    bool   // there are no postal codes, or they need not be given
	numeric     bool   // the code is made of digits alone
	region      string // key of the label where a region must be given: "state", "province", "prefecture"
	regions     string // "CA California, NY New York"
	codeFirst   bool   // "10115 Berlin"
	cityless    bool   // the country is the city
	streetFirst bool   // the street's name comes before the house's number
}

var european = country{postal: "postal", codeFirst: true, numeric: true, streetFirst: true}

func sampled(c country, sample string) country {
	c.sample = sample
	c.numeric = strings.Trim(sample, "0123456789") == ""
	return c
}

// countries are those that a shopper may choose. Samples are those of checkout's postal forms.
var countries = map[string]country{
	"US": {postal: "zip", sample: "94105", numeric: true, region: "state", regions: "AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, " +
		"DE Delaware, DC District of Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, " +
		"MA Massachusetts, MI Michigan, MN Minnesota, MS Mississippi, MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York, " +
		"NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, PR Puerto Rico, RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, " +
		"UT Utah, VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, AS American Samoa, GU Guam, MP Northern Mariana Islands, VI Virgin Islands, " +
		"AA Armed Forces Americas, AE Armed Forces Europe, AP Armed Forces Pacific"},
	"CA": {postal: "postal", sample: "K1A 0B1", region: "province", regions: "AB Alberta, BC British Columbia, MB Manitoba, NB New Brunswick, NL Newfoundland and Labrador, " +
		"NS Nova Scotia, NT Northwest Territories, NU Nunavut, ON Ontario, PE Prince Edward Island, QC Québec, SK Saskatchewan, YT Yukon"},
	"AU": {postal: "postcode", sample: "2000", numeric: true, region: "state", regions: "ACT Australian Capital Territory, NSW New South Wales, NT Northern Territory, QLD Queensland, " +
		"SA South Australia, TAS Tasmania, VIC Victoria, WA Western Australia"},
	"JP": {postal: "postal", sample: "100-0001", region: "prefecture"},
	"GB": {postal: "postcode", sample: "SW1A 1AA"}, "IE": {postal: "postal", sample: "D02 AF30", optional: true},
	"SG": {postal: "postal", sample: "018956", numeric: true, cityless: true},
	"DE": sampled(european, "10115"), "AT": sampled(european, "1010"), "CH": sampled(european, "8001"), "FR": sampled(european, "75001"), "NL": sampled(european, "1012 AB"),
	"BE": sampled(european, "1000"), "LU": sampled(european, "1009"), "IT": sampled(european, "00118"), "ES": sampled(european, "28001"), "PT": sampled(european, "1100-148"),
	"DK": sampled(european, "1050"), "SE": sampled(european, "111 20"), "FI": sampled(european, "00100"), "NO": sampled(european, "0150"), "PL": sampled(european, "00-001"),
	"CZ": sampled(european, "110 00"), "SK": sampled(european, "811 01"), "HU": sampled(european, "1051"), "SI": sampled(european, "1000"), "HR": sampled(european, "10000"),
	"EE": sampled(european, "10111"), "LV": sampled(european, "LV-1010"), "LT": sampled(european, "LT-01100"), "GR": sampled(european, "105 57"), "RO": sampled(european, "010011"),
	"BG": sampled(european, "1000"),
}

// Countries are the codes of those that a shopper may choose.
func Countries() []string {
	var codes []string
	for code := range countries {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// KnowsCountry reports whether a shopper may choose a country.
func KnowsCountry(code string) bool { _, ok := countries[code]; return ok }

// AddressForm is what a form asks for, in the order in which the country writes addresses. A country that is not among Countries gets the general form.
func AddressForm(code string) []AddressField {
	c, ok := countries[code]
	if !ok {
		c = country{postal: "postal", optional: true}
	}
	line1 := AddressField{Name: "line1", Label: "line1", Required: true, Complete: "address-line1", Max: 200}
	if c.streetFirst {
		line1.Label = "street"
	}
	form := []AddressField{
		{Name: "name", Label: "name", Required: true, Complete: "name", Max: 200},
		{Name: "company", Label: "company", Complete: "organization", Max: 200},
		line1,
		{Name: "line2", Label: "line2", Complete: "address-line2", Max: 200},
	}
	city := AddressField{Name: "city", Label: "city", Required: !c.cityless, Narrow: true, Complete: "address-level2", Max: 100}
	postal := AddressField{Name: "postal_code", Label: c.postal, Required: !c.optional, Narrow: true, Complete: "postal-code", Numeric: c.numeric, Max: 20, Sample: c.sample}
	region := AddressField{Name: "region", Label: c.region, Required: true, Narrow: true, Complete: "address-level1", Max: 100, Choices: regions(c.regions)}
	switch {
	case c.codeFirst:
		form = append(form, postal, city)
	case c.region == "" && ok:
		form = append(form, city, postal)
	case c.region == "":
		region.Label, region.Required = "region", false
		city.Narrow = false
		form = append(form, city, region, postal)
	default:
		city.Narrow = false
		form = append(form, city, region, postal)
	}
	return append(form, AddressField{Name: "phone", Label: "phone", Complete: "tel", Max: 40})
}

func regions(list string) (all []Region) {
	for one := range strings.SplitSeq(list, ", ") {
		if code, name, ok := strings.Cut(one, " "); ok {
			all = append(all, Region{code, name})
		}
	}
	return all
}

// CityLine is the line of an address that has its city, as the country writes it: "10115 Berlin", "San Francisco, CA 94105".
func CityLine(code, city, region, postal string) string {
	c := countries[code]
	switch {
	case c.codeFirst:
		return strings.TrimSpace(postal + " " + city)
	case region != "":
		return strings.TrimSpace(strings.TrimPrefix(city+", ", ", ") + region + " " + postal)
	}
	return strings.TrimSpace(city + " " + postal)
}
