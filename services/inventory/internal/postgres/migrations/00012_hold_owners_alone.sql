-- +goose Up
-- While statistics say that there is hardly a hold, every index that knows a column of a condition looks as good as another, and plans are kept: turns
-- read all living holds by this one, for its expires_at. In this form only those who ask by owner find it.
DROP INDEX stock_holds_by_owner;
CREATE INDEX stock_holds_by_owner ON stock_holds (owner, (expires_at AT TIME ZONE 'UTC'));

-- +goose Down
DROP INDEX stock_holds_by_owner;
CREATE INDEX stock_holds_by_owner ON stock_holds (owner, expires_at);
