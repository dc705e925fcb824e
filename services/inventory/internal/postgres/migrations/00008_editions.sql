-- +goose Up
-- Which edition of its order an allocation is of: an edit that comes late changes nothing.
ALTER TABLE allocations ADD COLUMN edition bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE allocations DROP COLUMN edition;
