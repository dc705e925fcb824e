-- +goose Up
-- The registry is small and read by everything: services keep it in memory and compare this version in the statement that
-- reads products. Writers of the registry and of products hold the row, so they come one after the other.
CREATE TABLE registry_version (
    one     boolean PRIMARY KEY DEFAULT true CONSTRAINT registry_version_one CHECK (one),
    version bigint  NOT NULL
);
INSERT INTO registry_version (version) VALUES (1);

CREATE TABLE attributes (
    code       text        PRIMARY KEY,
    label      text        NOT NULL,
    type       text        NOT NULL CONSTRAINT attributes_type CHECK (type IN ('text', 'integer', 'decimal', 'boolean', 'enum', 'multi_enum', 'date', 'colour')),
    unit       text        NOT NULL DEFAULT '',
    choices    jsonb       NOT NULL DEFAULT '[]',
    min        text        NOT NULL DEFAULT '',
    max        text        NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL
);

CREATE TABLE categories (
    code        text        PRIMARY KEY,
    name        text        NOT NULL,
    slug        text        NOT NULL CONSTRAINT categories_slug UNIQUE,
    parent_code text        CONSTRAINT categories_parent REFERENCES categories (code),
    position    integer     NOT NULL DEFAULT 0,
    rules       jsonb       NOT NULL DEFAULT '[]',
    updated_at  timestamptz NOT NULL
);

CREATE TABLE brands (
    code       text        PRIMARY KEY,
    name       text        NOT NULL,
    updated_at timestamptz NOT NULL
);

-- doc is the product as it was written, in normal form; the columns beside it are what is searched by.
CREATE TABLE products (
    id            uuid        PRIMARY KEY,
    external_id   text        CONSTRAINT products_external_id UNIQUE,
    slug          text        NOT NULL,
    title         text        NOT NULL,
    brand_code    text        CONSTRAINT products_brand REFERENCES brands (code),
    category_code text        NOT NULL CONSTRAINT products_category REFERENCES categories (code),
    status        text        NOT NULL CONSTRAINT products_status CHECK (status IN ('draft', 'published', 'archived')),
    popularity    bigint      NOT NULL CONSTRAINT products_popularity CHECK (popularity >= 0),
    attributes    jsonb       NOT NULL,
    doc           jsonb       NOT NULL,
    version       bigint      NOT NULL CONSTRAINT products_version CHECK (version >= 1),
    content_hash  bytea       NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    published_at  timestamptz
);
CREATE INDEX products_by_category ON products (category_code, status);
CREATE INDEX products_by_popularity ON products (popularity DESC, id DESC) WHERE status = 'published';
CREATE INDEX products_by_newest ON products (published_at DESC, id DESC) WHERE status = 'published';
CREATE INDEX products_by_attributes ON products USING gin (attributes jsonb_path_ops);

-- Every slug that a product ever had; the one in products is its present one.
CREATE TABLE product_slugs (
    slug       text NOT NULL CONSTRAINT product_slugs_slug PRIMARY KEY,
    product_id uuid NOT NULL CONSTRAINT product_slugs_product REFERENCES products (id)
);
CREATE INDEX product_slugs_by_product ON product_slugs (product_id);

CREATE TABLE variants (
    sku        text    NOT NULL CONSTRAINT variants_sku PRIMARY KEY,
    product_id uuid    NOT NULL CONSTRAINT variants_product REFERENCES products (id),
    position   integer NOT NULL,
    attributes jsonb   NOT NULL
);
CREATE INDEX variants_by_product ON variants (product_id, position);
CREATE INDEX variants_by_attributes ON variants USING gin (attributes jsonb_path_ops);

-- The replica of pricing: rows that anybody gets for one piece.
CREATE TABLE sku_prices (
    sku        text    NOT NULL,
    currency   text    NOT NULL,
    list_id    text    NOT NULL,
    amount     bigint  NOT NULL,
    compare_at bigint,
    countries  text[]  NOT NULL,
    priority   integer NOT NULL,
    valid_from timestamptz,
    valid_to   timestamptz
);
CREATE INDEX sku_prices_by_sku ON sku_prices (sku, currency);

-- The replica of inventory: what can be sold, holds not counted.
CREATE TABLE sku_levels (
    sku       text   PRIMARY KEY,
    available bigint NOT NULL
);

-- Rows of a source that are no product. source and errors are json, not jsonb: they are kept as they came.
CREATE TABLE migration_exceptions (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id   text        NOT NULL,
    row_number  bigint      NOT NULL,
    source      json,
    errors      json        NOT NULL,
    noted_at    timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT migration_exceptions_row UNIQUE (import_id, row_number)
);

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
DROP TABLE audit_log, migration_exceptions, sku_levels, sku_prices, variants, product_slugs, products, brands, categories, attributes,
    registry_version;
