-- +goose Up
-- The rows of the home page, settings as synonyms and rules are.
CREATE TABLE home_rows (
    id         text        PRIMARY KEY,
    doc        jsonb       NOT NULL,
    version    bigint      NOT NULL,
    updated_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE home_rows;
