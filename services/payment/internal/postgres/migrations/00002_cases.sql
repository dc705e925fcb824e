-- +goose Up
-- The inbox of the gateway's notifications: what it said is its id, so that the same one counts once however often it comes.
CREATE TABLE gateway_notifications (
    id          text        CONSTRAINT gateway_notifications_once PRIMARY KEY,
    kind        text        NOT NULL,
    subject     text        NOT NULL, -- dispute, disbursement or transaction, or ''
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);

-- The fold of dispute_events. payment_id is '' when the transaction is none of ours.
CREATE TABLE disputes (
    id             text        CONSTRAINT disputes_once PRIMARY KEY,
    payment_id     text        NOT NULL,
    transaction_id text        NOT NULL,
    reference      text        NOT NULL,
    account        text        NOT NULL,
    status         text        NOT NULL CONSTRAINT disputes_status CHECK (status IN
        ('open', 'disputed', 'under_review', 'won', 'lost', 'accepted', 'auto_accepted', 'expired')),
    kind           text        NOT NULL,
    reason         text        NOT NULL,
    reason_code    text        NOT NULL,
    case_number    text        NOT NULL,
    currency       text        NOT NULL,
    amount         bigint      NOT NULL CONSTRAINT disputes_amount CHECK (amount >= 0),
    won            bigint      NOT NULL CONSTRAINT disputes_won CHECK (won >= 0),
    reply_by       date,
    opened_at      timestamptz NOT NULL,
    reported_at    timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX disputes_by_time ON disputes (opened_at DESC, id DESC);
CREATE INDEX disputes_of_payment ON disputes (payment_id) WHERE payment_id <> '';
CREATE INDEX payments_transaction ON payments (transaction_id) WHERE transaction_id <> '';

-- What was heard and done about a dispute. source is the notification's id, 'read:…' for what was asked for, or the operation's.
CREATE TABLE dispute_events (
    dispute_id  text        NOT NULL CONSTRAINT dispute_events_dispute REFERENCES disputes (id),
    source      text        NOT NULL,
    type        text        NOT NULL,
    amount      bigint      NOT NULL,
    won         bigint      NOT NULL,
    currency    text        NOT NULL,
    actor       text        NOT NULL,
    detail      text        NOT NULL,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT dispute_events_once PRIMARY KEY (dispute_id, source)
);
CREATE TRIGGER dispute_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispute_events
    FOR EACH STATEMENT EXECUTE FUNCTION payment_events_are_kept();

-- What staff do about disputes, written before the gateway hears of it.
CREATE TABLE dispute_acts (
    operation_id text        CONSTRAINT dispute_acts_once PRIMARY KEY,
    dispute_id   text        NOT NULL CONSTRAINT dispute_acts_dispute REFERENCES disputes (id),
    kind         text        NOT NULL CONSTRAINT dispute_acts_kind CHECK (kind IN ('accept', 'evidence', 'finalize')),
    content      text        NOT NULL,
    category     text        NOT NULL,
    actor        text        NOT NULL,
    request_hash bytea,
    result       text        NOT NULL,
    code         text        NOT NULL DEFAULT '',
    message      text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    answered_at  timestamptz,
    lease_until  timestamptz,
    CONSTRAINT dispute_acts_answered CHECK ((result = 'pending') = (answered_at IS NULL))
);
CREATE INDEX dispute_acts_of_dispute ON dispute_acts (dispute_id, created_at);

CREATE TABLE disbursements (
    id              text        CONSTRAINT disbursements_once PRIMARY KEY,
    account         text        NOT NULL,
    currency        text        NOT NULL,
    amount          bigint      NOT NULL,
    day             date,
    success         boolean     NOT NULL,
    retry           boolean     NOT NULL,
    exception       text        NOT NULL,
    follow_up       text        NOT NULL,
    transaction_ids text[]      NOT NULL,
    notified_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL
);
CREATE INDEX disbursements_by_time ON disbursements (received_at DESC, id DESC);

-- +goose Down
DROP TABLE disbursements, dispute_acts, dispute_events, disputes, gateway_notifications;
DROP INDEX payments_transaction;
