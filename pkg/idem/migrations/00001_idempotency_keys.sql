-- +goose Up
CREATE TABLE idempotency_keys (
    scope      text        NOT NULL,
    key        text        NOT NULL,
    hash       bytea       NOT NULL CONSTRAINT idempotency_keys_hash_sha256 CHECK (length(hash) = 32),
    ref        text        NOT NULL DEFAULT '',
    answer     json, -- NULL: started; json and not jsonb, so that a replay is the same text
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys;
