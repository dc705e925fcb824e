package httpapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Staff read who changed what.
func TestChangesOfSettings(t *testing.T) {
	t.Parallel()
	const path, rows = "/v1/admin/search/audit", "/v1/admin/search/rows"
	s := open(t)
	s.staff.Do("PUT", synonymsPath+"/tv", object{"words": []string{"tv", "television"}}).Want(200)
	s.rule("tv", object{"locales": []string{"de"}}, pin(id(1), 1))
	s.staff.Do("PUT", rows+"/new", object{"titles": object{"en": "New"}, "shows": object{"sort": "newest"}}).Want(200)
	s.staff.Do("DELETE", synonymsPath+"/tv", nil).Want(204)
	type change struct {
		At, Actor, Kind, ID, Action string
		Version                     int64
		Before, After               object
	}
	read := func(query string) (all []change, next string) {
		t.Helper()
		var page struct {
			Items      []change
			NextCursor *string `json:"next_cursor"`
		}
		if s.reader.Do("GET", path+query, nil).Want(200).JSON(&page); page.NextCursor != nil {
			next = *page.NextCursor
		}
		return page.Items, next
	}
	const at, tester = "2026-03-01T12:00:00Z", "staff:tester"
	tv := object{"words": []any{"tv", "television"}}
	want := []change{{at, tester, "synonym", "tv", "delete", 4, tv, nil},
		{at, tester, "row", "new", "put", 3, nil, object{"titles": object{"en": "New"}, "limit": 12.0, "when": object{}, "shows": object{"sort": "newest"}}},
		{at, tester, "rule", "tv", "put", 2, nil, object{"name": "tv", "when": object{"locales": []any{"de"}}, "then": []any{object{"kind": "pin", "product": id(1), "position": 1.0}}}},
		{at, tester, "synonym", "tv", "put", 1, nil, tv}}
	first, next := read("?limit=3")
	if diff := cmp.Diff(want[:3], first); diff != "" {
		t.Error(diff)
	}
	s.rule("later", nil, pin(id(1), 1))
	if last, end := read("?limit=3&cursor=" + next); end != "" || !cmp.Equal(want[3:], last) {
		t.Errorf("the last page, %q: %s", end, cmp.Diff(want[3:], last))
	}
	if only, _ := read("?kind=synonym&id=tv"); !cmp.Equal([]change{want[0], want[3]}, only) {
		t.Error(cmp.Diff([]change{want[0], want[3]}, only))
	}
	if none, end := read("?id=nobody"); none == nil || len(none) > 0 || end != "" {
		t.Errorf("%v %q", none, end)
	}
	s.reader.Do("GET", path+"?kind=banner", nil).Problem(422, "validation-failed")
	s.reader.Do("GET", path+"?cursor=%21", nil).Problem(422, "validation-failed")
	s.guest.Do("GET", path, nil).Problem(401, "unauthenticated")
}
