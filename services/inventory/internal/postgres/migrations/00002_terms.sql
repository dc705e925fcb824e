-- +goose Up
-- How much of a level is for sale and how much may be owed beyond it, and what is owed.
ALTER TABLE stock_levels
    ADD COLUMN owed                bigint      NOT NULL DEFAULT 0,
    ADD COLUMN safety_stock        bigint      NOT NULL DEFAULT 0 CONSTRAINT stock_levels_safety CHECK (safety_stock >= 0),
    ADD COLUMN backorder_limit     bigint      NOT NULL DEFAULT 0 CONSTRAINT stock_levels_backorder CHECK (backorder_limit >= 0),
    ADD COLUMN backorder_ships_at  timestamptz,
    ADD COLUMN preorder_limit      bigint      NOT NULL DEFAULT 0 CONSTRAINT stock_levels_preorder CHECK (preorder_limit >= 0),
    ADD COLUMN release_at          timestamptz,
    ADD COLUMN released            boolean     NOT NULL DEFAULT true, -- the release was acted on: debts are served
    ADD CONSTRAINT stock_levels_owed CHECK (owed >= 0 AND owed <= backorder_limit + preorder_limit);
CREATE INDEX stock_levels_unreleased ON stock_levels (release_at) WHERE NOT released;

ALTER TABLE stock_ledger
    ADD COLUMN owed_delta bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT stock_ledger_kind,
    ADD CONSTRAINT stock_ledger_kind CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill'));

-- stock: taken from the shelf. backorder, preorder: owed, until goods come.
ALTER TABLE inventory_reservations
    ADD COLUMN kind     text        NOT NULL DEFAULT 'stock' CONSTRAINT inventory_reservations_kind CHECK (kind IN ('stock', 'backorder', 'preorder')),
    ADD COLUMN ships_at timestamptz;
CREATE INDEX inventory_reservations_owed ON inventory_reservations (sku, location_id) WHERE kind <> 'stock';

ALTER TABLE announced_levels
    ADD COLUMN stock    bigint      NOT NULL DEFAULT 0,
    ADD COLUMN promise  bigint      NOT NULL DEFAULT 0,
    ADD COLUMN owed     bigint      NOT NULL DEFAULT 0,
    ADD COLUMN ships_at timestamptz,
    ADD COLUMN preorder boolean     NOT NULL DEFAULT false,
    ADD COLUMN low      boolean     NOT NULL DEFAULT false;
UPDATE announced_levels SET stock = greatest(on_hand - allocated, 0);

-- When a SKU counts as low: at low_at or less, until there is low_until or more.
CREATE TABLE sku_rules (
    sku       text   CONSTRAINT sku_rules_pkey PRIMARY KEY,
    low_at    bigint NOT NULL CONSTRAINT sku_rules_low_at CHECK (low_at >= 0),
    low_until bigint NOT NULL,
    CONSTRAINT sku_rules_low_until CHECK (low_until > low_at)
);

-- What can be sold of a level: from the shelf, where what is owed comes first and safety stock stays; and beyond it. They are those of
-- inventory.Level, and are written into every statement that calls them.
-- +goose StatementBegin
CREATE FUNCTION level_stock(on_hand bigint, allocated bigint, owed bigint, safety_stock bigint, release_at timestamptz, at timestamptz)
    RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN release_at > at THEN 0 ELSE greatest(on_hand - allocated - owed - safety_stock, 0) END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION level_promise(owed bigint, backorder_limit bigint, preorder_limit bigint, release_at timestamptz, at timestamptz)
    RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN greatest(CASE WHEN release_at > at THEN preorder_limit ELSE backorder_limit END - owed, 0);
-- +goose StatementEnd

DROP VIEW stock_faults;
CREATE VIEW stock_faults AS
SELECT 'level' AS what, coalesce(l.sku, g.sku, r.sku) AS sku, coalesce(l.location_id, g.location_id, r.location_id) AS location_id,
    coalesce(l.on_hand, 0) AS on_hand, coalesce(l.allocated, 0) AS allocated, coalesce(l.owed, 0) AS owed,
    coalesce(g.on_hand, 0)::bigint AS ledger_on_hand, coalesce(g.allocated, 0)::bigint AS ledger_allocated, coalesce(g.owed, 0)::bigint AS ledger_owed,
    coalesce(r.reserved, 0)::bigint AS reserved, coalesce(r.owed, 0)::bigint AS reserved_owed
FROM stock_levels l
FULL JOIN (SELECT sku, location_id, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated, sum(owed_delta) AS owed
        FROM stock_ledger GROUP BY sku, location_id) g ON g.sku = l.sku AND g.location_id = l.location_id
FULL JOIN (SELECT v.sku, v.location_id, coalesce(sum(v.quantity) FILTER (WHERE v.kind = 'stock'), 0) AS reserved,
            coalesce(sum(v.quantity) FILTER (WHERE v.kind <> 'stock'), 0) AS owed
        FROM inventory_reservations v JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated' GROUP BY v.sku, v.location_id) r
    ON r.sku = coalesce(l.sku, g.sku) AND r.location_id = coalesce(l.location_id, g.location_id)
WHERE (coalesce(l.on_hand, 0), coalesce(l.allocated, 0), coalesce(l.owed, 0)) <> (coalesce(g.on_hand, 0), coalesce(g.allocated, 0), coalesce(g.owed, 0))
    OR (coalesce(l.allocated, 0), coalesce(l.owed, 0)) <> (coalesce(r.reserved, 0), coalesce(r.owed, 0)) OR l.allocated > l.on_hand OR l.allocated < 0
UNION ALL
SELECT 'holds', coalesce(t.sku, h.sku), '', coalesce(t.held, 0), coalesce(h.held, 0)::bigint, 0, 0, 0, 0, 0, 0
FROM hold_totals t FULL JOIN (SELECT sku, sum(quantity) AS held FROM stock_holds GROUP BY sku) h ON h.sku = t.sku
WHERE coalesce(t.held, 0) <> coalesce(h.held, 0);

-- +goose Down
-- What is owed has no place in the schema before: it must be filled or released first, or this fails.
ALTER TABLE stock_levels ADD CONSTRAINT nothing_owed CHECK (owed = 0);
DROP VIEW stock_faults;
DROP FUNCTION level_stock, level_promise;
DROP TABLE sku_rules;
ALTER TABLE announced_levels DROP COLUMN stock, DROP COLUMN promise, DROP COLUMN owed, DROP COLUMN ships_at, DROP COLUMN preorder, DROP COLUMN low;
DROP INDEX inventory_reservations_owed;
ALTER TABLE inventory_reservations DROP COLUMN kind, DROP COLUMN ships_at;
UPDATE stock_ledger SET kind = 'allocate' WHERE kind = 'fill';
ALTER TABLE stock_ledger DROP COLUMN owed_delta, DROP CONSTRAINT stock_ledger_kind,
    ADD CONSTRAINT stock_ledger_kind CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release'));
ALTER TABLE stock_levels DROP CONSTRAINT nothing_owed, DROP CONSTRAINT stock_levels_owed, DROP COLUMN owed, DROP COLUMN safety_stock, DROP COLUMN backorder_limit,
    DROP COLUMN backorder_ships_at, DROP COLUMN preorder_limit, DROP COLUMN release_at, DROP COLUMN released;
CREATE VIEW stock_faults AS
SELECT 'level' AS what, coalesce(l.sku, g.sku, r.sku) AS sku, coalesce(l.location_id, g.location_id, r.location_id) AS location_id,
    coalesce(l.on_hand, 0) AS on_hand, coalesce(l.allocated, 0) AS allocated,
    coalesce(g.on_hand, 0)::bigint AS ledger_on_hand, coalesce(g.allocated, 0)::bigint AS ledger_allocated, coalesce(r.reserved, 0)::bigint AS reserved
FROM stock_levels l
FULL JOIN (SELECT sku, location_id, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated FROM stock_ledger GROUP BY sku, location_id) g
    ON g.sku = l.sku AND g.location_id = l.location_id
FULL JOIN (SELECT v.sku, v.location_id, sum(v.quantity) AS reserved FROM inventory_reservations v
        JOIN allocations a ON a.id = v.allocation_id AND a.status = 'allocated' GROUP BY v.sku, v.location_id) r
    ON r.sku = coalesce(l.sku, g.sku) AND r.location_id = coalesce(l.location_id, g.location_id)
WHERE coalesce(l.on_hand, 0) <> coalesce(g.on_hand, 0) OR coalesce(l.allocated, 0) <> coalesce(g.allocated, 0)
    OR coalesce(l.allocated, 0) <> coalesce(r.reserved, 0) OR l.allocated > l.on_hand OR l.allocated < 0
UNION ALL
SELECT 'holds', coalesce(t.sku, h.sku), '', coalesce(t.held, 0), coalesce(h.held, 0)::bigint, 0, 0, 0
FROM hold_totals t FULL JOIN (SELECT sku, sum(quantity) AS held FROM stock_holds GROUP BY sku) h ON h.sku = t.sku
WHERE coalesce(t.held, 0) <> coalesce(h.held, 0);
