-- +goose Up
-- The replica that indexes are made of. Whoever writes holds this row first, to the end of the transaction: so revisions have no gaps and
-- become visible in their order. The epoch tells this database from others; build is raised when all indexes are to be made anew.
CREATE TABLE replica (
    one       boolean     PRIMARY KEY DEFAULT true CONSTRAINT replica_one CHECK (one),
    epoch     uuid        NOT NULL DEFAULT gen_random_uuid(),
    build     bigint      NOT NULL DEFAULT 1,
    revision  bigint      NOT NULL DEFAULT 0,
    terms     bigint      NOT NULL DEFAULT 0, -- raised when attributes or categories change
    filled_at timestamptz                     -- since when nothing is missing of what was told before this service was there
) WITH (fillfactor = 50);
INSERT INTO replica DEFAULT VALUES;

-- doc is the product as its owner told of it last. revision is that of the last change of anything in its document, content that of the
-- last one beside prices, stock and popularity. No document is made for a moment before clock.
CREATE TABLE products (
    id        uuid        PRIMARY KEY,
    published boolean     NOT NULL,
    doc       jsonb       NOT NULL,
    revision  bigint      NOT NULL CONSTRAINT products_revision UNIQUE,
    content   bigint      NOT NULL,
    clock     timestamptz NOT NULL
);

CREATE TABLE variants (
    product_id uuid NOT NULL CONSTRAINT variants_product REFERENCES products (id),
    sku        text NOT NULL,
    PRIMARY KEY (product_id, sku)
);
CREATE INDEX variants_by_sku ON variants (sku);

-- What pricing and inventory told of a SKU, whether there is a product or not. At next_change_at a price begins or ends.
CREATE TABLE skus (
    sku            text   PRIMARY KEY,
    prices         jsonb  NOT NULL DEFAULT '[]',
    available      bigint NOT NULL DEFAULT 0,
    next_change_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX skus_by_next_change ON skus (next_change_at) WHERE next_change_at IS NOT NULL;

CREATE TABLE sold (
    product_id uuid   NOT NULL,
    day        date   NOT NULL,
    pieces     bigint NOT NULL CONSTRAINT sold_pieces CHECK (pieces > 0),
    PRIMARY KEY (product_id, day)
) WITH (fillfactor = 70);
CREATE INDEX sold_by_day ON sold (day);

-- What products were filtered by and where they stood, as last told: a word in an address is looked up here.
CREATE TABLE attributes (
    code  text  PRIMARY KEY,
    label text  NOT NULL,
    type  text  NOT NULL,
    unit  text  NOT NULL,
    hexes jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE categories (
    code text PRIMARY KEY,
    name text NOT NULL,
    slug text NOT NULL
);

-- +goose Down
DROP TABLE categories, attributes, sold, skus, variants, products, replica;
