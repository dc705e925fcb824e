-- +goose Up
-- The part of a payment that is gift cards and store credit; the rest is the gateway's, and each part keeps its own bounds.
ALTER TABLE payments ADD COLUMN credit bigint NOT NULL DEFAULT 0 CONSTRAINT payments_credit CHECK (credit BETWEEN 0 AND amount);
ALTER TABLE payments ADD COLUMN credit_captured bigint NOT NULL DEFAULT 0 CONSTRAINT payments_credit_captured CHECK (credit_captured BETWEEN 0 AND credit);
ALTER TABLE payments ADD COLUMN credit_refunded bigint NOT NULL DEFAULT 0 CONSTRAINT payments_credit_refunded CHECK (credit_refunded BETWEEN 0 AND credit_captured);
ALTER TABLE payments ADD CONSTRAINT payments_rest_captured CHECK (captured - credit_captured BETWEEN 0 AND greatest(authorised - credit, 0));
ALTER TABLE payments ADD CONSTRAINT payments_rest_refunded CHECK (refunded - credit_refunded BETWEEN 0 AND captured - credit_captured);
ALTER TABLE payment_operations ADD COLUMN credit bigint NOT NULL DEFAULT 0 CONSTRAINT payment_operations_credit CHECK (credit BETWEEN 0 AND amount);
ALTER TABLE payment_events ADD COLUMN credit bigint NOT NULL DEFAULT 0;

-- What a payment uses of a credit. Held is what is reserved still.
CREATE TABLE credit_uses (
    payment_id text    NOT NULL CONSTRAINT credit_uses_payment REFERENCES payments (id),
    credit_id  text    NOT NULL CONSTRAINT credit_uses_credit REFERENCES credits (id),
    number     integer NOT NULL, -- captured and refunded in this order
    currency   text    NOT NULL,
    reserved   bigint  NOT NULL CONSTRAINT credit_uses_reserved CHECK (reserved > 0),
    held       bigint  NOT NULL CONSTRAINT credit_uses_held CHECK (held BETWEEN 0 AND reserved),
    captured   bigint  NOT NULL CONSTRAINT credit_uses_captured CHECK (captured BETWEEN 0 AND reserved),
    refunded   bigint  NOT NULL CONSTRAINT credit_uses_refunded CHECK (refunded BETWEEN 0 AND captured),
    CONSTRAINT credit_uses_once PRIMARY KEY (payment_id, credit_id)
);

-- +goose Down
DROP TABLE credit_uses;
ALTER TABLE payment_events DROP COLUMN credit;
ALTER TABLE payment_operations DROP COLUMN credit;
ALTER TABLE payments DROP CONSTRAINT payments_rest_captured, DROP CONSTRAINT payments_rest_refunded;
ALTER TABLE payments DROP COLUMN credit, DROP COLUMN credit_captured, DROP COLUMN credit_refunded;
