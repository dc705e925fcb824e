-- +goose Up
-- words is the last revision at which what products are found by changed: dictionaries are of it.
ALTER TABLE replica ADD COLUMN words bigint NOT NULL DEFAULT 0;
UPDATE replica SET words = coalesce((SELECT max(content) FROM products), 0);

-- +goose Down
ALTER TABLE replica DROP COLUMN words;
