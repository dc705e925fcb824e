-- +goose Up
-- One row per cart: which version its log has, what the abandonment job looks for, and now and then a snapshot, so that a long
-- log need not be folded from its beginning.
CREATE TABLE carts (
    id                text        NOT NULL CONSTRAINT carts_pkey PRIMARY KEY CONSTRAINT carts_id CHECK (id ~ '^[0-9a-f]{32}$'),
    version           bigint      NOT NULL CONSTRAINT carts_version CHECK (version >= 1),
    status            text        NOT NULL CONSTRAINT carts_status CHECK (status IN ('open', 'completed', 'merged')),
    line_count        integer     NOT NULL CONSTRAINT carts_line_count CHECK (line_count BETWEEN 0 AND 500),
    total             bigint      NOT NULL, -- of the quote of this version, minor units
    updated_at        timestamptz NOT NULL,
    abandoned_version bigint      NOT NULL DEFAULT 0, -- the version that cart.abandoned.v1 told of
    snapshot          json,
    snapshot_version  bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX carts_updated_at ON carts (updated_at);
CREATE INDEX carts_idle ON carts (updated_at, id) WHERE status = 'open' AND line_count > 0 AND abandoned_version < version;

-- Append-only, until the whole cart has expired. json and not jsonb: what a shopper gave as metadata stays as it was.
CREATE TABLE cart_events (
    cart_id text        NOT NULL CONSTRAINT cart_events_cart REFERENCES carts (id) ON DELETE CASCADE,
    version bigint      NOT NULL CONSTRAINT cart_events_version_positive CHECK (version >= 1),
    type    text        NOT NULL,
    data    json        NOT NULL,
    actor   text        NOT NULL,
    at      timestamptz NOT NULL,
    CONSTRAINT cart_events_version PRIMARY KEY (cart_id, version)
);

-- The replica of catalog. version is the product's.
CREATE TABLE sellables (
    sku        text    NOT NULL CONSTRAINT sellables_pkey PRIMARY KEY,
    product_id text    NOT NULL,
    version    bigint  NOT NULL,
    title      text    NOT NULL,
    image_url  text    NOT NULL,
    sellable   boolean NOT NULL
);
CREATE INDEX sellables_product ON sellables (product_id);

-- The replica of inventory. sequence is the event's.
CREATE TABLE levels (
    sku       text   NOT NULL CONSTRAINT levels_pkey PRIMARY KEY,
    sequence  bigint NOT NULL,
    available bigint NOT NULL
) WITH (fillfactor = 80);

-- +goose Down
DROP TABLE levels, sellables, cart_events, carts;
