-- +goose Up
-- What inventory says of a SKU: its status, and when what is not on a shelf ships. Rows from before say no status: then what is
-- available decides.
ALTER TABLE sku_levels ADD COLUMN status text NOT NULL DEFAULT '', ADD COLUMN ships_at timestamptz;

-- +goose Down
ALTER TABLE sku_levels DROP COLUMN status, DROP COLUMN ships_at;
