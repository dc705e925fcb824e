-- +goose Up
-- What one piece weighs, in grams; 0: not known. Rows from before learn it from the next event of their product.
ALTER TABLE sellables ADD COLUMN weight_grams bigint NOT NULL DEFAULT 0 CONSTRAINT sellables_weight CHECK (weight_grams >= 0);

-- +goose Down
ALTER TABLE sellables DROP COLUMN weight_grams;
