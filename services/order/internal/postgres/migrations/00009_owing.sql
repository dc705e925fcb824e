-- +goose Up
-- What edits made orders cost less is owed until it went back, not only until the edit is over.
UPDATE orders SET owing = least(reduced, (refunds->-1#>>'{amount,amount}')::bigint)
WHERE refunds->-1->>'status' IN ('pending', 'refused') AND refunds->-1 ? 'edit';
CREATE INDEX orders_owing ON orders (id) WHERE owing > 0;
DROP INDEX orders_refused;

-- +goose Down
CREATE INDEX orders_refused ON orders (id) WHERE refunds->-1->>'status' = 'refused' AND refunds->-1 ? 'edit';
DROP INDEX orders_owing;
UPDATE orders SET owing = 0 WHERE edit = '';
