-- +goose Up
CREATE TABLE inbox (
    consumer text        NOT NULL,
    event_id text        NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_seen_at ON inbox (seen_at);

CREATE TABLE inbox_sequences (
    consumer   text        NOT NULL,
    subject    text        NOT NULL,
    sequence   bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_sequences_pkey PRIMARY KEY (consumer, subject)
) WITH (fillfactor = 80);

-- +goose Down
DROP TABLE inbox_sequences;
DROP TABLE inbox;
