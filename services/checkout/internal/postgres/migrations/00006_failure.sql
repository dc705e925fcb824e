-- +goose Up
-- Why the last attempt to place the order failed, until another one begins: {"outcome", "decline_code", "retryable"}.
ALTER TABLE checkouts ADD COLUMN failure jsonb;

-- +goose Down
ALTER TABLE checkouts DROP COLUMN failure;
