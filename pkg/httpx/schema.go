package httpx

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/money"
)

// maxExact is the largest integer that every JSON reader keeps exact (RFC 8259, section 6).
const maxExact = 1<<53 - 1

var (
	problemType = reflect.TypeFor[ProblemDetails]()
	amountType  = reflect.TypeFor[money.Amount]()
)

// tighten bounds every integer of the document to what JSON readers keep exact, so that an overflow is refused at its place
// instead of somewhere behind; and money to known currencies.
func tighten(r huma.Registry) {
	delete(r.Map(), "ErrorModel") // huma's own shape of errors, which no answer has
	delete(r.Map(), "ErrorDetail")
	for name, s := range r.Map() {
		tightenSchema(s)
		if name == amountType.Name() && r.TypeFromRef("#/components/schemas/"+name) == amountType {
			limitCurrency(s.Properties["currency"])
		}
		s.PrecomputeMessages()
	}
}

func tightenSchema(s *huma.Schema) {
	if s == nil || s.Ref != "" {
		return
	}
	if s.Type == huma.TypeInteger {
		low, high := float64(-maxExact), float64(maxExact)
		if s.Format == "int32" {
			low, high = -1<<31, 1<<31-1
		}
		if s.Minimum == nil && s.ExclusiveMinimum == nil {
			s.Minimum = &low
		}
		if s.Maximum == nil && s.ExclusiveMaximum == nil {
			s.Maximum = &high
		}
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false // an empty list is [], not null
	}
	for _, p := range s.Properties {
		tightenSchema(p)
	}
	tightenSchema(s.Items)
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		tightenSchema(more)
	}
}

func limitCurrency(s *huma.Schema) {
	if s == nil || s.Enum != nil {
		return
	}
	s.Pattern = ""
	for _, c := range money.Currencies() {
		s.Enum = append(s.Enum, string(c))
	}
}
