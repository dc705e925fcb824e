package search

import "strings"

// The units that follow a number, in the forms in which people write them (folded): the first is that of a word. Of inch and foot
// the signs are read as well.
//
//nolint:misspell // not all of it is English
const unitForms = `
in inch inches zoll pouce pouces pulgada pulgadas pulg
ft foot feet
mm millimeter millimeters millimetre millimetres milimetro milimetros
cm centimeter centimeters centimetre centimetres zentimeter centimetro centimetros
m meter meters metre metres metro metros
km kilometer kilometers kilometre kilometres kilometro kilometros
mg
g gram grams gramm gramme grammes gramo gramos
kg kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos
lb lbs pound pounds
oz ounce ounces
ml milliliter milliliters millilitre millilitres mililitro mililitros
cl
l liter liters litre litres litro litros
kb ko kilobyte kilobytes
mb mo megabyte megabytes
gb go gigabyte gigabytes gigas
tb to terabyte terabytes
w watt watts
kw kilowatt kilowatts
wh
kwh
mah
v volt volts
a amp amps ampere amperes
hz hertz
khz
mhz
ghz gigahertz
mp mpx megapixel megapixels megapixeles
fps
rpm
dpi
db
`

var units = unitTable()

func unitTable() map[string]string {
	table := map[string]string{}
	for line := range strings.Lines(unitForms) {
		forms := strings.Fields(line)
		for _, f := range forms {
			table[f] = forms[0]
		}
	}
	return table
}

// otherwise are units that are other words as often: they are one beside their number alone ("2 in 1", "3 to 5" have none).
var otherwise = map[string]bool{"in": true, "to": true, "go": true, "a": true, "mo": true, "ko": true}

// number returns digits with points and commas between them in one form: "15,6" is "15.6", "1,234.50" and "1.234,5" are "1234.5",
// "10.000" is "10000", "2.0" is "2". What is none is kept with points: "2.0.1".
func number(s string) string {
	last := strings.LastIndexAny(s, ".,")
	if last < 0 {
		return s
	}
	whole, part := s[:last], s[last+1:]
	groups := strings.FieldsFunc(whole, isPoint)
	first := groups[0]
	thousands := len(first) <= 3 && first[0] != '0'
	for _, g := range groups[1:] {
		thousands = thousands && len(g) == 3
	}
	uniform := strings.Count(s, s[last:last+1]) == len(groups)
	switch {
	case thousands && uniform && len(part) == 3:
		return strings.Join(groups, "") + part
	case len(groups) == 1 || thousands && strings.Count(s, s[last:last+1]) == 1:
		return decimal(strings.Join(groups, ""), part)
	}
	return strings.Join(append(groups, part), ".")
}

func decimal(whole, part string) string {
	short := strings.TrimRight(part, "0")
	if short == "" {
		return whole
	}
	if len(short) == 3 && len(whole) <= 3 && whole[0] != '0' {
		return whole + "." + part // without its noughts it would be read as thousands
	}
	return whole + "." + short
}

func isPoint(c rune) bool { return c == '.' || c == ',' }

// split cuts a word where letters and digits meet: "1000xm4" is "1000", "xm", "4".
func split(word string) (atoms []string) {
	from := 0
	for i := 1; i < len(word); i++ {
		if numeric(word[i]) != numeric(word[i-1]) {
			atoms = append(atoms, word[from:i])
			from = i
		}
	}
	return append(atoms, word[from:])
}

func numeric(c byte) bool { return c >= '0' && c <= '9' || c == '.' }

func hasDigit(word string) bool {
	for i := range len(word) {
		if word[i] >= '0' && word[i] <= '9' {
			return true
		}
	}
	return false
}

func isNumber(word string) bool {
	return numeric(word[0]) && numeric(word[len(word)-1]) && len(split(word)) == 1
}
