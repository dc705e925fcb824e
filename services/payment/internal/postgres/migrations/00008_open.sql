-- +goose Up
-- What credit paid of a payment whose bank did not pay is looked for as other money is that nobody may want.
CREATE INDEX payments_unpaid ON payments (updated_at) WHERE status = 'settlement_declined' AND captured > 0;

-- +goose Down
DROP INDEX payments_unpaid;
