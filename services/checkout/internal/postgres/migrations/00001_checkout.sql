-- +goose Up
CREATE TABLE checkouts (
    id               text        PRIMARY KEY,
    cart_id          text        NOT NULL,
    order_id         text        NOT NULL CONSTRAINT checkouts_order UNIQUE,
    status           text        NOT NULL CONSTRAINT checkouts_status CHECK (status IN ('open', 'completing', 'completed', 'expired', 'cancelled')),
    version          bigint      NOT NULL CONSTRAINT checkouts_version CHECK (version > 0),
    attempt          integer     NOT NULL CONSTRAINT checkouts_attempt CHECK (attempt >= 0),
    cart_version     bigint      NOT NULL,
    currency         text        NOT NULL,
    country          text        NOT NULL,
    customer_id      text        NOT NULL,
    email            text        NOT NULL,
    shipping_address jsonb,
    billing_address  jsonb,
    option_id        text        NOT NULL,
    note             text        NOT NULL,
    quote            jsonb       NOT NULL,
    hold_status      text        NOT NULL CONSTRAINT checkouts_hold_status CHECK (hold_status IN ('held', 'expired', 'released')),
    hold_until       timestamptz NOT NULL,
    completing_at    timestamptz,
    order_number     text        NOT NULL,
    access_token     text        NOT NULL,
    loose            boolean     NOT NULL,
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT checkouts_completing CHECK ((status = 'completing') = (completing_at IS NOT NULL)),
    CONSTRAINT checkouts_completed CHECK (status <> 'completed' OR order_number <> '')
);
-- One cart has one checkout at a time.
CREATE UNIQUE INDEX checkouts_cart_live ON checkouts (cart_id) WHERE status IN ('open', 'completing');
CREATE INDEX checkouts_cart ON checkouts (cart_id) WHERE status IN ('open', 'completing', 'completed');
CREATE INDEX checkouts_due ON checkouts (expires_at) WHERE status IN ('open', 'completing');
CREATE INDEX checkouts_loose ON checkouts (updated_at) WHERE loose;

-- +goose Down
DROP TABLE checkouts;
