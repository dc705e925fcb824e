-- +goose Up
-- What the gateway and the bank found out, and the review of a payment.
ALTER TABLE payments ADD COLUMN checks jsonb;
ALTER TABLE payments ADD COLUMN review text NOT NULL DEFAULT '' CONSTRAINT payments_review CHECK (review IN ('', 'pending', 'approved', 'rejected', 'expired', 'needless'));
ALTER TABLE payments ADD COLUMN review_rule text NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN review_until timestamptz CONSTRAINT payments_review_until CHECK ((review_until IS NOT NULL) = (review = 'pending'));
-- Nothing is captured in a review, nor after one that ended badly.
ALTER TABLE payments ADD CONSTRAINT payments_reviewed CHECK (captured = 0 OR review IN ('', 'approved'));
CREATE INDEX payments_in_review ON payments (review_until) WHERE review = 'pending';
CREATE INDEX payments_review_refused ON payments (updated_at) WHERE review IN ('rejected', 'expired') AND status = 'authorised';
ALTER TABLE payment_events ADD COLUMN checks jsonb;
ALTER TABLE payment_events ADD COLUMN review_until timestamptz;

-- Attempts by what they share, as hashes, for the rules that count them.
CREATE TABLE risk_attempts (
    key        text        NOT NULL CONSTRAINT risk_attempts_key CHECK (key IN ('order', 'customer', 'email', 'ip', 'instrument')),
    hash       bytea       NOT NULL,
    payment_id text        NOT NULL,
    at         timestamptz NOT NULL,
    CONSTRAINT risk_attempts_once PRIMARY KEY (key, hash, payment_id)
);
CREATE INDEX risk_attempts_of_payment ON risk_attempts (payment_id);
CREATE INDEX risk_attempts_by_time ON risk_attempts (at);

-- +goose Down
DROP TABLE risk_attempts;
ALTER TABLE payment_events DROP COLUMN checks, DROP COLUMN review_until;
ALTER TABLE payments DROP COLUMN checks, DROP COLUMN review_until, DROP COLUMN review_rule, DROP COLUMN review;
