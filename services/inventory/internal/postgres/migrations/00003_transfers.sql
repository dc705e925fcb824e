-- +goose Up
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_kind, ADD CONSTRAINT stock_ledger_kind
    CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill', 'transfer_out', 'transfer_in'));

CREATE INDEX stock_ledger_by_reference ON stock_ledger (reference);

-- Goods on their way from one location to another; in transit they lie at neither.
CREATE TABLE stock_transfers (
    id            text        CONSTRAINT stock_transfers_pkey PRIMARY KEY,
    from_location text        NOT NULL CONSTRAINT stock_transfers_from REFERENCES locations (id),
    to_location   text        NOT NULL CONSTRAINT stock_transfers_to REFERENCES locations (id),
    status        text        NOT NULL CONSTRAINT stock_transfers_status CHECK (status IN ('draft', 'in_transit', 'received', 'cancelled')),
    note          text        NOT NULL,
    created_at    timestamptz NOT NULL,
    sent_at       timestamptz,
    ended_at      timestamptz CONSTRAINT stock_transfers_ended CHECK ((ended_at IS NOT NULL) = (status IN ('received', 'cancelled'))),
    CONSTRAINT stock_transfers_places CHECK (from_location <> to_location)
);
CREATE INDEX stock_transfers_by_age ON stock_transfers (created_at DESC, id DESC);

CREATE TABLE stock_transfer_lines (
    transfer_id text    NOT NULL CONSTRAINT stock_transfer_lines_transfer REFERENCES stock_transfers (id),
    line_no     integer NOT NULL,
    sku         text    NOT NULL,
    quantity    bigint  NOT NULL CONSTRAINT stock_transfer_lines_quantity CHECK (quantity > 0),
    received    bigint  NOT NULL DEFAULT 0,
    CONSTRAINT stock_transfer_lines_received CHECK (received >= 0 AND received <= quantity),
    CONSTRAINT stock_transfer_lines_pkey PRIMARY KEY (transfer_id, line_no),
    CONSTRAINT stock_transfer_lines_sku UNIQUE (transfer_id, sku)
);

-- +goose Down
DROP INDEX stock_ledger_by_reference;
DROP TABLE stock_transfer_lines, stock_transfers;
UPDATE stock_ledger SET kind = 'adjust' WHERE kind IN ('transfer_out', 'transfer_in');
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_kind,
    ADD CONSTRAINT stock_ledger_kind CHECK (kind IN ('receive', 'adjust', 'count', 'allocate', 'release', 'fill'));
