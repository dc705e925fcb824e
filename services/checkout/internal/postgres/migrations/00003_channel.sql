-- +goose Up
-- The sales channel that the cart is of; most are of none.
ALTER TABLE checkouts ADD COLUMN channel text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE checkouts DROP COLUMN channel;
