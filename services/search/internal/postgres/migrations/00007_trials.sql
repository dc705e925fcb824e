-- +goose Up
-- Who met which test of rules, and what he did from then on. Visitors are random names.
CREATE TABLE trial_visitors (
    test    text        NOT NULL,
    visitor text        NOT NULL,
    place   smallint    NOT NULL CONSTRAINT trial_visitors_place CHECK (place BETWEEN 0 AND 99),
    met_at  timestamptz NOT NULL,
    viewed  boolean     NOT NULL DEFAULT false,
    carted  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (visitor, test)
) WITH (fillfactor = 70);
CREATE INDEX trial_visitors_met ON trial_visitors (met_at);

-- Orders of visitors who had met a test. The order's own service knows what became of them.
CREATE TABLE trial_orders (
    order_id  text        NOT NULL PRIMARY KEY,
    visitor   text        NOT NULL,
    currency  text        NOT NULL,
    minor     bigint      NOT NULL CONSTRAINT trial_orders_minor CHECK (minor >= 0),
    placed_at timestamptz NOT NULL
);
CREATE INDEX trial_orders_visitor ON trial_orders (visitor);
CREATE INDEX trial_orders_placed ON trial_orders (placed_at);

-- +goose Down
DROP TABLE trial_orders;
DROP TABLE trial_visitors;
