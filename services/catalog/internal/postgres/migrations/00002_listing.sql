-- +goose Up
-- A listing shows one picture of each product. With it beside the document no listing reads the documents, which are a hundred
-- times as large; generated, it is right whichever version of the code writes.
ALTER TABLE products ADD COLUMN image_url text NOT NULL
    GENERATED ALWAYS AS (coalesce(doc #>> '{Images,0,URL}', jsonb_path_query_first(doc, '$.Variants[*].Images[0].URL') #>> '{}', '')) STORED;

-- A listing by price walks this one and stops at the end of its page.
CREATE INDEX sku_prices_by_amount ON sku_prices (currency, amount);

-- +goose Down
DROP INDEX sku_prices_by_amount;
ALTER TABLE products DROP COLUMN image_url;
