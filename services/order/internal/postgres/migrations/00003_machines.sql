-- +goose Up
-- The state machines that orders are under, with what the file of each said; '' of those that are built in.
CREATE TABLE order_machines (
    version     integer PRIMARY KEY,
    fingerprint text    NOT NULL
);
INSERT INTO order_machines SELECT DISTINCT machine_version, '' FROM orders;

-- States that a merchant's machine adds may wait for an effect too.
DROP INDEX orders_unfinished;
CREATE INDEX orders_unfinished ON orders (updated_at)
    WHERE state NOT IN ('attempt_failed', 'abandoned', 'cancelled', 'confirmed', 'picking', 'shipped', 'delivered', 'returned');

-- +goose Down
DROP INDEX orders_unfinished;
CREATE INDEX orders_unfinished ON orders (updated_at) WHERE state IN ('authorising', 'allocating', 'freeing', 'undoing', 'placed', 'returning_money', 'releasing');
DROP TABLE order_machines;
