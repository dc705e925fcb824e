-- +goose Up
-- What of a SKU lies on shelves, and what inventory says of it. Rows from before count all that is available as there.
ALTER TABLE levels ADD COLUMN in_stock bigint, ADD COLUMN status text NOT NULL DEFAULT '';
UPDATE levels SET in_stock = available;
ALTER TABLE levels ALTER COLUMN in_stock SET NOT NULL;

-- +goose Down
ALTER TABLE levels DROP COLUMN in_stock, DROP COLUMN status;
