package wire

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

type searchRequest struct {
	XMLName  xml.Name `xml:"search"`
	Criteria []struct {
		XMLName    xml.Name
		Type       string   `xml:"type,attr"`
		Items      []string `xml:"item"`
		Is         *string  `xml:"is"`
		IsNot      *string  `xml:"is-not"`
		StartsWith *string  `xml:"starts-with"`
		EndsWith   *string  `xml:"ends-with"`
		Contains   *string  `xml:"contains"`
		Min        *string  `xml:"min"`
		Max        *string  `xml:"max"`
	} `xml:",any"`
}

// ParseSearch reads advanced-search criteria. A criterion on a field that the simulator does not keep is an error rather
// than ignored: ignoring it would find too much.
func ParseSearch(body []byte) (ledger.Query, error) {
	q := ledger.Query{Texts: map[string]ledger.Text{}, OneOf: map[string][]string{}, Times: map[string]ledger.Span[time.Time]{}}
	if len(body) == 0 {
		return q, nil
	}
	var r searchRequest
	if err := decode(body, &r); err != nil {
		return q, err
	}
	for _, c := range r.Criteria {
		name := c.XMLName.Local
		text := ledger.Text{Is: or(c.Is), IsNot: or(c.IsNot), StartsWith: or(c.StartsWith), EndsWith: or(c.EndsWith), Contains: or(c.Contains)}
		var err error
		switch {
		case name == "ids":
			q.IDs = append([]string{}, c.Items...)
		case name == "amount":
			q.Amount, err = span(c.Is, c.Min, c.Max, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
		case ledger.SearchableTime(name):
			var s *ledger.Span[time.Time]
			if s, err = span(c.Is, c.Min, c.Max, parseTime); err == nil {
				q.Times[name] = *s
			}
		case !ledger.Searchable(name):
			err = fmt.Errorf("%w: search by %q is not simulated", ErrMalformed, name)
		case c.Type == "array":
			q.OneOf[name] = c.Items
		case name == "order-id":
			q.OrderID = &text
		default:
			q.Texts[name] = text
		}
		if err != nil {
			return q, fmt.Errorf("%w: criterion %s: %w", ErrMalformed, name, err)
		}
	}
	return q, nil
}

func or(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339, strings.TrimSpace(s)) }

func span[T any](is, low, high *string, parse func(string) (T, error)) (*ledger.Span[T], error) {
	if is != nil {
		low, high = is, is
	}
	s := &ledger.Span[T]{}
	for _, end := range []struct {
		text *string
		into **T
	}{{low, &s.Min}, {high, &s.Max}} {
		if end.text == nil {
			continue
		}
		v, err := parse(*end.text)
		if err != nil {
			return nil, err
		}
		*end.into = &v
	}
	return s, nil
}
