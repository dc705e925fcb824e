-- +goose Up
-- Who promised to pay by hand, as hashes: how much of that is open is summed over the payments, under a lock for each who.
CREATE TABLE payment_promises (
    key        text  NOT NULL CONSTRAINT payment_promises_key CHECK (key IN ('customer', 'email')),
    hash       bytea NOT NULL,
    payment_id text  NOT NULL CONSTRAINT payment_promises_payment REFERENCES payments (id),
    CONSTRAINT payment_promises_once PRIMARY KEY (key, hash, payment_id)
);

-- +goose Down
DROP TABLE payment_promises;
