-- +goose Up
-- The channel that it was sold in, for the rules that judge it; most are of none.
ALTER TABLE payments ADD COLUMN channel text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE payments DROP COLUMN channel;
