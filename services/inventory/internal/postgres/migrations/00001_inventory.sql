-- +goose Up
CREATE TABLE locations (
    id          text        PRIMARY KEY,
    name        text        NOT NULL,
    country     text        NOT NULL,
    region      text        NOT NULL,
    postal_code text        NOT NULL,
    priority    integer     NOT NULL,
    enabled     boolean     NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- What is there and what of it orders have taken. Only whoever holds the stripes of the SKUs writes here (see lock.go), and
-- the CHECK is the last word.
CREATE TABLE stock_levels (
    sku         text   NOT NULL,
    location_id text   NOT NULL CONSTRAINT stock_levels_location REFERENCES locations (id),
    on_hand     bigint NOT NULL,
    allocated   bigint NOT NULL DEFAULT 0,
    CONSTRAINT stock_levels_pkey PRIMARY KEY (sku, location_id),
    CONSTRAINT stock_levels_allocated CHECK (allocated >= 0 AND allocated <= on_hand),
    CONSTRAINT stock_levels_on_hand CHECK (on_hand <= 1000000000000)
) WITH (fillfactor = 70);
CREATE INDEX stock_levels_by_location ON stock_levels (location_id, sku);

-- Append-only: on_hand and allocated of a level are the sums of its entries.
CREATE TABLE stock_ledger (
    id              bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT stock_ledger_pkey PRIMARY KEY,
    at              timestamptz NOT NULL,
    sku             text        NOT NULL,
    location_id     text        NOT NULL,
    kind            text        NOT NULL CONSTRAINT stock_ledger_kind CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release')),
    on_hand_delta   bigint      NOT NULL,
    allocated_delta bigint      NOT NULL,
    reference       text        NOT NULL, -- of the booking, or the id of the allocation
    actor           text        NOT NULL,
    reason          text        NOT NULL
);
CREATE INDEX stock_ledger_by_sku ON stock_ledger (sku, id);

-- A reference is booked once.
CREATE TABLE stock_bookings (
    reference text        CONSTRAINT stock_bookings_pkey PRIMARY KEY,
    kind      text        NOT NULL,
    lines     integer     NOT NULL,
    hash      bytea       NOT NULL, -- of kind and lines
    at        timestamptz NOT NULL,
    actor     text        NOT NULL
);

-- One row per allocation id; written before anything is read.
CREATE TABLE allocations (
    id          text        CONSTRAINT allocations_pkey PRIMARY KEY,
    owner       text        NOT NULL,
    status      text        NOT NULL CONSTRAINT allocations_status CHECK (status IN ('allocated', 'released')),
    created_at  timestamptz NOT NULL,
    released_at timestamptz CONSTRAINT allocations_released CHECK ((released_at IS NULL) = (status = 'allocated'))
);

-- No foreign key: both rows are written in one transaction, and the key's look-up would be a read that lets serializable
-- transactions of other orders fail.
CREATE TABLE inventory_reservations (
    allocation_id text    NOT NULL,
    line_no       integer NOT NULL,
    part_no       integer NOT NULL,
    line_id       text    NOT NULL,
    sku           text    NOT NULL,
    location_id   text    NOT NULL,
    quantity      bigint  NOT NULL CONSTRAINT inventory_reservations_quantity CHECK (quantity > 0),
    CONSTRAINT inventory_reservations_pkey PRIMARY KEY (allocation_id, line_no, part_no)
);

-- The row of a SKU is the lock of its turns. held = Σ quantity of its stock_holds, the dead ones that no turn has folded included.
CREATE TABLE hold_totals (
    sku  text   CONSTRAINT hold_totals_pkey PRIMARY KEY,
    held bigint NOT NULL DEFAULT 0 CONSTRAINT hold_totals_held CHECK (held >= 0)
) WITH (fillfactor = 50);

-- The id is owner:sku. A turn names its holds by id alone: while the planner believes the table to be small, any other index that
-- serves a condition may look as good, and stays in the prepared plan when ten thousand carts hold the SKU.
CREATE TABLE stock_holds (
    id         text        CONSTRAINT stock_holds_pkey PRIMARY KEY,
    owner      text        NOT NULL,
    sku        text        NOT NULL,
    quantity   bigint      NOT NULL CONSTRAINT stock_holds_quantity CHECK (quantity > 0),
    expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX stock_holds_expiry ON stock_holds (sku, expires_at);
CREATE INDEX stock_holds_by_owner ON stock_holds (owner);

-- Holds that an allocation took, for the next turn to fold. Insert-only for allocations: an update of stock_holds in a
-- serializable transaction would let orders of unrelated SKUs fail each other over a shared index page.
CREATE TABLE taken_holds (
    sku text NOT NULL,
    id  text NOT NULL -- of the hold, whether there is one or not
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX taken_holds_by_sku ON taken_holds (sku);

-- Holds that ended by the clock and are not told of yet.
CREATE TABLE expired_holds (
    id         bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT expired_holds_pkey PRIMARY KEY,
    owner      text        NOT NULL,
    sku        text        NOT NULL,
    quantity   bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Which SKUs' levels changed since they were announced: insert-only for whoever changes them.
CREATE TABLE level_changes (
    id  bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT level_changes_pkey PRIMARY KEY,
    sku text   NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE announced_levels (
    sku       text        CONSTRAINT announced_levels_pkey PRIMARY KEY,
    at        timestamptz NOT NULL,
    on_hand   bigint      NOT NULL,
    allocated bigint      NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE audit_log (
    id     bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_log_pkey PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text        NOT NULL,
    action text        NOT NULL,
    entity text        NOT NULL,
    before jsonb,
    after  jsonb
);

-- What must be empty: invariant I1, and that the held totals are those of the holds. Read it in one snapshot.
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

-- +goose Down
DROP VIEW stock_faults;
DROP TABLE audit_log, announced_levels, level_changes, expired_holds, taken_holds, stock_holds, hold_totals, inventory_reservations, allocations,
    stock_bookings, stock_ledger, stock_levels, locations;
