package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
)

func (s *session) sweep() {
	s.t.Helper()
	if err := s.app.Sweep(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// told are the events of a checkout, by type and sequence.
func (s *session) told(id string) (all []string) {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `SELECT type, sequence FROM outbox WHERE subject = $1 ORDER BY sequence`, id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		var sequence int64
		if err := rows.Scan(&what, &sequence); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, fmt.Sprint(what, " ", sequence))
	}
	return all
}

// A checkout that was left is told of once, with what a mail needs, and so is that somebody came back.
func TestAbandonedOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shop.Channel(cartID, "app")
	c := s.ready()
	expect := func(step string, want ...string) {
		t.Helper()
		for range 2 {
			s.sweep()
		}
		if got := s.told(c.ID); !slices.Equal(got, want) {
			t.Errorf("%s: %v", step, got)
		}
	}
	s.turnClock(29 * time.Minute)
	s.patch(c.ID, `{"note":"one moment"}`)
	s.turnClock(29 * time.Minute)
	s.get(c.ID) // holds again, which is no change
	expect("at work")
	s.turnClock(time.Minute)
	expect("left", "checkout.abandoned.v1 1")
	var raw []byte
	if err := s.pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = $1`, c.ID).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	var ev checkoutapi.AbandonedV1
	if err := json.Unmarshal(raw, &ev); err != nil || ev.Email != "customer@example.com" || ev.CartID != cartID || ev.CartVersion != 3 || len(ev.Lines) != 2 || ev.Lines[0].Title != "A shirt" ||
		ev.Total.Minor != total-300 || ev.Channel != "app" || !slices.Equal(ev.Missing, []string{"payment_method"}) || !ev.ExpiresAt.Equal(s.now().Add(30*time.Minute)) {
		t.Errorf("%s %v", raw, err)
	}
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200) // the mail led him back, and nothing else has changed
	expect("back", "checkout.abandoned.v1 1", "checkout.resumed.v1 2")
	s.turnClock(31 * time.Minute)
	expect("left again", "checkout.abandoned.v1 1", "checkout.resumed.v1 2")
	s.turnClock(time.Hour)
	expect("over", "checkout.abandoned.v1 1", "checkout.resumed.v1 2", "checkout.expired.v1 3")
}

// Whoever pays or gives up after he was told of as gone is back.
func TestAbandonedAndBack(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(s *session, id string){
		"pays":     func(s *session, id string) { s.complete(id, "key", pay(total)).Want(201) },
		"gives up": func(s *session, id string) { s.client.Do("DELETE", "/v1/checkouts/"+id, nil).Want(204) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			c := s.ready()
			s.turnClock(30 * time.Minute)
			errs := testkit.Race(4, func(int) error { return s.app.Sweep(t.Context()) })
			if n := testkit.Wins(errs); n != 4 {
				t.Errorf("%v", errs)
			}
			back(s, c.ID)
			s.sweep()
			if got := s.told(c.ID); !slices.Equal(got, []string{"checkout.abandoned.v1 1", "checkout.resumed.v1 2"}) {
				t.Errorf("%v", got)
			}
		})
	}
}

// Nobody is told of whom nobody can write to, who bought, who gave up, or when it is switched off.
func TestNotAbandoned(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]func(s *session) string{
		"no e-mail": func(s *session) string {
			var c checkoutapi.Checkout
			s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(201).JSON(&c)
			return c.ID
		},
		"bought": func(s *session) string {
			c := s.ready()
			s.complete(c.ID, "key", pay(total)).Want(201)
			return c.ID
		},
		"given up": func(s *session) string {
			c := s.ready()
			s.client.Do("DELETE", "/v1/checkouts/"+c.ID, nil).Want(204)
			return c.ID
		},
		"switched off": func(s *session) string {
			s.app.LeftFor = 0
			return s.ready().ID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id := tc(s)
			s.turnClock(45 * time.Minute)
			s.sweep()
			if got := s.told(id); got != nil {
				t.Errorf("%v", got)
			}
		})
	}
}
