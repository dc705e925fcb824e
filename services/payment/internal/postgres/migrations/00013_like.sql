-- +goose Up
-- The payment whose means are charged once more, or ''. The gateway may keep the sale among the other's.
ALTER TABLE payments ADD COLUMN like_payment text NOT NULL DEFAULT '' CONSTRAINT payments_like CHECK ((like_payment <> '') = (attempt >= 1000000));

-- +goose Down
ALTER TABLE payments DROP COLUMN like_payment;
