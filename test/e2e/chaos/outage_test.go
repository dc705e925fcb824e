package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

// The minute that a part of the shop is away, and how often within it selling must have gone on.
const (
	outage   = time.Minute
	quarters = 4
)

// The broker is down for a minute while guests buy: orders are taken all the time, the outboxes hold their events, then every
// subscription is alive again and the events of each subject arrive in their order.
func TestBrokerDownForAMinute(t *testing.T) {
	clean(t) // the news of the seed have arrived
	before, inOrder := subscriptions(t), arrivals(t)
	closing := selling(t, 1000)
	begun, ended := away(t, s.Carrier())
	for _, id := range []string{"order", "payment", "inventory"} {
		var sent, held int
		// What was on its way when the broker died is marked a moment later.
		err := s.DB(t, id).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE sent_at BETWEEN $1::timestamptz + interval '2 s' AND $2),
			count(*) FILTER (WHERE created_at BETWEEN $1 AND $2) FROM outbox`, begun, ended).Scan(&sent, &held)
		if err != nil {
			t.Fatal(err)
		}
		if sent > 0 || held == 0 {
			t.Errorf("%s: %d events were sent without a broker, %d waited", id, sent, held)
		}
		t.Logf("%s held %d events", id, held)
	}
	shop.Eventually(t, recovery, func() error {
		for _, sub := range before {
			if !slices.Contains(subscriptions(t), sub) {
				return fmt.Errorf("%s is not subscribed any more", sub)
			}
		}
		return nil
	})
	closing()
	clean(t)
	drained(t)
	if s.Profile() != shop.Standard { // Redis hands several events out at once
		inOrder()
	}
}

// arrivals begins to listen to what the services log of the events that reach them. The returned function holds that to the order in
// which the events of each subject were made; what comes once more is in nobody's way.
func arrivals(t *testing.T) (inOrder func()) {
	t.Helper()
	from := map[string]int64{}
	for _, id := range s.Services() {
		if info, err := os.Stat(s.Log(id)); err == nil {
			from[id] = info.Size()
		}
	}
	return func() {
		t.Helper()
		events := 0
		for id, offset := range from {
			raw, err := os.ReadFile(s.Log(id))
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(raw)) < offset {
				offset = 0 // a new file was begun
			}
			came := map[string][]int64{} // by topic and subject
			for line := range bytes.Lines(raw[offset:]) {
				var e struct {
					Msg, Topic, Subject string
					Sequence            int64
				}
				if json.Unmarshal(line, &e) != nil || e.Msg != "event" {
					continue
				}
				events++
				key := e.Topic + " " + e.Subject
				if earlier := came[key]; len(earlier) > 0 && e.Sequence < slices.Max(earlier) && !slices.Contains(earlier, e.Sequence) {
					t.Errorf("event %d of %s reached %s after %v", e.Sequence, key, id, earlier)
				}
				came[key] = append(came[key], e.Sequence)
			}
		}
		if t.Logf("%d events arrived", events); events < 100 {
			t.Error("that is too few to say anything of their order")
		}
	}
}

// subscriptions are the pairs of app and topic that the broker serves now; none while it does not answer, and none if it cannot tell.
func subscriptions(t *testing.T) (pairs []string) {
	t.Helper()
	for _, topic := range s.Events(t.Context()).Topics {
		for _, c := range topic.Consumers {
			if c.Subscribed != nil && *c.Subscribed {
				pairs = append(pairs, c.App+" ← "+topic.Name)
			}
		}
	}
	return pairs
}

// Placement is down for a minute: actors cannot be found, and selling goes on. What cart could not take in before is put back after it.
func TestPlacementDownForAMinute(t *testing.T) {
	putBack := lost(t)
	closing := selling(t, 2000)
	away(t, "placement")
	if hosts(t, "order") == nil {
		t.Error("order's sidecar still has a placement service")
	}
	shop.Eventually(t, recovery, func() error {
		return errors.Join(hosts(t, "order"), hosts(t, "inventory"))
	})
	closing()
	putBack()
	clean(t)
}

// hosts is nil when a service's sidecar takes part in the placement of actors.
func hosts(t *testing.T, service string) error {
	t.Helper()
	a, err := s.AskSidecar(t.Context(), service, "GET", "/v1.0/metadata", nil)
	if err != nil {
		return err
	}
	var meta struct {
		Actors struct {
			Placement string
		} `json:"actorRuntime"`
	}
	if err := a.Into(200, &meta); err != nil {
		return err
	}
	if !strings.Contains(meta.Actors.Placement, ": connected") {
		return fmt.Errorf("%s: %+v", service, meta.Actors)
	}
	return nil
}

// away keeps a process down for a minute, by killing it as often as its supervisor starts it, and holds the shop to placing orders
// in each quarter of that minute.
func away(t *testing.T, name string) (begun, ended time.Time) {
	t.Helper()
	if kill(t, name) == 0 {
		t.Fatalf("%s does not run", name)
	}
	begun = time.Now()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	quarter := time.NewTicker(outage / quarters)
	defer quarter.Stop()
	orders, deaths := placed(t), 1
	for n := 0; n < quarters; {
		select {
		case <-again.C:
			if pid := s.PID(name); pid != 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				deaths++
			}
		case <-quarter.C:
			n++
			now := placed(t)
			if now <= orders {
				t.Errorf("no order in quarter %d of the minute without %s", n, name)
			}
			t.Logf("quarter %d without %s: %d orders", n, name, now-orders)
			orders = now
		}
	}
	t.Logf("%s was killed %d times within %s", name, deaths, time.Since(begun).Round(time.Second))
	return begun, time.Now()
}
