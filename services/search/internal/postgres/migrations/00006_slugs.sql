-- +goose Up
-- A product is looked up by its slug too.
CREATE INDEX products_by_slug ON products ((doc ->> 'Slug'));

-- +goose Down
DROP INDEX products_by_slug;
