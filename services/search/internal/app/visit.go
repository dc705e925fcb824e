package app

import (
	"time"

	"github.com/sidecart/sidecart/services/search/internal/search"
)

// Locale is where somebody reads: at the prices of Market, in Language (empty: the shop's), by what rules say of Tag, such as "de-AT".
type Locale struct {
	Market   search.Market
	Language string
	Tag      string
}

// Visit is who reads where. Rules look at all of it.
type Visit struct {
	Locale
	Channel  string
	Visitor  string // stable for a person; empty: nobody is known
	Segments []string
	Seen     []string   // ids or slugs of what was looked at, the last one last
	At       *time.Time // when rules are to hold; nil: now
}

// context is a visit as rules look at it, at a moment.
func (v *Visit) context(now time.Time) (search.Context, time.Time) {
	if v.At != nil {
		now = *v.At
	}
	return search.Context{Segments: v.Segments, Locale: v.Tag, Channel: v.Channel, Visitor: v.Visitor}, now
}
