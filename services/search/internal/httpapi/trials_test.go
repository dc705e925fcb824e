package httpapi

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/internal/search"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

const testsPath = "/v1/admin/search/tests"

func TestTestsOfRulesHaveFigures(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", rulesPath+"/a", object{"name": "a", "share": object{"test": "t", "from": 0, "to": 50}, "then": []object{{"kind": "banner", "banner": object{"title": "A"}}}}).Want(200)
	s.staff.Do("PUT", rulesPath+"/b", object{"name": "b", "share": object{"test": "t", "from": 50, "to": 80}, "then": []object{{"kind": "banner", "banner": object{"title": "B"}}}}).Want(200)
	s.staff.Do("PUT", rulesPath+"/all", object{"name": "all", "then": []object{{"kind": "banner", "banner": object{"title": "All"}}}}).Want(200)
	want := []searchapi.Arm{{From: 0, To: 50, Rules: []string{"a"}}, {From: 50, To: 80, Rules: []string{"b"}}, {From: 80, To: 100, Rules: []string{}}}
	arm := func(visitor string) *searchapi.Arm {
		for i := range want {
			if place := search.Place("t", visitor); place < want[i].To {
				return &want[i]
			}
		}
		t.Fatal("nowhere")
		return nil
	}
	do := func(status int, in object) { s.guest.Do("POST", searchapi.PathInteractions, in).Want(status) }
	for n := range 60 {
		visitor := fmt.Sprint("v", n)
		s.guest.Do("GET", "/v1/products?visitor="+visitor, nil).Want(200)
		s.guest.Do("GET", "/v1/products?q=x&visitor="+visitor, nil).Want(200) // again: one visitor all the same
		a := arm(visitor)
		a.Visitors++
		if n%2 == 0 {
			do(204, object{"visitor": visitor, "type": "view"})
			do(204, object{"visitor": visitor, "type": "view"})
			a.Viewed++
		}
		if n%3 == 0 {
			do(204, object{"visitor": visitor, "type": "cart"})
			a.Carted++
		}
		if n%5 == 0 {
			for range 2 { // told twice
				do(204, object{"visitor": visitor, "type": "order", "order_id": visitor, "value": money.New(1000, "USD")})
			}
			do(204, object{"visitor": visitor, "type": "order", "order_id": visitor + "-2", "value": money.New(500, "EUR")})
			a.Bought++
			a.Orders += 2
		}
	}
	for i := range want {
		want[i].Revenue = []money.Amount{}
		if n := want[i].Bought; n > 0 {
			want[i].Revenue = []money.Amount{money.New(500*n, "EUR"), money.New(1000*n, "USD")}
		}
	}
	do(204, object{"visitor": "nobody", "type": "order", "order_id": "o", "value": money.New(1, "USD")}) // met no test
	s.reader.Do("POST", previewPath, object{"visitor": "staff"}).Want(200)                               // looks, and takes no part
	var got struct{ Items []searchapi.Test }
	s.reader.Do("GET", testsPath, nil).Want(200).JSON(&got)
	if len(got.Items) != 1 || got.Items[0].Test != "t" || !reflect.DeepEqual(got.Items[0].Rules, []string{"a", "b"}) || !reflect.DeepEqual(got.Items[0].Arms, want) {
		t.Errorf("%+v, want %+v", got.Items, want)
	}
	s.staff.Do("DELETE", rulesPath+"/a", nil).Want(204)
	s.staff.Do("DELETE", rulesPath+"/b", nil).Want(204)
	s.reader.Do("GET", testsPath, nil).Want(200).JSON(&got)
	if len(got.Items) != 0 {
		t.Errorf("a test without rules is told of: %+v", got)
	}
}

func TestWhatIsNoInteractionIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, in := range map[string]any{
		"no visitor": object{"type": "view"}, "no type": object{"visitor": "v"}, "other type": object{"visitor": "v", "type": "buy"},
		"odd visitor": object{"visitor": "a b", "type": "view"}, "long visitor": object{"visitor": strings.Repeat("v", 65), "type": "view"},
		"order without id": object{"visitor": "v", "type": "order", "value": money.New(1, "USD")}, "order without value": object{"visitor": "v", "type": "order", "order_id": "o"},
		"too much":   object{"visitor": "v", "type": "order", "order_id": "o", "value": money.New(1<<62, "USD")},
		"below zero": object{"visitor": "v", "type": "order", "order_id": "o", "value": money.New(-1, "USD")}, "unknown": object{"visitor": "v", "type": "view", "x": 1}, "list": []int{1},
	} {
		if got := s.guest.Do("POST", searchapi.PathInteractions, in); got.Status != 422 {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	s.guest.Do("GET", testsPath, nil).Want(401)
}
