package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/test/e2e/shop"
)

// learned is what services know by events alone, and what else an event may change: the service, what is compared, and how it is
// forgotten (nothing: the events must find it done). Of prices, of which there are most, one in eight is forgotten and told again.
var learned = []struct{ service, known, forget string }{
	{"cart", `SELECT * FROM sellables`, `TRUNCATE sellables`},
	{"cart", `SELECT * FROM levels`, `TRUNCATE levels`},
	{"cart", `SELECT id, status, version FROM carts`, ``},
	{"catalog", `SELECT * FROM sku_levels`, `TRUNCATE sku_levels`},
	{"catalog", `SELECT * FROM sku_prices`, `DELETE FROM sku_prices WHERE hashtext(sku) % 8 = 0`},
	{"catalog", `SELECT consumer, subject, sequence FROM inbox_sequences`, `DELETE FROM inbox_sequences WHERE consumer = 'inventory' OR hashtext(subject) % 8 = 0`},
	{"pricing", `SELECT * FROM sku_taxes`, `TRUNCATE sku_taxes`},
	{"pricing", `SELECT consumer, subject, sequence FROM inbox_sequences`, `TRUNCATE inbox_sequences`},
	{"pricing", `SELECT consumer, event_id FROM inbox`, `TRUNCATE inbox`},
	{"pricing", `SELECT code, used FROM coupons`, `UPDATE coupons SET used = 0`},
	{"checkout", `SELECT id, status, version FROM checkouts`, ``},
	{"search", `SELECT id, published, doc FROM products`, `TRUNCATE products, variants`},
	{"search", `SELECT * FROM variants`, ``},
	{"search", `SELECT sku, prices, available FROM skus`, `UPDATE skus SET available = 0, prices = CASE WHEN hashtext(sku) % 8 = 0 THEN '[]' ELSE prices END`},
	{"search", `SELECT * FROM sold`, `TRUNCATE sold`},
	{"search", `SELECT consumer, event_id FROM inbox`, `TRUNCATE inbox`},
	{"search", `SELECT consumer, subject, sequence FROM inbox_sequences`, `DELETE FROM inbox_sequences WHERE consumer <> 'pricing' OR hashtext(subject) % 8 = 0`},
}

// Every service forgets what it learned from others, and all that happened is told once more: the events of all topics, each twice,
// in an order drawn at random. Afterwards everybody knows what they knew before, and nothing was done twice.
func TestEveryEventTwiceInAnyOrder(t *testing.T) {
	if err := buy(t.Context(), 60, 31); err != nil {
		t.Fatal(err)
	}
	clean(t)
	drained(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	before, dead := knowledge(t), deadLetters(t)
	for _, l := range learned {
		if l.forget == "" {
			continue
		}
		if tag, err := s.DB(t, l.service).Exec(t.Context(), l.forget); err != nil {
			t.Fatalf("%s: %v", tag, err)
		}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for _, service := range tellers(t) {
		tellAgain(t, service, random)
	}
	drained(t)
	for i, after := range knowledge(t) {
		if len(before[i]) == 0 {
			t.Errorf("%s: nothing to compare in %s", learned[i].service, learned[i].known)
		}
		compare(t, learned[i].service+": "+learned[i].known, before[i], after)
	}
	if now := deadLetters(t); now != dead {
		t.Errorf("%d events became dead letters", now-dead)
	}
	clean(t)
}

// compare tells the first differences between two sorted lists.
func compare(t *testing.T, what string, before, after []string) {
	t.Helper()
	count := map[string]int{}
	for _, row := range before {
		count[row]++
	}
	for _, row := range after {
		count[row]--
	}
	shown := 0
	for row, n := range count {
		if n != 0 && shown < 10 {
			t.Errorf("%s: %s is there %d times less than before", what, row, n)
			shown++
		}
	}
}

// knowledge reads what is compared.
func knowledge(t *testing.T) (all [][]string) {
	t.Helper()
	for _, l := range learned {
		rows, err := s.DB(t, l.service).Query(t.Context(), `SELECT k::text FROM (`+l.known+`) k`)
		if err != nil {
			t.Fatal(err)
		}
		known, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, known)
	}
	return all
}

// tellAgain publishes the events of a service's own topic through its sidecar, each twice and all in a random order.
func tellAgain(t *testing.T, service string, random *rand.Rand) {
	t.Helper()
	rows, err := s.DB(t, service).Query(t.Context(), `SELECT jsonb_build_object('specversion', '1.0', 'id', id, 'type', type, 'source', topic,
		'subject', subject, 'time', time, 'datacontenttype', 'application/json', 'data', data) FROM outbox WHERE topic = $1 AND (topic <> 'pricing' OR hashtext(subject) % 8 = 0)`, service)
	if err != nil {
		t.Fatal(err)
	}
	once, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		ID          string          `json:"entryId"`
		Event       json.RawMessage `json:"event"`
		ContentType string          `json:"contentType"`
	}
	var all []entry
	for range 2 {
		for _, event := range once {
			all = append(all, entry{fmt.Sprint(len(all)), event, "application/cloudevents+json"})
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	t.Logf("%s tells %d events", service, len(all))
	const batch = 400
	for ; len(all) > 0; all = all[min(batch, len(all)):] {
		// The broker drops what it saw a moment ago, unless it is told not to.
		a, err := s.AskSidecar(t.Context(), service, "POST", "/v1.0-alpha1/publish/bulk/pubsub/"+service+"?metadata.dedupe=false", all[:min(batch, len(all))])
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Into(204, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// drained waits until every subscriber has taken in all that the broker holds.
func drained(t *testing.T) {
	t.Helper()
	shop.Eventually(t, 3*time.Minute, func() error {
		if err := untold(t); err != nil {
			return err
		}
		return s.Events(t.Context()).Waiting()
	})
}

// tellers are the services that have events to tell.
func tellers(t *testing.T) (all []string) {
	t.Helper()
	for _, service := range s.Services() {
		if !s.Database(service) {
			continue
		}
		var tells bool
		if err := s.DB(t, service).QueryRow(t.Context(), `SELECT to_regclass('outbox') IS NOT NULL`).Scan(&tells); err != nil {
			t.Fatal(err)
		}
		if tells {
			all = append(all, service)
		}
	}
	return all
}

// untold says what nobody was told yet: stock that changed, which is told once a second for each SKU, and events that were not sent.
func untold(t *testing.T) error {
	t.Helper()
	var n int64
	if err := s.DB(t, "inventory").QueryRow(t.Context(), `SELECT count(*) FROM level_changes`).Scan(&n); err != nil || n > 0 {
		return fmt.Errorf("%d changes of levels are to be told: %w", n, err)
	}
	for _, service := range tellers(t) {
		if err := s.DB(t, service).QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE sent_at IS NULL`).Scan(&n); err != nil || n > 0 {
			return fmt.Errorf("%d events of %s are not sent: %w", n, service, err)
		}
	}
	return nil
}

// deadLetters counts the events that somebody could not take in.
func deadLetters(t *testing.T) (n int64) {
	t.Helper()
	for _, topic := range s.Events(t.Context()).Topics {
		if strings.Contains(topic.Name, ".dead.") {
			n += topic.Published
		}
	}
	return n
}
