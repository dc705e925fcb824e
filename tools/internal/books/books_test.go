package books

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/inbox"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// world is a shop's databases with the schemas of the services' own migrations, and the simulator's books.
type world struct {
	t   *testing.T
	src Sources
	mu  sync.Mutex
	sim []map[string]any
}

// The things of the healthy world: one order that was kept, one that was cancelled.
const (
	product  = "01900000-0000-7000-8000-000000000001"
	event    = "01900000-0000-7000-8000-0000000000e1"
	order1   = "01900000-0000-7000-8000-00000000000a"
	order2   = "01900000-0000-7000-8000-00000000000b"
	checkout = "c0000000000000000000000000000001"
	gone     = "c0000000000000000000000000000002"
	cart1    = "a0000000000000000000000000000001"
	cart2    = "a0000000000000000000000000000002"
	hash     = `'\x00'`
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, src: Sources{Databases: map[string]string{}}}
	for _, service := range []string{"catalog", "pricing", "cart", "inventory", "checkout", "order", "payment", "search"} {
		own := pg.Migrations{Name: service, FS: os.DirFS("../../../services/" + service + "/internal/postgres/migrations")}
		w.src.Databases[service] = testkit.SchemaURL(t, own, outbox.Migrations, inbox.Migrations)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		_ = json.NewEncoder(rw).Encode(map[string]any{"transactions": w.sim})
	}))
	t.Cleanup(server.Close)
	w.src.Simulator = server.URL
	w.fill()
	return w
}

func (w *world) exec(service, sql string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.src.Databases[service])
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(w.t.Context(), sql); err != nil {
		w.t.Fatalf("%s: %v\n%s", service, err, sql)
	}
}

// step brings an order to a state, as its log says.
func (w *world) step(id, state, set string) {
	w.t.Helper()
	w.exec("order", `
		WITH o AS (UPDATE orders SET state = '`+state+`', version = version + 1, `+set+` WHERE id = '`+id+`' RETURNING id, version, state)
		INSERT INTO order_events SELECT id, version, now(), 't', 'e', 'x', state, 1, 'a', '{}' FROM o`)
}

func (w *world) fill() {
	w.t.Helper()
	w.exec("catalog", `
		INSERT INTO categories (code, name, slug, updated_at) VALUES ('c', 'C', 'c', '2026-01-01');
		INSERT INTO products (id, slug, title, category_code, status, popularity, attributes, doc, version, content_hash, created_at, updated_at)
			VALUES ('`+product+`', 's', 'S', 'c', 'published', 0, '{}', '{}', 2, `+hash+`, '2026-01-01', '2026-01-01');
		INSERT INTO outbox_sequences VALUES ('catalog', '`+product+`', 3);
		INSERT INTO inbox_sequences VALUES ('pricing', 'SKU-1', 2), ('inventory', 'SKU-1', 5)`)
	w.exec("search", `INSERT INTO inbox_sequences VALUES ('catalog', '`+product+`', 3), ('pricing', 'SKU-1', 2), ('inventory', 'SKU-1', 5)`)
	w.exec("pricing", `
		INSERT INTO outbox_sequences VALUES ('pricing', 'SKU-1', 2);
		INSERT INTO inbox_sequences VALUES ('catalog', '`+product+`', 3);
		INSERT INTO inbox VALUES ('coupon-uses', '`+event+`')`)
	w.exec("cart", `
		INSERT INTO carts (id, version, status, line_count, total, updated_at) VALUES
			('`+cart1+`', 2, 'completed', 1, 1000, '2026-01-01'), ('`+cart2+`', 2, 'completed', 1, 500, '2026-01-01');
		INSERT INTO cart_events SELECT id, v, 'x', '{}', 'a', '2026-01-01' FROM carts, generate_series(1, version) v;
		INSERT INTO sellables VALUES ('SKU-1', '`+product+`', 2, 'S', '', true);
		INSERT INTO levels VALUES ('SKU-1', 5, 8, 8)`)
	w.exec("inventory", `
		INSERT INTO locations VALUES ('main', 'Main', 'US', '', '', 1, true, '2026-01-01');
		INSERT INTO stock_levels VALUES ('SKU-1', 'main', 10, 2);
		INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason) VALUES
			('2026-01-01', 'SKU-1', 'main', 'receive', 10, 0, 'r', 'a', ''), ('2026-01-01', 'SKU-1', 'main', 'allocate', 0, 2, '`+order1+`-1', 'a', ''),
			('2026-01-01', 'SKU-1', 'main', 'allocate', 0, 1, '`+order2+`-1', 'a', ''), ('2026-01-01', 'SKU-1', 'main', 'release', 0, -1, '`+order2+`-1', 'a', '');
		INSERT INTO allocations VALUES ('`+order1+`-1', '`+cart1+`', 'allocated', '2026-01-01', NULL), ('`+order2+`-1', '`+cart2+`', 'released', '2026-01-01', '2026-01-01');
		INSERT INTO inventory_reservations VALUES ('`+order1+`-1', 0, 0, 'l1', 'SKU-1', 'main', 2), ('`+order2+`-1', 0, 0, 'l1', 'SKU-1', 'main', 1);
		INSERT INTO outbox_sequences VALUES ('inventory', 'SKU-1', 5), ('inventory', '`+cart1+`:SKU-1', 1)`)
	w.exec("checkout", `
		INSERT INTO checkouts (id, cart_id, order_id, status, version, attempt, cart_version, currency, country, customer_id, email, option_id, note, quote,
			hold_status, hold_until, order_number, access_token, loose, expires_at, created_at, updated_at)
		SELECT x.id, x.cart, x.ord, 'completed', 5, 1, 1, 'USD', 'US', '', '', '', '', '{}', 'held', '2026-01-01', 'SC-1', 't', false, '2026-01-01', '2026-01-01', '2026-01-01'
		FROM (VALUES ('`+checkout+`', '`+cart1+`', '`+order1+`'), ('`+gone+`', '`+cart2+`', '`+order2+`')) AS x (id, cart, ord)`)
	w.exec("order", `
		INSERT INTO orders (id, number, checkout_id, cart_id, state, machine_version, version, attempt, currency, total, captured, returned, outcome, access_token,
			snapshot, parts, placed_at, created_at, updated_at) VALUES
		('`+order1+`', 'SC-1', '`+checkout+`', '`+cart1+`', 'confirmed', 1, 5, 1, 'USD', 1000, 1000, 0, '{}', 't',
			'{"lines":[{"sku":"SKU-1","quantity":1},{"sku":"SKU-1","quantity":1}]}', '[]', '2026-01-01', '2026-01-01', '2026-01-01'),
		('`+order2+`', 'SC-2', '`+gone+`', '`+cart2+`', 'cancelled', 1, 8, 1, 'USD', 500, 500, 500, '{}', 't',
			'{"lines":[{"sku":"SKU-1","quantity":1}]}', '[]', '2026-01-01', '2026-01-01', '2026-01-01');
		INSERT INTO order_events SELECT id, v, '2026-01-01', 't', 'e', 'x', CASE WHEN v < version THEN 'x' ELSE state END, 1, 'a', '{}' FROM orders, generate_series(1, version) v;
		INSERT INTO outbox (id, topic, type, subject, sequence, data, traceparent, time, created_at, sent_at) VALUES
			('`+event+`', 'order', 'order.placed.v1', '`+order1+`', 1, '{"promotions":[{"id":"P"}]}', '', '2026-01-01', '2026-01-01', '2026-01-01')`)
	w.exec("payment", `
		INSERT INTO payments VALUES
		('`+order1+`-1', '`+order1+`', 1, 'braintree', 'usd', 'USD', 1000, 'captured', 1000, 1000, 0, 't1', '', 4, '2026-01-01', '2026-01-01'),
		('`+order2+`-1', '`+order2+`', 1, 'braintree', 'usd', 'USD', 500, 'voided', 0, 0, 0, 't2', '', 6, '2026-01-01', '2026-01-01');
		INSERT INTO payment_events SELECT id, v, 'x', '', 'USD', 0, '', '', '', '2026-01-01' FROM payments, generate_series(1, version) v`)
	w.sim = []map[string]any{
		transaction("t1", order1+"-1", "submitted_for_settlement", 1000, 1000, 0),
		transaction("t2", order2+"-1", "voided", 500, 0, 0),
	}
}

// split makes the kept order one that a gift card paid a part of.
func (w *world) split() {
	w.t.Helper()
	w.exec("payment", `
		UPDATE payments SET credit = 400, credit_captured = 400 WHERE id = '`+order1+`-1';
		INSERT INTO credits VALUES ('gift', 'gift_card', `+hash+`, 'ABCDE', '', 'USD', 100, 0, NULL, NULL, 3, '2026-01-01', '2026-01-01');
		INSERT INTO credit_ledger VALUES ('gift', 1, 'issued', 'i', '', 'USD', 500, 0, 500, '', '', '2026-01-01'),
			('gift', 2, 'reserved', 'a', '`+order1+`-1', 'USD', -400, 400, 100, '', '', '2026-01-01'), ('gift', 3, 'captured', 'c', '`+order1+`-1', 'USD', 0, -400, 100, '', '', '2026-01-01');
		INSERT INTO credit_uses VALUES ('`+order1+`-1', 'gift', 1, 'USD', 400, 0, 400, 0)`)
	w.sim[0] = transaction("t1", order1+"-1", "submitted_for_settlement", 600, 600, 0)
}

func transaction(id, payment, status string, authorised, captured, refunded int64) map[string]any {
	return map[string]any{"id": id, "type": "sale", "status": status, "order_id": payment, "currency": "USD", "authorized_minor": authorised,
		"captured_minor": captured, "refunded_minor": refunded, "history": []map[string]any{{"at": "2026-01-01T00:00:00Z"}}}
}

func (w *world) check() Report {
	w.t.Helper()
	r, err := Check(w.t.Context(), w.src, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestHealthyBooksAreCleanAndRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.split()
	r := w.check()
	if !r.Clean() {
		t.Errorf("%+v", r.Violations)
	}
	for what, n := range map[string]int64{"levels": 1, "allocations": 2, "orders": 2, "placed": 2, "checkouts": 2, "payments": 2, "transactions": 2} {
		if r.Counts[what] != n {
			t.Errorf("read %d %s, want %d", r.Counts[what], what, n)
		}
	}
	s, err := Read(t.Context(), w.src)
	if err != nil || len(s.Told) != 5 || len(s.Coupons) != 1 || len(s.Closed) != 2 || len(s.Stocked) != 1 || len(s.Consumed) != 8 {
		t.Errorf("read %+v (%v)", s, err)
	}
	var out bytes.Buffer
	r.Print(&out)
	if strings.Count(out.String(), " 0\n") != 9 {
		t.Errorf("printed\n%s", &out)
	}
}

// Each kind of damage, put into the rows themselves, is found by its rule. Damage adds up: what is found is new.
func TestEveryKindOfDamageIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.split()
	seen := map[string]bool{}
	for _, d := range []struct{ service, sql, want, id string }{
		{"inventory", `INSERT INTO stock_levels VALUES ('SKU-2', 'main', 1, 0)`, "I1 level-is-not-the-ledger", "SKU-2@main"},
		{"inventory", `INSERT INTO stock_ledger (at, sku, location_id, kind, on_hand_delta, allocated_delta, reference, actor, reason)
			VALUES ('2026-01-01', 'SKU-3', 'main', 'receive', 1, 0, 'r', 'a', '')`, "I1 level-is-not-the-ledger", "SKU-3@main"},
		{"inventory", `INSERT INTO inventory_reservations VALUES ('` + order1 + `-1', 1, 0, 'l2', 'SKU-4', 'main', 1)`, "I1 allocated-is-not-reserved", "SKU-4@main"},
		{"inventory", `ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_allocated; INSERT INTO stock_levels VALUES ('SKU-5', 'main', 0, 1)`, "I1 allocated-out-of-bounds", "SKU-5@main"},
		{"inventory", `ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_owed; INSERT INTO stock_levels VALUES ('SKU-6', 'main', 0, 0, 1)`, "I1 owed-out-of-bounds", "SKU-6@main"},
		{"order", `UPDATE orders SET snapshot = '{"lines":[{"sku":"SKU-1","quantity":11}]}' WHERE id = '` + order1 + `'`, "I2 oversold", "SKU-1"},
		{"order", also, "I2 sold-unreserved", order1},
		{"inventory", `UPDATE allocations SET status = 'allocated', released_at = NULL WHERE id = '` + order2 + `-1'`, "I2 stock-without-order", order2 + "-1"},
		{"inventory", `INSERT INTO allocations VALUES ('nobody-1', 'x', 'allocated', '2026-01-01', NULL)`, "I2 stock-without-order", "nobody-1"},
		{"order", `ALTER TABLE orders DROP CONSTRAINT orders_checkout; INSERT INTO orders (id, number, checkout_id, cart_id, state, machine_version, version, attempt, currency, total,
			captured, returned, outcome, access_token, snapshot, parts, placed_at, created_at, updated_at)
			VALUES ('twin', 'SC-3', '` + checkout + `', 'other', 'confirmed', 1, 1, 1, 'USD', 0, 0, 0, '{}', 't', '{"lines":[]}', '[]', '2026-01-01', '2026-01-01', '2026-01-01')`,
			"I3 two-orders", "checkout " + checkout},
		{"checkout", `INSERT INTO checkouts SELECT ('{"id":"lost","order_id":"lost","cart_id":"lost"}'::jsonb || (to_jsonb(c) - 'id' - 'order_id' - 'cart_id'))->>'id', 'lost', 'lost',
			status, version, attempt, cart_version, currency, country, customer_id, email, shipping_address, billing_address, option_id, note, quote, hold_status, hold_until,
			completing_at, order_number, access_token, loose, expires_at, created_at, updated_at FROM checkouts c WHERE id = '` + gone + `'`, "I3 completed-without-order", "checkout lost"},
		{"order", `UPDATE orders SET checkout_id = 'unknown' WHERE id = 'twin'`, "I3 order-without-checkout", "twin"},
		{"order", `UPDATE orders SET captured = 900 WHERE id = '` + order1 + `'`, "I3 captured-is-not-the-total", order1},
		{"order", `UPDATE orders SET snapshot = snapshot || '{"totals":{"total":{"amount":999}}}' WHERE id = '` + order1 + `'`, "I3 total-is-not-the-snapshot", order1},
		{"order", `UPDATE orders SET total = 900, reduced = 100 WHERE id = '` + order1 + `'`, "I3 difference-was-not-returned", order1},
		{"payment", `UPDATE credits SET balance = 99`, "I3 credit-is-not-the-ledger", "gift"},
		{"payment", `UPDATE credit_uses SET held = 1, captured = 399`, "I3 held-is-not-reserved", "gift"},
		{"payment", also, "I3 tenders-differ", order1 + "-1"},
		{"payment", `UPDATE payments SET amount = 999 WHERE id = '` + order1 + `-1'`, "I3 amounts-differ", order1 + "-1"},
		{"payment", `UPDATE payments SET currency = 'EUR' WHERE id = '` + order1 + `-1'`, "I3 currencies-differ", order1 + "-1"},
		{"payment", `INSERT INTO payments VALUES ('` + order1 + `-2', '` + order1 + `', 2, 'braintree', 'usd', 'USD', 1000, 'captured', 1000, 1000, 0, 't9', '', 4, '2026-01-01', '2026-01-01')`,
			"I3 charged-twice", order1},
		{"payment", also, "I3 unknown-transaction", order1 + "-2"},
		{"payment", also, "I4 money-without-order", "payment " + order1 + "-2"},
		{"payment", `UPDATE payments SET status = 'authorised', authorised = 500 WHERE id = '` + order2 + `-1'`, "I4 money-without-order", "payment " + order2 + "-1"},
		{"payment", `UPDATE payments SET captured = 0, refunded = 0, authorised = 0, credit = 0, credit_captured = 0, status = 'failed' WHERE order_id = '` + order1 + `'`, "I4 order-without-money", order1},
		{"order", `UPDATE orders SET state = 'undoing' WHERE id = 'twin'`, "I4 half-way", "twin"},
		{"payment", `INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, reason, actor, created_at, stamp, tries)
			VALUES ('op', '` + order1 + `-1', 'capture', 'USD', 1, 'pending', 0, '', '', '2026-01-01', 1, 1)`, "I4 half-way", "operation op"},
		{"checkout", `UPDATE checkouts SET status = 'completing', completing_at = '2026-01-01' WHERE id = 'lost'`, "I4 half-way", "checkout lost"},
		{"cart", `INSERT INTO outbox (id, topic, type, subject, sequence, data, traceparent, time, created_at) VALUES
			('` + event + `', 'cart', 'cart.abandoned.v1', 'x', 1, '{}', '', '2026-01-01', '2026-01-01')`, "I5 unsent", "cart cart.abandoned.v1 x"},
		{"pricing", `UPDATE inbox_sequences SET sequence = 2`, "I5 not-taken-in", pricingOfCatalog + " " + product},
		{"cart", `UPDATE sellables SET version = 1`, "I5 not-taken-in", cartOfCatalog + " " + product},
		{"cart", `DELETE FROM levels`, "I5 not-taken-in", cartOfInventory + " SKU-1"},
		{"catalog", `DELETE FROM inbox_sequences WHERE consumer = 'inventory'`, "I5 not-taken-in", catalogOfInventory + " SKU-1"},
		{"catalog", `DELETE FROM inbox_sequences`, "I5 not-taken-in", catalogOfPricing + " SKU-1"},
		{"search", `DELETE FROM inbox_sequences WHERE consumer = 'catalog'`, "I5 not-taken-in", searchOfCatalog + " " + product},
		{"search", `UPDATE inbox_sequences SET sequence = 4 WHERE consumer = 'inventory'`, "I5 not-taken-in", searchOfInventory + " SKU-1"},
		{"search", `UPDATE inbox_sequences SET sequence = 1 WHERE consumer = 'pricing'`, "I5 not-taken-in", searchOfPricing + " SKU-1"},
		{"pricing", `DELETE FROM inbox`, "I5 not-taken-in", "pricing ← order " + order1},
		{"cart", `UPDATE carts SET status = 'open' WHERE id = '` + cart1 + `'`, "I5 not-taken-in", "cart ← order " + order1},
		{"checkout", `UPDATE checkouts SET status = 'open' WHERE id = '` + checkout + `'`, "I5 not-taken-in", "checkout ← order " + order1},
		{"inventory", `INSERT INTO outbox (id, topic, type, subject, sequence, data, traceparent, time, created_at, sent_at) VALUES
			('` + event + `', 'inventory', 'inventory.hold_expired.v1', '` + cart1 + `:SKU-1', 1,
			'{"owner":"` + cart1 + `","sku":"SKU-1","expired_at":"2026-01-01T00:00:00Z"}', '', '2026-01-01', '2026-01-01', '2026-01-01')`,
			"I5 not-taken-in", "checkout ← inventory " + checkout},
		{"inventory", `INSERT INTO stock_lots (sku, location_id, lot, expires_on, on_hand, allocated) VALUES ('SKU-1', 'main', 'L1', '2030-01-01', 1, 0)`, "I1 lots-do-not-add-up", "SKU-1@main"},
		{"cart", `DELETE FROM cart_events WHERE cart_id = '` + cart1 + `' AND version = 1`, "I6 log-is-not-whole", cart1},
		{"order", `UPDATE orders SET snapshot = '{"lines":[{"sku":"SKU-1","quantity":1,"total":{"amount":10},"discounts":[{"amount":{"amount":5}}]}],"promotions":[{"amount":{"amount":6}}],
			"totals":{"discount":{"amount":5}}}' WHERE id = '` + order1 + `'`, "I7 promotions-are-not-the-discounts", order1},
		{"order", `UPDATE orders SET snapshot = '{"lines":[{"sku":"SKU-1","quantity":1,"total":{"amount":-1}}]}' WHERE id = '` + order1 + `'`, "I7 less-than-nothing", order1},
		{"order", `UPDATE orders SET snapshot = '{"lines":[],"totals":{"subtotal":{"amount":1000},"discount":{"amount":100},"shipping":{"amount":299},"tax":{"amount":50},"tax_included":false,
			"total":{"amount":1199},"payment_fee":{"amount":300}}}' WHERE id = '` + order1 + `'`, "I7 fee-is-no-part-of-shipping", order1},
		{"order", also, "I7 total-does-not-add-up", order1},
		{"order", `UPDATE orders SET version = version + 1 WHERE id = '` + order2 + `'`, "I8 log-is-not-whole", order2},
		{"order", `INSERT INTO order_events VALUES ('` + order2 + `', 9, '2026-01-01', 't', 'e', 'cancelled', 'cancelled', 1, '', '{}')`, "I8 nobody-did-it", order2},
		{"payment", `UPDATE payments SET version = version + 1 WHERE id = '` + order2 + `-1'`, "I8 log-is-not-whole", order2 + "-1"},
		{"order", `INSERT INTO order_effects VALUES ('` + order2 + `', 'capture', 1, 9, '{"nonce":"n"}', '2026-01-01', NULL, 1, 1)`, "I9 means-of-payment-kept", order2},
		{"order", `UPDATE orders SET snapshot = '{"lines":[],"payment":{"nonce":"n"}}' WHERE id = '` + order1 + `'`, "I9 means-of-payment-kept", order1},
	} {
		w.exec(d.service, d.sql)
		w.expect(seen, d.want, d.id, d.sql == also)
	}
}

// also stands for damage that the line before did already.
const also = "SELECT 1"

// expect finds a breach of the rule by the id, one that was not there before the last damage.
func (w *world) expect(seen map[string]bool, rule, id string, also bool) {
	w.t.Helper()
	found := false
	all := w.check().Violations
	for _, v := range all {
		key := v.Invariant + " " + v.Rule + " " + v.ID
		found = found || key == rule+" "+id && (also || !seen[key])
		seen[key] = true
	}
	if !found {
		w.t.Errorf("%s of %s was not found, or before, among %+v", rule, id, all)
	}
}

// A payment that people look at keeps its order waiting until the review runs out; what the bank did not pay is no wrong sum.
func TestReviewsAndUnpaidOrdersAreNoDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.step(order1, "placed", "captured = 0")
	w.exec("payment", `UPDATE payments SET status = 'authorised', captured = 0, review = 'pending', review_until = now() + interval '1 hour' WHERE order_id = '`+order1+`'`)
	w.sim[0] = transaction("t1", order1+"-1", "authorized", 1000, 0, 0)
	w.exec("order", `UPDATE orders SET snapshot = snapshot || '{"payment": {"payment_provider": "bank_transfer"}}' WHERE id = '`+order1+`'`) // that is no means of payment
	if all := w.check().Violations; len(all) > 0 {
		t.Errorf("in review: %+v", all)
	}
	w.exec("payment", `UPDATE payments SET review_until = now() - interval '1 hour' WHERE order_id = '`+order1+`'`)
	w.expect(map[string]bool{}, "I4 half-way", order1, false)
	w.step(order1, "shipped", "unpaid = true")
	w.exec("payment", `UPDATE payments SET status = 'settlement_declined', review = '', review_until = NULL WHERE order_id = '`+order1+`'`)
	w.sim[0] = transaction("t1", order1+"-1", "settlement_declined", 1000, 0, 0)
	if all := w.check().Violations; len(all) > 0 {
		t.Errorf("not paid: %+v", all)
	}
}

func TestDamageInTheGatewaysBooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sound := w.sim
	for name, c := range map[string]struct {
		sim      []map[string]any
		want, id string
	}{
		"charged twice":                   {append(slices.Clone(sound), transaction("t3", order1+"-1", "settled", 1000, 1000, 0)), "I3 charged-twice", order1},
		"another attempt":                 {append(slices.Clone(sound), transaction("t3", order1+"-2", "authorized", 1000, 0, 0)), "I3 charged-twice", order1},
		"not known":                       {sound[1:], "I3 unknown-transaction", order1 + "-1"},
		"another amount":                  {[]map[string]any{transaction("t1", order1+"-1", "settled", 1000, 100000, 0), sound[1]}, "I3 amounts-differ", order1 + "-1"},
		"of somebody else":                {[]map[string]any{transaction("t1", order2+"-1", "settled", 1000, 1000, 0), sound[1]}, "I3 unknown-transaction", order1 + "-1"},
		"a cancelled order still charged": {[]map[string]any{sound[0], transaction("t2", order2+"-1", "settled", 500, 500, 0)}, "I4 money-without-order", "transaction t2 of " + order2 + "-1"},
		"nobody's money":                  {append(slices.Clone(sound), transaction("t3", "nobody-1", "authorized", 700, 0, 0)), "I4 money-without-order", "transaction t3 of nobody-1"},
	} {
		w.mu.Lock()
		w.sim = c.sim
		w.mu.Unlock()
		all := w.check().Violations
		if !slices.ContainsFunc(all, func(v Violation) bool { return v.Invariant+" "+v.Rule == c.want && v.ID == c.id }) {
			t.Errorf("%s: no %s of %s in %+v", name, c.want, c.id, all)
		}
	}
	w.mu.Lock()
	w.sim = append(slices.Clone(sound), transaction("t3", order1+"-1", "processor_declined", 1000, 0, 0))
	w.mu.Unlock()
	if r := w.check(); !r.Clean() {
		t.Errorf("a declined transaction is no breach: %+v", r.Violations)
	}
}

func TestWhatIsUnderWayIsNotJudgedYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.step(order1, "placed", "captured = 0, updated_at = now()")
	r, err := Check(t.Context(), w.src, Grace)
	if err != nil || !r.Clean() {
		t.Errorf("%+v (%v)", r.Violations, err)
	}
	if r := w.check(); r.Clean() {
		t.Error("without grace nothing is found either")
	}
}

func TestSettleWaitsForTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec("order", `UPDATE orders SET state = 'placed' WHERE id = '`+order1+`'`)
	told := 0
	r, err := Settle(t.Context(), w.src, time.Minute, func(string) {
		if told++; told == 1 {
			w.exec("order", `UPDATE orders SET state = 'confirmed' WHERE id = '`+order1+`'`)
		}
	})
	if err != nil || !r.Clean() || told != 1 {
		t.Errorf("%+v (%v), told %d times", r.Violations, err, told)
	}
	w.exec("order", `UPDATE orders SET state = 'placed' WHERE id = '`+order1+`'`)
	if r, err := Settle(t.Context(), w.src, 0, func(string) {}); err != nil || r.Clean() {
		t.Errorf("an order that never moves is found clean: %+v (%v)", r, err)
	}
}

func TestBooksThatCannotBeReadAreNoCleanBooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.src.Simulator = "http://127.0.0.1:1"
	delete(w.src.Databases, "cart")
	_, err := Check(t.Context(), w.src, 0)
	if err == nil || !strings.Contains(err.Error(), "simulator") || !strings.Contains(err.Error(), "cart") {
		t.Errorf("got %v", err)
	}
}
