-- +goose Up
-- When the bank paid, and when to look for that next: NULL when there is nothing to look for.
ALTER TABLE payments ADD COLUMN settled_at timestamptz;
ALTER TABLE payments ADD COLUMN settle_due_at timestamptz;
ALTER TABLE payments ADD COLUMN settle_tries integer NOT NULL DEFAULT 0;
UPDATE payments SET settle_due_at = now() WHERE status IN ('captured', 'refunded');
CREATE INDEX payments_unsettled ON payments (settle_due_at) WHERE settle_due_at IS NOT NULL;

-- +goose Down
ALTER TABLE payments DROP COLUMN settled_at, DROP COLUMN settle_due_at, DROP COLUMN settle_tries;
