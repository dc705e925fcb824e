-- +goose Up
-- Of an order with several payments: of which one a refund that is on its way goes back, and how much of it.
ALTER TABLE order_effects ADD COLUMN portion jsonb;

-- +goose Down
ALTER TABLE order_effects DROP COLUMN portion;
