-- +goose Up
-- Lists and tax rates are few and read by every quote: services keep them in memory and compare this version in the same
-- statement that loads the prices.
CREATE TABLE settings_version (
    one     boolean PRIMARY KEY DEFAULT true CONSTRAINT settings_version_one CHECK (one),
    version bigint  NOT NULL
);
INSERT INTO settings_version (version) VALUES (1);

CREATE TABLE price_lists (
    id             text        PRIMARY KEY,
    name           text        NOT NULL,
    currency       text        NOT NULL,
    tax_included   boolean     NOT NULL,
    channel        text        NOT NULL DEFAULT '',
    customer_group text        NOT NULL DEFAULT '',
    countries      text[]      NOT NULL DEFAULT '{}',
    priority       integer     NOT NULL DEFAULT 0,
    valid_from     timestamptz,
    valid_to       timestamptz,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT price_lists_window CHECK (valid_from < valid_to)
);

CREATE TABLE prices (
    list_id      text        NOT NULL CONSTRAINT prices_list REFERENCES price_lists (id),
    sku          text        NOT NULL,
    currency     text        NOT NULL,
    amount       bigint      NOT NULL CONSTRAINT prices_amount CHECK (amount >= 0),
    compare_at   bigint      CONSTRAINT prices_compare_at CHECK (compare_at >= 0),
    min_quantity bigint      NOT NULL CONSTRAINT prices_min_quantity CHECK (min_quantity >= 1),
    valid_from   timestamptz,
    valid_to     timestamptz,
    CONSTRAINT prices_row UNIQUE NULLS NOT DISTINCT (sku, currency, list_id, min_quantity, valid_from),
    CONSTRAINT prices_window CHECK (valid_from < valid_to)
);
CREATE INDEX prices_by_list ON prices (list_id, sku);

CREATE TABLE tax_rates (
    country      text    NOT NULL,
    region       text    NOT NULL,
    tax_category text    NOT NULL,
    rate_bp      bigint  NOT NULL CONSTRAINT tax_rates_bp CHECK (rate_bp BETWEEN 0 AND 10000),
    rounding     text    NOT NULL,
    PRIMARY KEY (country, region, tax_category)
);

CREATE TABLE coupons (
    code        text        PRIMARY KEY,
    label       text        NOT NULL,
    kind        text        NOT NULL CONSTRAINT coupons_kind CHECK (kind IN ('percentage', 'fixed')),
    percent_bp  bigint      NOT NULL CONSTRAINT coupons_percent CHECK (percent_bp BETWEEN 0 AND 10000),
    amounts     jsonb       NOT NULL,
    min_totals  jsonb       NOT NULL,
    valid_from  timestamptz,
    valid_to    timestamptz,
    usage_limit bigint      NOT NULL CONSTRAINT coupons_limit CHECK (usage_limit >= 0),
    used        bigint      NOT NULL DEFAULT 0 CONSTRAINT coupons_used CHECK (used >= 0),
    enabled     boolean     NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- The replica of catalog: which tax category a SKU has.
CREATE TABLE sku_taxes (
    sku          text   PRIMARY KEY,
    product_id   text   NOT NULL,
    tax_category text   NOT NULL
);
CREATE INDEX sku_taxes_by_product ON sku_taxes (product_id);

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
DROP TABLE audit_log, sku_taxes, coupons, tax_rates, prices, price_lists, settings_version;
