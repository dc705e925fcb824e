package books

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// What a service's books must say by themselves, each a query for the rule that is broken, the id and what is wrong. Rows and logs are
// written together, so that nothing of this is ever under way.
const (
	lotsSQL = `
SELECT 'lots-do-not-add-up', sku || '@' || location_id, CASE lot WHEN '' THEN 'its lots are more than there is' ELSE 'lot ' || lot || ' is not its ledger and its reservations' END
FROM lot_faults`

	cartsSQL = `
SELECT 'log-is-not-whole', c.id, format('the cart is at version %s, its log has %s entries up to %s', c.version, l.n, l.last)
FROM carts c, LATERAL (SELECT count(*) AS n, coalesce(max(version), 0) AS last FROM cart_events e WHERE e.cart_id = c.id) l
WHERE l.n <> c.version OR l.last <> c.version`

	promotionsSQL = `
SELECT 'promotions-are-not-the-discounts', id, format('promotions of %s, discounts of %s on the lines, %s in all', promotions, discounts, discount)
FROM (
	SELECT id, coalesce((snapshot#>>'{totals,discount,amount}')::bigint, 0) AS discount,
		(SELECT coalesce(sum((p#>>'{amount,amount}')::bigint), 0) FROM jsonb_array_elements(coalesce(nullif(snapshot->'promotions', 'null'), '[]')) p) AS promotions,
		(SELECT coalesce(sum((d#>>'{amount,amount}')::bigint), 0) FROM jsonb_array_elements(snapshot->'lines') l,
			jsonb_array_elements(coalesce(nullif(l->'discounts', 'null'), '[]')) d) AS discounts
	FROM orders
) o WHERE promotions <> discounts OR promotions <> discount
UNION ALL
SELECT 'less-than-nothing', o.id, format('line %s has a total of %s', l->>'id', l#>>'{total,amount}')
FROM orders o, jsonb_array_elements(snapshot->'lines') l WHERE (l#>>'{total,amount}')::bigint < 0
UNION ALL
SELECT 'fee-is-no-part-of-shipping', id, format('shipping costs %s, of it a fee of %s', shipping, fee)
FROM (SELECT id, coalesce((snapshot#>>'{totals,payment_fee,amount}')::bigint, 0) AS fee, coalesce((snapshot#>>'{totals,shipping,amount}')::bigint, 0) AS shipping FROM orders) o
WHERE fee < 0 OR fee > shipping
UNION ALL
SELECT 'total-does-not-add-up', id, format('%s − %s + %s, and taxes of %s, are not %s', t#>>'{subtotal,amount}', t#>>'{discount,amount}', t#>>'{shipping,amount}', t#>>'{tax,amount}', t#>>'{total,amount}')
FROM (SELECT id, snapshot->'totals' AS t FROM orders) o
WHERE (t#>>'{subtotal,amount}')::bigint - (t#>>'{discount,amount}')::bigint + (t#>>'{shipping,amount}')::bigint
	+ CASE WHEN (t->>'tax_included')::boolean THEN 0 ELSE (t#>>'{tax,amount}')::bigint END <> (t#>>'{total,amount}')::bigint`

	editsSQL = `
SELECT 'total-is-not-the-snapshot', id, format('the order costs %s, its lines come to %s', total, snapshot#>>'{totals,total,amount}')
FROM orders WHERE (snapshot#>>'{totals,total,amount}')::bigint <> total
UNION ALL
SELECT 'difference-was-not-returned', id, format('edits made it cost %s less, %s went back and %s are owed', reduced, returned, owing)
FROM orders WHERE returned + owing < reduced AND refunding = 0 AND state IN ('confirmed', 'picking', 'shipped', 'delivered', 'returned', 'cancelled') AND NOT unpaid`

	transitionsSQL = `
SELECT 'log-is-not-whole', o.id, format('is %s at version %s; its log has %s entries, the last to %s', o.state, o.version, l.n, l.state)
FROM orders o, LATERAL (SELECT count(*) AS n, (array_agg(to_state ORDER BY version DESC))[1] AS state FROM order_events e WHERE e.order_id = o.id) l
WHERE l.n <> o.version OR l.state IS DISTINCT FROM o.state
UNION ALL
SELECT 'nobody-did-it', order_id, format('entry %s (%s) names no actor', version, event) FROM order_events WHERE actor = ''`

	meansSQL = `
SELECT 'means-of-payment-kept', order_id, format('with the effect %s, which needs none', kind) FROM order_effects WHERE payment IS NOT NULL AND kind <> 'authorise'
UNION ALL
SELECT 'means-of-payment-kept', id, 'in the snapshot of the order' FROM orders WHERE coalesce(nullif(snapshot->'payment', 'null'), '{}') - 'payment_provider' <> '{}'`

	paymentLogSQL = `
SELECT 'log-is-not-whole', p.id, format('the payment is at version %s, its log has %s entries', p.version, l.n)
FROM payments p, LATERAL (SELECT count(*) AS n FROM payment_events e WHERE e.payment_id = p.id) l WHERE l.n <> p.version`
)

// broken reads what breaks a law.
func broken(ctx context.Context, tx pgx.Tx, s *Snapshot, invariant, sql string) error {
	var found []struct{ Rule, ID, Detail string }
	if err := collect(ctx, tx, &found, sql); err != nil {
		return err
	}
	for _, f := range found {
		s.Broken = append(s.Broken, Violation{Invariant: invariant, Rule: f.Rule, ID: f.ID, Detail: f.Detail})
	}
	return nil
}
