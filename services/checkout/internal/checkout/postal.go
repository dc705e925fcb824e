package checkout

import (
	"regexp"
	"strings"
)

// postalForm is the postal code of a country.
//
// A mask draws it: # is a digit, @ a letter, ? either, every other sign stands for itself. Blanks and hyphens may be missing or misplaced
// in what is given; what is kept has them where the mask has them. The sign | separates masks.
type postalForm struct {
	masks  string
	sample string
	need   bool           // must be given
	rule   *regexp.Regexp // what the masks do not say; nil: nothing
}

func optional(masks, sample string) postalForm { return postalForm{masks: masks, sample: sample} }

func needed(masks, sample string) postalForm {
	return postalForm{masks: masks, sample: sample, need: true}
}

// that adds what every code must match.
func (f postalForm) that(pattern string) postalForm {
	f.rule = regexp.MustCompile("^(?:" + pattern + ")$")
	return f
}

const zip = "#####|#####-####"

// postalForms are the countries whose postal codes are checked. Where a country is missing, has none or uses them loosely, any text is
// taken. Source: the Universal Postal Union's addressing pages, beside the address data that Google publishes as libaddressinput.
var postalForms = map[string]postalForm{
	// North and Central America, the Caribbean
	"US": needed(zip, "94105"), "PR": needed(zip, "00901"), "VI": needed(zip, "00802"),
	"CA": needed("@#@ #@#", "K1A 0B1").that(`[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d`),
	"MX": needed("#####", "06000"), "BM": optional("@@ ??", "HM 12"), "CR": optional("#####|####", "10101"), "CU": optional("#####", "10400"),
	"DO": optional("#####", "10101"), "GT": optional("#####", "01001"), "HN": optional("#####|@@####", "11101"), "NI": optional("#####", "11001"),
	"PM": needed("97500", "97500"), "GL": needed("####", "3900"), "KY": optional("KY#-####", "KY1-1100"), "BB": optional("BB#####", "BB11000"),
	"GP": needed("971##", "97100"), "MQ": needed("972##", "97200"), "BL": needed("97###", "97133"), "MF": needed("97###", "97150"),
	// South America
	"AR": optional("####|@####@@@", "C1425CKF"), "BR": needed("#####-###", "01310-100"), "CL": optional("#######", "8320000"), "CO": optional("######", "110111"),
	"EC": optional("######", "170150"), "GF": needed("973##", "97300"), "PE": optional("#####", "15001"), "PY": optional("####|######", "1209"),
	"UY": optional("#####", "11000"), "VE": optional("####|#####", "1010"), "FK": needed("FIQQ 1ZZ", "FIQQ 1ZZ"),
	// Northern and western Europe
	"GB": needed("@# #@@|@## #@@|@@# #@@|@@## #@@|@#@ #@@|@@#@ #@@|GIR 0AA", "SW1A 1AA").that(
		`GIR 0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]) \d[ABD-HJLNP-UW-Z]{2}`),
	"GG": needed("GY# #@@|GY## #@@", "GY1 1AA"), "JE": needed("JE# #@@|JE## #@@", "JE2 3AB"), "IM": needed("IM# #@@|IM## #@@", "IM1 1AA"),
	"GI": optional("GX11 1AA", "GX11 1AA"), "IE": optional("@#? ????", "D02 AF30"), "DK": needed("####", "1050"), "FO": optional("###", "100"),
	"FI": needed("#####", "00100"), "AX": needed("22###", "22100"), "IS": optional("###", "101"), "NO": needed("####", "0150"), "SJ": needed("####", "9170"),
	"SE": needed("### ##", "111 20"), "EE": needed("#####", "10111"), "LV": needed("LV-####", "LV-1010"), "LT": needed("LT-#####", "LT-01100"),
	"DE": needed("#####", "10115"), "FR": needed("#####", "75001"), "MC": optional("98###", "98000"), "LU": needed("####", "1009"),
	"NL": needed("#### @@", "1012 AB").that(`[1-9].*`), "BE": needed("####", "1000").that(`[1-9].*`), "AT": needed("####", "1010").that(`[1-9].*`),
	"CH": needed("####", "8001").that(`[1-9].*`), "LI": needed("94##", "9490"),
	// Southern and eastern Europe
	"ES": needed("#####", "28001").that(`(?:0[1-9]|[1-4]\d|5[0-2])\d{3}`), "AD": optional("AD###", "AD500"), "PT": needed("####-###", "1100-148"),
	"IT": needed("#####", "00118"), "SM": needed("4789#", "47890"), "VA": needed("00120", "00120"), "MT": optional("@@@ ####", "VLT 1117"),
	"GR": needed("### ##", "105 57"), "CY": optional("####", "1010"), "AL": optional("####", "1001"), "BA": optional("#####", "71000"),
	"HR": needed("#####", "10000"), "ME": optional("#####", "81000"), "MK": optional("####", "1000"), "RS": optional("#####|######", "11000"),
	"SI": needed("####", "1000"), "XK": optional("#####", "10000"), "BG": needed("####", "1000"), "RO": needed("######", "010011"),
	"HU": needed("####", "1011"), "CZ": needed("### ##", "110 00"), "SK": needed("### ##", "811 01"), "PL": needed("##-###", "00-001"),
	"BY": optional("######", "220030"), "MD": optional("MD-####", "MD-2001"), "RU": needed("######", "101000"), "UA": needed("#####", "01001"),
	"TR": needed("#####", "34080"),
	// The Caucasus, the Near East and Central Asia
	"AM": optional("####|######", "0010"), "AZ": optional("AZ####", "AZ1000"), "GE": optional("####", "0101"), "BH": optional("###|####", "317"),
	"IL": optional("#######|#####", "9614303"), "IQ": optional("#####", "10001"), "IR": optional("#####-#####", "11936-12345"), "JO": optional("#####", "11937"),
	"KW": optional("#####", "54541"), "LB": optional("####|#### ####", "2038 3054"), "OM": optional("###", "133"), "SA": optional("#####|#####-####", "11564"),
	"KG": optional("######", "720001"), "KZ": optional("######|@##@#@#", "010000"), "TJ": optional("######", "734000"), "TM": optional("######", "744000"),
	"UZ": optional("######", "100000"), "AF": optional("####", "1001"),
	// South, East and South-East Asia
	"BD": optional("####", "1340"), "BT": optional("#####", "11001"), "IN": needed("######", "110001").that(`[1-9].*`), "LK": optional("#####", "20000"),
	"MV": optional("#####", "20026"), "NP": optional("#####", "44601"), "PK": optional("#####", "44000"), "CN": needed("######", "100005"),
	"JP": needed("###-####", "100-0001"), "KR": needed("#####", "04524"), "MN": optional("#####|######", "14200"), "TW": needed("###|#####|######", "104"),
	"BN": optional("@@####", "BT2328"), "ID": optional("#####", "40115"), "KH": optional("#####|######", "120101"), "LA": optional("#####", "01160"),
	"MM": optional("#####", "11181"), "MY": needed("#####", "50250"), "PH": optional("####", "1008"), "SG": needed("######", "018956"),
	"TH": needed("#####", "10110"), "VN": optional("#####|######", "119415"),
	// Africa
	"CV": optional("####", "7600"), "DZ": optional("#####", "16000"), "EG": optional("#####|#######", "11599"), "ET": optional("####", "1000"),
	"KE": optional("#####", "00100"), "LS": optional("###", "100"), "MA": optional("#####", "10000"), "MG": optional("###", "101"),
	"MU": optional("#####", "42602"), "MZ": optional("####", "1102"), "NG": optional("######", "930283"), "RE": needed("974##", "97400"),
	"SN": optional("#####", "12500"), "SZ": optional("@###", "H100"), "TN": optional("####", "1002"), "YT": needed("976##", "97600"),
	"ZA": needed("####", "8001"), "ZM": optional("#####", "50100"),
	// Oceania
	"AU": needed("####", "2000"), "NZ": needed("####", "6011"), "PG": optional("###", "111"), "NC": needed("988##", "98814"), "PF": needed("987##", "98709"),
	"WF": needed("986##", "98600"), "AS": needed(zip, "96799"), "GU": needed(zip, "96910"), "MP": needed(zip, "96950"), "FM": needed(zip, "96941"),
	"MH": needed(zip, "96960"), "PW": needed(zip, "96940"), "NF": optional("2899", "2899"), "CX": optional("6798", "6798"), "CC": optional("6799", "6799"),
}

// set returns a code as the country writes it, and whether it is one. What is none comes back as it is. A letter prefix of old, as in
// D-10115, is dropped where the code begins with a digit, and one that the country writes may be left
// out of a code that differs from place to place.
func (f postalForm) set(code, country string) (string, bool) {
	if f.masks == "" {
		return code, true
	}
	bare := squeeze(code)
	for mask := range strings.SplitSeq(f.masks, "|") {
		from := bare
		lead := mask[:len(mask)-len(strings.TrimLeft(mask, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
		switch {
		case lead != "" && !strings.HasPrefix(from, lead) && strings.ContainsAny(mask, "#@?"):
			from = lead + from
		case lead == "" && !strings.ContainsRune("@?", rune(mask[0])):
			if before, after, cut := strings.Cut(code, "-"); cut && len(before) <= 3 && strings.Trim(before, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
				from = squeeze(after)
			} else {
				from = strings.TrimPrefix(from, country)
			}
		}
		if set, ok := fill(mask, from); ok && (f.rule == nil || f.rule.MatchString(set)) {
			return set, true
		}
	}
	return code, false
}

// begins reports whether a code may begin with squeezed signs.
func (f postalForm) begins(with string) bool {
	if f.masks == "" {
		return true
	}
	for mask := range strings.SplitSeq(f.masks, "|") {
		bare := squeeze(mask)
		if len(with) > len(bare) {
			continue
		}
		if _, ok := fill(bare[:len(with)], with); ok {
			return true
		}
	}
	return false
}

// narrow returns the plain form of a sign in full width, as keyboards of East Asia write it.
func narrow(r rune) rune {
	const first, last, ideographicSpace = '！', '～', '\u3000'
	switch {
	case r >= first && r <= last:
		return r - first + '!'
	case r == ideographicSpace:
		return ' '
	}
	return r
}

// squeeze drops blanks and hyphens.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -\u00a0\u2010\u2011\u2012\u2013\u2212\u30fc", r) {
			return -1
		}
		return r
	}, s)
}

// fill lays the signs of a squeezed code into a mask.
func fill(mask, bare string) (string, bool) {
	set := make([]byte, 0, len(mask))
	for i := range len(mask) {
		if mask[i] == ' ' || mask[i] == '-' {
			set = append(set, mask[i])
			continue
		}
		if bare == "" || !fits(mask[i], bare[0]) {
			return "", false
		}
		set, bare = append(set, bare[0]), bare[1:]
	}
	return string(set), bare == ""
}

func fits(m, sign byte) bool {
	digit, letter := sign >= '0' && sign <= '9', sign >= 'A' && sign <= 'Z'
	switch m {
	case '#':
		return digit
	case '@':
		return letter
	case '?':
		return digit || letter
	}
	return m == sign
}
