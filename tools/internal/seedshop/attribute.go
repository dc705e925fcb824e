package seedshop

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var plainDecimal = regexp.MustCompile(`^\d+(\.\d+)?$`)

// registry turns the rows into attributes, in order and by code.
func registry(src *source) ([]Attribute, map[string]Attribute) {
	hex := map[string]string{}
	for _, p := range src.shop.Palette {
		hex[p.Code] = p.Hex
	}
	var list []Attribute
	byCode := map[string]Attribute{}
	for _, row := range src.attributes {
		a := Attribute{Code: row.Code, Label: row.Label, Kind: row.Kind, Unit: row.Unit}
		for _, c := range row.Values {
			choice := Choice{Code: c.code, Label: c.label}
			if row.Kind == Colour {
				choice.Hex = hex[c.code]
			}
			a.Values = append(a.Values, choice)
		}
		list = append(list, a)
		byCode[a.Code] = a
	}
	return list, byCode
}

// read makes a typed value of what the file says.
func (a Attribute) read(w words) (Value, error) {
	v := Value{Attribute: a.Code, Kind: a.Kind, Unit: a.Unit}
	if a.Kind == MultiEnum {
		return a.readMany(v, w)
	}
	if len(w) != 1 || w[0] == "" {
		return v, fmt.Errorf("attribute %s: want one value, have %q", a.Code, []string(w))
	}
	v.Text = w[0]
	var err error
	switch a.Kind {
	case Text:
	case Integer:
		v.Integer, err = strconv.ParseInt(v.Text, 10, 64)
	case Boolean:
		v.Boolean, err = strconv.ParseBool(v.Text)
	case Date:
		_, err = time.Parse(time.DateOnly, v.Text)
	case Decimal:
		if !plainDecimal.MatchString(v.Text) {
			err = fmt.Errorf("%q is no decimal", v.Text)
		}
	case Enum, Colour:
		c, ok := a.choice(v.Text)
		if !ok {
			return v, fmt.Errorf("attribute %s: no value %q", a.Code, v.Text)
		}
		v.Label, v.Hex = c.Label, c.Hex
	default:
		err = fmt.Errorf("no kind %q", a.Kind)
	}
	if err != nil {
		return v, fmt.Errorf("attribute %s: %w", a.Code, err)
	}
	if v.Label == "" {
		v.Label = strings.TrimSpace(v.Text + " " + v.Unit)
	}
	return v, nil
}

func (a Attribute) readMany(v Value, w words) (Value, error) {
	var labels []string
	for _, code := range w {
		c, ok := a.choice(code)
		if !ok || slices.Contains(v.Codes, code) {
			return v, fmt.Errorf("attribute %s: no value %q, or twice", a.Code, code)
		}
		v.Codes = append(v.Codes, code)
		labels = append(labels, c.Label)
	}
	if len(v.Codes) == 0 {
		return v, fmt.Errorf("attribute %s: no values", a.Code)
	}
	v.Label = strings.Join(labels, ", ")
	return v, nil
}

func (a Attribute) choice(code string) (Choice, bool) {
	i := slices.IndexFunc(a.Values, func(c Choice) bool { return c.Code == code })
	if i < 0 {
		return Choice{}, false
	}
	return a.Values[i], true
}

// inWords makes "recycled_polyester" read as "Recycled polyester".
func inWords(code string) string {
	s := strings.ReplaceAll(code, "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}
