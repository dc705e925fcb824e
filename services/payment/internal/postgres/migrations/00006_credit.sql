-- +goose Up
-- Gift cards and store credit: what the shop owes in goods. Balance and held are the sums of credit_ledger. Of a code only the hash is kept.
CREATE TABLE credits (
    id           text        CONSTRAINT credits_once PRIMARY KEY,
    kind         text        NOT NULL CONSTRAINT credits_kind CHECK (kind IN ('gift_card', 'store_credit')),
    code_hash    bytea       CONSTRAINT credits_code UNIQUE,
    code_end     text        NOT NULL,
    customer_id  text        NOT NULL,
    currency     text        NOT NULL,
    balance      bigint      NOT NULL CONSTRAINT credits_balance CHECK (balance >= 0),
    held         bigint      NOT NULL CONSTRAINT credits_held CHECK (held >= 0),
    expires_at   timestamptz,
    request_hash bytea,
    version      bigint      NOT NULL CONSTRAINT credits_version CHECK (version > 0),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT credits_owner CHECK (kind = 'gift_card' AND code_hash IS NOT NULL AND customer_id = '' OR kind = 'store_credit' AND code_hash IS NULL AND customer_id <> '')
);
CREATE INDEX credits_of_customer ON credits (customer_id, currency) WHERE kind = 'store_credit';
CREATE INDEX credits_expiring ON credits (expires_at) WHERE balance > 0;
CREATE INDEX credits_by_time ON credits (created_at DESC, id DESC);

CREATE TABLE credit_ledger (
    credit_id    text        NOT NULL CONSTRAINT credit_ledger_credit REFERENCES credits (id),
    version      bigint      NOT NULL,
    type         text        NOT NULL CONSTRAINT credit_ledger_type CHECK (type IN ('issued', 'adjusted', 'expired', 'reserved', 'released', 'captured', 'refunded')),
    operation_id text        NOT NULL,
    payment_id   text        NOT NULL,
    currency     text        NOT NULL,
    amount       bigint      NOT NULL, -- change of the balance
    held         bigint      NOT NULL, -- change of what is held
    balance      bigint      NOT NULL, -- afterwards
    reason       text        NOT NULL,
    actor        text        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT credit_ledger_order PRIMARY KEY (credit_id, version),
    CONSTRAINT credit_ledger_once UNIQUE (credit_id, operation_id, type)
);

-- +goose StatementBegin
CREATE FUNCTION credit_ledger_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credit_ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER credit_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION credit_ledger_is_kept();

-- +goose Down
DROP TABLE credit_ledger, credits;
DROP FUNCTION credit_ledger_is_kept;
