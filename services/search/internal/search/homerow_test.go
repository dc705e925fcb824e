package search

import (
	"fmt"
	"testing"
	"time"
)

func TestRowsAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	at := func(id string, position int, starts, ends time.Time, when Condition) HomeRow {
		return HomeRow{ID: id, Position: position, Starts: starts, Ends: ends, When: when}
	}
	never := time.Time{}
	all := []HomeRow{
		at("b", 1, never, never, Condition{}), at("a", 1, never, never, Condition{}), at("first", 0, blackFriday, never, Condition{}),
		at("over", 0, never, blackFriday, Condition{}), at("later", 0, blackFriday.Add(1), never, Condition{}),
		at("german", 2, never, never, Condition{Locales: []string{"de"}}), at("austrian", 3, never, never, Condition{Locales: []string{"de-AT"}}),
		at("vip", 4, never, never, Condition{Segments: []string{"vip"}, Channels: []string{"web"}}),
	}
	for want, c := range map[string]Context{
		"[first a b]":                     {},
		"[first a b german]":              {Locale: "de-DE", Segments: []string{"vip"}},
		"[first a b german austrian vip]": {Locale: "de-AT", Segments: []string{"new", "vip"}, Channel: "web"},
	} {
		var got []string
		for _, r := range Rows(all, c, blackFriday) {
			got = append(got, r.ID)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	var many []HomeRow
	for i := range 99 {
		many = append(many, at(fmt.Sprintf("%02d", i), 0, never, never, Condition{}))
	}
	if got := Rows(many, Context{}, blackFriday); len(got) != MaxShownRows || got[0].ID != "00" {
		t.Errorf("%d", len(got))
	}
}
