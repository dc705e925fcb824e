-- +goose Up
-- How the shopper chose to pay, and what that costs, in minor units.
ALTER TABLE checkouts ADD COLUMN payment_provider text NOT NULL DEFAULT '',
    ADD COLUMN payment_fee bigint NOT NULL DEFAULT 0 CONSTRAINT checkouts_payment_fee CHECK (payment_fee >= 0);

-- +goose Down
ALTER TABLE checkouts DROP COLUMN payment_provider, DROP COLUMN payment_fee;
