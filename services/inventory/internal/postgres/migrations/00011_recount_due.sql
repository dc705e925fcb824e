-- +goose Up
-- When all of the ledger is to be read again, whichever replica looks then.
ALTER TABLE stock_counted ADD COLUMN whole_at timestamptz NOT NULL DEFAULT 'epoch';

-- +goose Down
ALTER TABLE stock_counted DROP COLUMN whole_at;
