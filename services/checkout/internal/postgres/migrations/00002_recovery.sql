-- +goose Up
-- Whether it was told that a checkout was left, and that somebody came back to it.
ALTER TABLE checkouts ADD COLUMN recovery text NOT NULL DEFAULT '' CONSTRAINT checkouts_recovery CHECK (recovery IN ('', 'abandoned', 'resumed'));

-- +goose Down
ALTER TABLE checkouts DROP COLUMN recovery;
