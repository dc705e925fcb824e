-- +goose Up
-- The fold of payment_events, guarded by its version.
CREATE TABLE payments (
    id             text        CONSTRAINT payments_once PRIMARY KEY,
    order_id       text        NOT NULL,
    attempt        integer     NOT NULL CONSTRAINT payments_attempt CHECK (attempt > 0),
    provider       text        NOT NULL,
    account        text        NOT NULL,
    currency       text        NOT NULL,
    amount         bigint      NOT NULL CONSTRAINT payments_amount CHECK (amount > 0),
    status         text        NOT NULL,
    authorised     bigint      NOT NULL CONSTRAINT payments_authorised CHECK (authorised >= 0),
    captured       bigint      NOT NULL CONSTRAINT payments_captured CHECK (captured BETWEEN 0 AND authorised),
    refunded       bigint      NOT NULL CONSTRAINT payments_refunded CHECK (refunded BETWEEN 0 AND captured),
    transaction_id text        NOT NULL,
    live_operation text        NOT NULL, -- the one operation without an answer, or ''
    version        bigint      NOT NULL CONSTRAINT payments_version CHECK (version > 0),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT payments_order_attempt UNIQUE (order_id, attempt)
);
CREATE INDEX payments_held ON payments (status, updated_at) WHERE status IN ('authorised', 'captured');
CREATE INDEX payments_by_time ON payments (created_at DESC, id DESC);

CREATE TABLE payment_events (
    payment_id     text        NOT NULL CONSTRAINT payment_events_payment REFERENCES payments (id),
    version        bigint      NOT NULL,
    type           text        NOT NULL,
    operation_id   text        NOT NULL,
    currency       text        NOT NULL,
    amount         bigint      NOT NULL,
    transaction_id text        NOT NULL,
    code           text        NOT NULL,
    detail         text        NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT payment_events_once PRIMARY KEY (payment_id, version)
);

-- +goose StatementBegin
CREATE FUNCTION payment_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payment_events is append-only' USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER payment_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_events
    FOR EACH STATEMENT EXECUTE FUNCTION payment_events_are_kept();

-- One row an operation, written before the gateway hears of it. result 'pending' means that nobody knows what became of it.
-- due_at is when the look-up worker takes it; stamp counts the leases, so that one who lost his cannot write.
CREATE TABLE payment_operations (
    operation_id   text        CONSTRAINT payment_operations_once PRIMARY KEY,
    payment_id     text        NOT NULL CONSTRAINT payment_operations_payment REFERENCES payments (id),
    kind           text        NOT NULL CONSTRAINT payment_operations_kind CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
    currency       text        NOT NULL,
    amount         bigint      NOT NULL,
    result         text        NOT NULL,
    answer_amount  bigint      NOT NULL,
    transaction_id text        NOT NULL DEFAULT '',
    code           text        NOT NULL DEFAULT '',
    retryable      boolean     NOT NULL DEFAULT false,
    message        text        NOT NULL DEFAULT '',
    reason         text        NOT NULL,
    actor          text        NOT NULL,
    request_hash   bytea,
    created_at     timestamptz NOT NULL,
    answered_at    timestamptz,
    sent_at        timestamptz,
    due_at         timestamptz,
    lease_until    timestamptz,
    stamp          bigint      NOT NULL,
    tries          integer     NOT NULL,
    CONSTRAINT payment_operations_answered CHECK ((result = 'pending') = (answered_at IS NULL))
);
CREATE UNIQUE INDEX payment_operations_one_live ON payment_operations (payment_id) WHERE result = 'pending';
CREATE INDEX payment_operations_due ON payment_operations (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE audit_log (
    id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text        NOT NULL,
    action text        NOT NULL,
    entity text        NOT NULL,
    before jsonb,
    after  jsonb
);

-- +goose Down
DROP TABLE audit_log, payment_operations, payment_events, payments;
DROP FUNCTION payment_events_are_kept;
