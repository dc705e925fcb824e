-- +goose Up
-- What we know of the payment methods that customers have left at the gateway. The id is the gateway's token, drawn here before the
-- gateway hears of it. A method is usable while it is 'stored' alone.
CREATE TABLE payment_methods (
    id           text        CONSTRAINT payment_methods_once PRIMARY KEY,
    customer_id  text        NOT NULL,
    status       text        NOT NULL CONSTRAINT payment_methods_status CHECK (status IN ('pending', 'stored', 'refused', 'deleting', 'deleted')),
    type         text        NOT NULL DEFAULT '',
    brand        text        NOT NULL DEFAULT '',
    last4        text        NOT NULL DEFAULT '' CONSTRAINT payment_methods_last4 CHECK (length(last4) <= 4),
    expiry       text        NOT NULL DEFAULT '', -- 2030-12
    account      text        NOT NULL DEFAULT '', -- of a wallet: whom it shows
    is_default   boolean     NOT NULL DEFAULT false CONSTRAINT payment_methods_default CHECK (NOT is_default OR status = 'stored'),
    wants_default boolean    NOT NULL,
    request_hash bytea,
    code         text        NOT NULL DEFAULT '', -- why it was refused
    lease_until  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX payment_methods_one_default ON payment_methods (customer_id) WHERE is_default;
CREATE INDEX payment_methods_of_customer ON payment_methods (customer_id, created_at) WHERE status = 'stored';
CREATE INDEX payment_methods_deleting ON payment_methods (updated_at) WHERE status = 'deleting';

-- +goose Down
DROP TABLE payment_methods;
