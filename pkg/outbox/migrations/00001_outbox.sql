-- +goose Up
CREATE TABLE outbox (
    id          uuid        NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
    position    bigint      NOT NULL GENERATED ALWAYS AS IDENTITY, -- drawn under the lock of the aggregate's sequence: in its order
    topic       text        NOT NULL,
    type        text        NOT NULL,
    subject     text        NOT NULL,
    sequence    bigint      NOT NULL CONSTRAINT outbox_sequence_positive CHECK (sequence > 0),
    data        jsonb       NOT NULL CONSTRAINT outbox_data_object CHECK (jsonb_typeof(data) = 'object'),
    traceparent text        NOT NULL,
    time        timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at     timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE INDEX outbox_unsent ON outbox (topic, position) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- The highest sequence given to an aggregate. Its row is locked from Append to the end of the transaction.
CREATE TABLE outbox_sequences (
    topic   text   NOT NULL,
    subject text   NOT NULL,
    last    bigint NOT NULL,
    CONSTRAINT outbox_sequences_pkey PRIMARY KEY (topic, subject)
) WITH (fillfactor = 80);

-- One row: which relay publishes. The stamp grows with each change of hands.
CREATE TABLE outbox_lease (
    one    boolean     NOT NULL DEFAULT true CONSTRAINT outbox_lease_pkey PRIMARY KEY CONSTRAINT outbox_lease_one CHECK (one),
    holder text        NOT NULL,
    stamp  bigint      NOT NULL,
    until  timestamptz NOT NULL
);
INSERT INTO outbox_lease (holder, stamp, until) VALUES ('', 0, '-infinity');

-- +goose Down
DROP TABLE outbox_lease;
DROP TABLE outbox_sequences;
DROP TABLE outbox;
