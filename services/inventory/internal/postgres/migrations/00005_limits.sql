-- +goose Up
-- How many pieces one customer may have in a sale window; NULL: any number. A window without an end is open there.
ALTER TABLE sku_rules
    ADD COLUMN per_customer bigint CONSTRAINT sku_rules_per_customer CHECK (per_customer > 0),
    ADD COLUMN sale_from    timestamptz,
    ADD COLUMN sale_until   timestamptz,
    ADD CONSTRAINT sku_rules_sale CHECK (sale_from IS NULL OR sale_until IS NULL OR sale_from < sale_until);
CREATE INDEX sku_rules_limited ON sku_rules (sku) WHERE per_customer IS NOT NULL;

-- What customers have had of limited SKUs; that of released allocations does not count. A customer is the hash of what the caller knows.
CREATE TABLE customer_takes (
    allocation_id text        NOT NULL,
    sku           text        NOT NULL,
    customer      bytea       NOT NULL,
    at            timestamptz NOT NULL,
    quantity      bigint      NOT NULL CONSTRAINT customer_takes_quantity CHECK (quantity > 0),
    CONSTRAINT customer_takes_pkey PRIMARY KEY (allocation_id, sku)
);
CREATE INDEX customer_takes_by_customer ON customer_takes (sku, customer, at);

-- +goose Down
DROP TABLE customer_takes;
DROP INDEX sku_rules_limited;
ALTER TABLE sku_rules DROP COLUMN per_customer, DROP COLUMN sale_from, DROP COLUMN sale_until;
