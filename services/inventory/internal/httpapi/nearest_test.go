package httpapi

import (
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// A shop that routes by nearness serves an order from the shelf that is nearest to it, and by priority otherwise.
func TestNearestShelf(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/locations/boston", `{"name":"Boston","country":"US","region":"MA","postal_code":"02108","priority":-1,"latitude":42.4,"longitude":-71.1,"enabled":true}`).Want(204)
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"boston","lines":[{"sku":"mug","location_id":"boston","quantity":2}]}`).Want(200)
	from := func(id, to string) string {
		t.Helper()
		var got inventoryapi.Allocation
		s.order.Do("PUT", inventoryapi.PathAllocations+id, `{"owner":"c",`+to+`"lines":[{"line_id":"1","sku":"mug","quantity":3}]}`).Want(200).JSON(&got)
		s.order.Do("DELETE", inventoryapi.PathAllocations+id, nil).Want(200)
		all := ""
		for _, p := range got.Lines[0].Parts {
			all += fmt.Sprint(p.Quantity, " ", p.LocationID, " ")
		}
		return all
	}
	for i, tc := range []struct {
		to      string
		nearest bool
		want    string
	}{
		{`"country":"US","region":"NV","postal_code":"89109",`, false, "2 boston 1 reno "},
		{`"country":"US","region":"NV","postal_code":"89109",`, true, "3 reno "},
		{`"country":"US","region":"NY","postal_code":"01001",`, true, "2 boston 1 reno "},
		{`"country":"PL",`, true, "3 berlin "}, {`"country":"GL",`, true, "2 boston 1 reno "}, {``, true, "2 boston 1 reno "},
	} {
		s.allocator.Nearest = tc.nearest
		if got := from(fmt.Sprint("o-", i), tc.to); got != tc.want {
			t.Errorf("%s nearest %v: %q, want %q", tc.to, tc.nearest, got, tc.want)
		}
	}
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-x", `{"owner":"c","region":7,"postal_code":"123456789012345678901","lines":[{"line_id":"1","sku":"mug","quantity":3}]}`).Problem(422, "validation-failed")
}

func TestCoordinates(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	for coordinates, place := range map[string]string{`"latitude":91,"longitude":0`: "body.latitude", `"latitude":0,"longitude":-180.1`: "body.longitude", `"latitude":1`: "body.latitude", `"longitude":1`: "body.latitude",
		`"latitude":"north","longitude":1`: "body.latitude"} {
		p := s.staff.Do("PUT", "/v1/admin/locations/reno", `{"name":"Reno","country":"US","enabled":true,`+coordinates+`}`).Problem(422, "validation-failed")
		if got := apitest.Locations(p); len(got) == 0 || got[0] != place {
			t.Errorf("%s: %v", coordinates, got)
		}
	}
	read := func() (all map[string]inventoryapi.LocationInput) {
		var out struct {
			Items []struct {
				ID string
				inventoryapi.LocationInput
			}
		}
		s.staff.Do("GET", "/v1/admin/locations", nil).Want(200).JSON(&out)
		all = map[string]inventoryapi.LocationInput{}
		for _, l := range out.Items {
			all[l.ID] = l.LocationInput
		}
		return all
	}
	s.staff.Do("PUT", "/v1/admin/locations/reno", `{"name":"Reno","country":"US","latitude":0,"longitude":-119.8,"enabled":true}`).Want(204)
	if l := read()["reno"]; l.Latitude == nil || *l.Latitude != 0 || *l.Longitude != -119.8 {
		t.Errorf("%+v", l)
	}
	s.staff.Do("PUT", "/v1/admin/locations/reno", `{"name":"Reno","country":"US","enabled":true}`).Want(204)
	if l := read()["reno"]; l.Latitude != nil || l.Longitude != nil {
		t.Errorf("%+v", l)
	}
}
