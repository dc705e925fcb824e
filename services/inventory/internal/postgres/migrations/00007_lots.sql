-- +goose Up
-- Pieces of a level that bear a lot and a last day. What of a level is in no lot lies beside them. Nobody reads this for a level without
-- lots.
CREATE TABLE stock_lots (
    sku         text   NOT NULL,
    location_id text   NOT NULL,
    lot         text   NOT NULL CONSTRAINT stock_lots_lot CHECK (lot <> ''),
    expires_on  date   NOT NULL, -- the last day on which it is sold
    on_hand     bigint NOT NULL,
    allocated   bigint NOT NULL DEFAULT 0,
    CONSTRAINT stock_lots_pkey PRIMARY KEY (sku, location_id, lot),
    CONSTRAINT stock_lots_level FOREIGN KEY (sku, location_id) REFERENCES stock_levels (sku, location_id),
    CONSTRAINT stock_lots_allocated CHECK (allocated >= 0 AND allocated <= on_hand)
) WITH (fillfactor = 70);
CREATE INDEX stock_lots_due ON stock_lots (expires_on) WHERE on_hand > allocated;

ALTER TABLE stock_levels ADD COLUMN has_lots boolean NOT NULL DEFAULT false;
ALTER TABLE inventory_reservations ADD COLUMN lot text NOT NULL DEFAULT '';
ALTER TABLE stock_ledger ADD COLUMN lot text NOT NULL DEFAULT '', DROP CONSTRAINT stock_ledger_kind, ADD CONSTRAINT stock_ledger_kind
    CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill', 'transfer_out', 'transfer_in', 'reconcile', 'expire'));
ALTER TABLE stock_transfer_lines ADD COLUMN lot text NOT NULL DEFAULT '', ADD COLUMN expires_on date,
    ADD CONSTRAINT stock_transfer_lines_lot CHECK ((lot = '') = (expires_on IS NULL));

-- What must be empty: on hand of a lot is the sum of the ledger's entries of it, allocated that of the living reservations, and the lots of a
-- level are no more than the level.
CREATE VIEW lot_faults AS
SELECT o.sku, o.location_id, o.lot FROM stock_lots o
WHERE o.on_hand <> (SELECT coalesce(sum(on_hand_delta), 0) FROM stock_ledger g WHERE g.sku = o.sku AND g.location_id = o.location_id AND g.lot = o.lot)
    OR o.allocated <> (SELECT coalesce(sum(v.quantity), 0) FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated'
        WHERE v.sku = o.sku AND v.location_id = o.location_id AND v.lot = o.lot AND v.kind = 'stock')
UNION ALL
SELECT o.sku, o.location_id, '' FROM stock_lots o JOIN stock_levels l ON l.sku = o.sku AND l.location_id = o.location_id
GROUP BY o.sku, o.location_id, l.on_hand, l.allocated, l.has_lots
HAVING NOT l.has_lots OR sum(o.on_hand) > l.on_hand OR sum(o.allocated) > l.allocated OR sum(o.on_hand - o.allocated) > l.on_hand - l.allocated;

-- +goose Down
DROP VIEW lot_faults;
ALTER TABLE stock_transfer_lines DROP CONSTRAINT stock_transfer_lines_lot, DROP COLUMN lot, DROP COLUMN expires_on;
UPDATE stock_ledger SET kind = 'adjust' WHERE kind = 'expire';
ALTER TABLE stock_ledger DROP COLUMN lot, DROP CONSTRAINT stock_ledger_kind, ADD CONSTRAINT stock_ledger_kind
    CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill', 'transfer_out', 'transfer_in', 'reconcile'));
ALTER TABLE inventory_reservations DROP COLUMN lot;
ALTER TABLE stock_levels DROP COLUMN has_lots;
DROP TABLE stock_lots;
