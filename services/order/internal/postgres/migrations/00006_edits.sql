-- +goose Up
-- What staff edit before picking: how far the edit under way has come and what the order costs with it, what edits made it cost less, what
-- of that is to be given back, and the list. An invoice is of the order as the edit of that number had left it.
ALTER TABLE orders
    ADD COLUMN edit        text    NOT NULL DEFAULT '',
    ADD COLUMN edit_number integer NOT NULL DEFAULT 0,
    ADD COLUMN proposed    bigint  NOT NULL DEFAULT 0,
    ADD COLUMN reduced     bigint  NOT NULL DEFAULT 0,
    ADD COLUMN owing       bigint  NOT NULL DEFAULT 0,
    ADD COLUMN edits       jsonb   NOT NULL DEFAULT '[]',
    ADD COLUMN invoiced    boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT orders_captured,
    ADD CONSTRAINT orders_captured CHECK (captured BETWEEN 0 AND total + reduced),
    ADD CONSTRAINT orders_reduced CHECK (owing BETWEEN 0 AND reduced);
UPDATE orders SET invoiced = true WHERE id IN (SELECT order_id FROM documents WHERE refund_id = '');
ALTER TABLE documents ADD COLUMN edition integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE documents DROP COLUMN edition;
ALTER TABLE orders DROP CONSTRAINT orders_reduced, DROP CONSTRAINT orders_captured, ADD CONSTRAINT orders_captured CHECK (captured BETWEEN 0 AND total) NOT VALID,
    DROP COLUMN edit, DROP COLUMN edit_number, DROP COLUMN proposed, DROP COLUMN reduced, DROP COLUMN owing, DROP COLUMN edits, DROP COLUMN invoiced;
