-- +goose Up
CREATE SEQUENCE order_numbers;

CREATE TABLE orders (
    id                text        PRIMARY KEY,
    number            text        CONSTRAINT orders_number UNIQUE,
    checkout_id       text        NOT NULL CONSTRAINT orders_checkout UNIQUE,
    cart_id           text        NOT NULL,
    customer_id       text        NOT NULL DEFAULT '',
    state             text        NOT NULL,
    machine_version   integer     NOT NULL,
    version           bigint      NOT NULL CONSTRAINT orders_version CHECK (version > 0),
    attempt           integer     NOT NULL CONSTRAINT orders_attempt CHECK (attempt > 0),
    currency          text        NOT NULL,
    total             bigint      NOT NULL CONSTRAINT orders_total CHECK (total >= 0),
    captured          bigint      NOT NULL CONSTRAINT orders_captured CHECK (captured BETWEEN 0 AND total),
    returned          bigint      NOT NULL CONSTRAINT orders_returned CHECK (returned BETWEEN 0 AND captured),
    outcome           jsonb       NOT NULL,
    cancel_reason     text        NOT NULL DEFAULT '',
    abandon_requested boolean     NOT NULL DEFAULT false,
    access_token      text        NOT NULL,
    snapshot          jsonb       NOT NULL,
    parts             jsonb       NOT NULL,
    placed_at         timestamptz,
    captured_at       timestamptz,
    cancelled_at      timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT orders_number_when_placed CHECK ((number IS NULL) = (placed_at IS NULL))
);
-- I3: one cart, one order that was placed.
CREATE UNIQUE INDEX orders_cart_placed ON orders (cart_id) WHERE placed_at IS NOT NULL;
CREATE INDEX orders_by_placed_at ON orders (placed_at DESC, id DESC) WHERE placed_at IS NOT NULL;
CREATE INDEX orders_unfinished ON orders (updated_at) WHERE state IN ('authorising', 'allocating', 'freeing', 'undoing', 'placed', 'returning_money', 'releasing');

CREATE TABLE order_events (
    order_id   text        NOT NULL,
    version    bigint      NOT NULL,
    at         timestamptz NOT NULL,
    transition text        NOT NULL,
    event      text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    attempt    integer     NOT NULL,
    actor      text        NOT NULL,
    metadata   jsonb       NOT NULL,
    CONSTRAINT order_events_once PRIMARY KEY (order_id, version)
);

-- The one live effect of an order: the only schedule there is. version is the order's when it was scheduled; stamp counts the
-- leases, so that one who lost his cannot answer.
CREATE TABLE order_effects (
    order_id    text        NOT NULL CONSTRAINT order_effects_one_live PRIMARY KEY,
    kind        text        NOT NULL,
    attempt     integer     NOT NULL,
    version     bigint      NOT NULL,
    payment     jsonb,
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    stamp       bigint      NOT NULL,
    tries       integer     NOT NULL
);
CREATE INDEX order_effects_due ON order_effects (due_at);

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
DROP TABLE audit_log, order_effects, order_events, orders;
DROP SEQUENCE order_numbers;
