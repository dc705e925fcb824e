-- +goose Up
-- In the order that owners of holds are paged by, with the time that is asked about: holds that end later are passed over inside the index.
DROP INDEX stock_holds_by_owner;
CREATE INDEX stock_holds_by_owner ON stock_holds (owner, expires_at);

-- +goose Down
DROP INDEX stock_holds_by_owner;
CREATE INDEX stock_holds_by_owner ON stock_holds (owner);
