-- +goose Up
-- The attempt that gift cards and store credit alone were to pay for, whatever else it came with; 0: none.
ALTER TABLE checkouts ADD COLUMN covered_attempt integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE checkouts DROP COLUMN covered_attempt;
