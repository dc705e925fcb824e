-- +goose Up
-- Orders whose last refund was of an edit, and was refused: the difference is still to be given back. Few, and no order that is not edited touches it.
CREATE INDEX orders_refused ON orders (id) WHERE refunds->-1->>'status' = 'refused' AND refunds->-1 ? 'edit';

-- +goose Down
DROP INDEX orders_refused;
