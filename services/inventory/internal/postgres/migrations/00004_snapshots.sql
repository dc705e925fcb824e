-- +goose Up
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_kind, ADD CONSTRAINT stock_ledger_kind
    CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill', 'transfer_out', 'transfer_in', 'reconcile'));

-- What was there at a moment, and what had led to it: the sums of the ledger by kind, so that two moments compare exactly whatever
-- commits in which order.
CREATE TABLE stock_snapshots (
    name  text        CONSTRAINT stock_snapshots_pkey PRIMARY KEY,
    at    timestamptz NOT NULL,
    actor text        NOT NULL
);

CREATE TABLE stock_snapshot_levels (
    name        text   NOT NULL CONSTRAINT stock_snapshot_levels_name REFERENCES stock_snapshots (name),
    sku         text   NOT NULL,
    location_id text   NOT NULL,
    on_hand     bigint NOT NULL,
    allocated   bigint NOT NULL,
    owed        bigint NOT NULL,
    CONSTRAINT stock_snapshot_levels_pkey PRIMARY KEY (name, sku, location_id)
);

CREATE TABLE stock_snapshot_moves (
    name        text   NOT NULL CONSTRAINT stock_snapshot_moves_name REFERENCES stock_snapshots (name),
    sku         text   NOT NULL,
    location_id text   NOT NULL,
    kind        text   NOT NULL,
    entries     bigint NOT NULL,
    on_hand     bigint NOT NULL,
    allocated   bigint NOT NULL,
    owed        bigint NOT NULL,
    CONSTRAINT stock_snapshot_moves_pkey PRIMARY KEY (name, sku, location_id, kind)
);

CREATE TABLE stock_snapshot_holds (
    name   text   NOT NULL CONSTRAINT stock_snapshot_holds_name REFERENCES stock_snapshots (name),
    sku    text   NOT NULL,
    owners bigint NOT NULL,
    held   bigint NOT NULL,
    CONSTRAINT stock_snapshot_holds_pkey PRIMARY KEY (name, sku)
);

-- +goose Down
DROP TABLE stock_snapshot_holds, stock_snapshot_moves, stock_snapshot_levels, stock_snapshots;
UPDATE stock_ledger SET kind = 'adjust' WHERE kind = 'reconcile';
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_kind, ADD CONSTRAINT stock_ledger_kind
    CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill', 'transfer_out', 'transfer_in'));
