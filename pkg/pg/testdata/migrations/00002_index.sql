-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY things_at ON things (at);
-- +goose Down
DROP INDEX things_at;
