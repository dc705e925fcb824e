-- +goose Up
-- The sums of the ledger's entries up to stock_counted.through, so that a recount reads only what was written since.
CREATE TABLE stock_sums (
    sku         text   NOT NULL,
    location_id text   NOT NULL,
    lot         text   NOT NULL, -- '': of what is in none; what orders have taken of a lot is not in the ledger, and counts here
    on_hand     bigint NOT NULL,
    allocated   bigint NOT NULL,
    owed        bigint NOT NULL,
    CONSTRAINT stock_sums_pkey PRIMARY KEY (sku, location_id, lot)
) WITH (fillfactor = 70);

-- One row: up to which entry the sums are, and which was the last one when it was looked before. An entry may become visible after one with a
-- higher id, so the sums end where the look before has ended.
CREATE TABLE stock_counted (
    one     boolean     NOT NULL DEFAULT true CONSTRAINT stock_counted_pkey PRIMARY KEY CONSTRAINT stock_counted_one CHECK (one),
    through bigint      NOT NULL,
    seen    bigint      NOT NULL,
    seen_at timestamptz NOT NULL
);
INSERT INTO stock_sums SELECT sku, location_id, lot, sum(on_hand_delta), sum(allocated_delta), sum(owed_delta) FROM stock_ledger GROUP BY sku, location_id, lot;
INSERT INTO stock_counted (through, seen, seen_at) SELECT coalesce(max(id), 0), coalesce(max(id), 0), 'epoch' FROM stock_ledger;

CREATE INDEX stock_ledger_by_lot ON stock_ledger (sku, location_id, lot) WHERE lot <> '';
CREATE INDEX stock_lots_emptied ON stock_lots (expires_on) WHERE on_hand = 0;

-- The same as before with what is counted, and with lots that are missing.
DROP VIEW lot_faults;
CREATE VIEW lot_faults AS
SELECT sku, location_id, lot, coalesce(o.on_hand, 0) AS on_hand, coalesce(o.allocated, 0) AS allocated, coalesce(g.on_hand, 0)::bigint AS ledger_on_hand,
    coalesce(r.reserved, 0)::bigint AS reserved
FROM stock_lots o
FULL JOIN (SELECT sku, location_id, lot, sum(on_hand_delta) AS on_hand FROM stock_ledger WHERE lot <> '' GROUP BY sku, location_id, lot) g USING (sku, location_id, lot)
FULL JOIN (SELECT v.sku, v.location_id, v.lot, sum(v.quantity) AS reserved FROM inventory_reservations v
        JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated' WHERE v.lot <> '' AND v.kind = 'stock' GROUP BY v.sku, v.location_id, v.lot) r
    USING (sku, location_id, lot)
WHERE coalesce(o.on_hand, 0) <> coalesce(g.on_hand, 0) OR coalesce(o.allocated, 0) <> coalesce(r.reserved, 0)
UNION ALL
SELECT o.sku, o.location_id, '', l.on_hand, l.allocated, sum(o.on_hand)::bigint, sum(o.allocated)::bigint
FROM stock_lots o JOIN stock_levels l ON l.sku = o.sku AND l.location_id = o.location_id
GROUP BY o.sku, o.location_id, l.on_hand, l.allocated, l.has_lots
HAVING NOT l.has_lots OR sum(o.on_hand) > l.on_hand OR sum(o.allocated) > l.allocated OR sum(o.on_hand - o.allocated) > l.on_hand - l.allocated;

-- +goose Down
DROP VIEW lot_faults;
CREATE VIEW lot_faults AS
SELECT o.sku, o.location_id, o.lot FROM stock_lots o
WHERE o.on_hand <> (SELECT coalesce(sum(on_hand_delta), 0) FROM stock_ledger g WHERE g.sku = o.sku AND g.location_id = o.location_id AND g.lot = o.lot)
    OR o.allocated <> (SELECT coalesce(sum(v.quantity), 0) FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated'
        WHERE v.sku = o.sku AND v.location_id = o.location_id AND v.lot = o.lot AND v.kind = 'stock')
UNION ALL
SELECT o.sku, o.location_id, '' FROM stock_lots o JOIN stock_levels l ON l.sku = o.sku AND l.location_id = o.location_id
GROUP BY o.sku, o.location_id, l.on_hand, l.allocated, l.has_lots
HAVING NOT l.has_lots OR sum(o.on_hand) > l.on_hand OR sum(o.allocated) > l.allocated OR sum(o.on_hand - o.allocated) > l.on_hand - l.allocated;
DROP INDEX stock_lots_emptied;
DROP INDEX stock_ledger_by_lot;
DROP TABLE stock_counted, stock_sums;
