-- +goose Up
-- What staff give back: the amount that is on its way, what had gone back before it, and the list.
ALTER TABLE orders
    ADD COLUMN refunding       bigint NOT NULL DEFAULT 0,
    ADD COLUMN returned_before bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunds         jsonb  NOT NULL DEFAULT '[]',
    ADD CONSTRAINT orders_refunding CHECK (refunding BETWEEN 0 AND captured);
CREATE INDEX orders_refunding ON orders (updated_at) WHERE refunding > 0;

CREATE TABLE order_notes (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text        NOT NULL,
    at       timestamptz NOT NULL,
    actor    text        NOT NULL,
    text     text        NOT NULL
);
CREATE INDEX order_notes_of_order ON order_notes (order_id, id);

-- +goose Down
DROP TABLE order_notes;
DROP INDEX orders_refunding;
ALTER TABLE orders DROP CONSTRAINT orders_refunding, DROP COLUMN refunding, DROP COLUMN returned_before, DROP COLUMN refunds;
