-- +goose Up
-- Whether each capture of a payment is a transaction of its own.
ALTER TABLE payments ADD COLUMN split boolean NOT NULL DEFAULT false;

-- What was captured of an authorisation by itself, as for each shipment of an order: a transaction of its own at the gateway.
CREATE TABLE payment_parts (
    payment_id     text    NOT NULL CONSTRAINT payment_parts_payment REFERENCES payments (id),
    number         integer NOT NULL CONSTRAINT payment_parts_number CHECK (number > 0),
    transaction_id text    NOT NULL CONSTRAINT payment_parts_transaction UNIQUE CHECK (transaction_id <> ''),
    operation_id   text    NOT NULL CONSTRAINT payment_parts_operation UNIQUE REFERENCES payment_operations (operation_id),
    status         text    NOT NULL CONSTRAINT payment_parts_status CHECK (status IN ('captured', 'settled', 'settlement_declined', 'voided')),
    currency       text    NOT NULL,
    amount         bigint  NOT NULL CONSTRAINT payment_parts_amount CHECK (amount > 0),
    refunded       bigint  NOT NULL CONSTRAINT payment_parts_refunded CHECK (refunded BETWEEN 0 AND amount),
    refund_ids     text[]  NOT NULL,
    CONSTRAINT payment_parts_once PRIMARY KEY (payment_id, number),
    CONSTRAINT payment_parts_unpaid CHECK (status <> 'settlement_declined' OR refunded = 0)
);

-- Whether other captures may follow, which part an operation has got to, and what of which part went back.
ALTER TABLE payment_operations ADD COLUMN more boolean NOT NULL DEFAULT false;
ALTER TABLE payment_operations ADD COLUMN asked text NOT NULL DEFAULT ''; -- the transaction that the last try was about
ALTER TABLE payment_events ADD COLUMN more boolean NOT NULL DEFAULT false;
ALTER TABLE payment_events ADD COLUMN parts jsonb;
DROP INDEX payments_held;
CREATE INDEX payments_held ON payments (status, updated_at) WHERE status IN ('authorised', 'partially_captured', 'captured');

-- +goose Down
DROP INDEX payments_held;
CREATE INDEX payments_held ON payments (status, updated_at) WHERE status IN ('authorised', 'captured');
ALTER TABLE payment_events DROP COLUMN more, DROP COLUMN parts;
ALTER TABLE payment_operations DROP COLUMN more, DROP COLUMN asked;
DROP TABLE payment_parts;
ALTER TABLE payments DROP COLUMN split;
