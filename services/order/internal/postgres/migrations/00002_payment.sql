-- +goose Up
-- What payment tells of an order's money: where a review stands, that the bank did not pay, what is disputed.
ALTER TABLE orders
    ADD COLUMN review   text    NOT NULL DEFAULT '',
    ADD COLUMN unpaid   boolean NOT NULL DEFAULT false,
    ADD COLUMN disputes jsonb   NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE orders DROP COLUMN review, DROP COLUMN unpaid, DROP COLUMN disputes;
