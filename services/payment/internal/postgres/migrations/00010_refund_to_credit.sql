-- +goose Up
-- Whose an order is, and what of the gateway's part was refunded as store credit: at the gateway that much less went back.
ALTER TABLE payments ADD COLUMN customer_id text NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN converted bigint NOT NULL DEFAULT 0 CONSTRAINT payments_converted CHECK (converted BETWEEN 0 AND refunded - credit_refunded);
ALTER TABLE payment_events ADD COLUMN converted bigint NOT NULL DEFAULT 0;
ALTER TABLE payment_operations ADD COLUMN to_credit boolean NOT NULL DEFAULT false;
ALTER TABLE payment_operations ADD COLUMN credit_expires_at timestamptz;

-- +goose Down
ALTER TABLE payment_operations DROP COLUMN credit_expires_at, DROP COLUMN to_credit;
ALTER TABLE payment_events DROP COLUMN converted;
ALTER TABLE payments DROP COLUMN converted, DROP COLUMN customer_id;
