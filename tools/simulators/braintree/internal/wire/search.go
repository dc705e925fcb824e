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

// Fields are what a search may ask for: texts and lists, times and days.
type Fields struct{ Text, Time func(field string) bool }

// The fields of what can be searched.
var (
	OfTransactions = Fields{ledger.Searchable, ledger.SearchableTime}
	OfCustomers    = Fields{ledger.SearchableCustomer, func(field string) bool { return field == "created-at" }}
	OfDisputes     = Fields{ledger.SearchableDispute, ledger.SearchableDisputeDay}
)

// ParseSearch reads advanced-search criteria. A criterion on a field that the simulator does not keep is an error rather
// than ignored: ignoring it would find too much.
func ParseSearch(body []byte, fields Fields) (ledger.Query, error) {
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
		case name == "amount" || name == "amount-disputed":
			q.Amount, err = span(c.Is, c.Min, c.Max, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
		case fields.Time(name):
			var s *ledger.Span[time.Time]
			if s, err = span(c.Is, c.Min, c.Max, parseTime); err == nil {
				q.Times[name] = *s
			}
		case !fields.Text(name):
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

// parseTime reads a time, or a day as some SDKs send for a range of days.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, form := range []string{time.DateOnly, "01/02/2006"} {
		if day, err := time.Parse(form, s); err == nil {
			return day, nil
		}
	}
	return time.Parse(time.RFC3339, s)
}

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
