-- +goose Up
CREATE TABLE things (
    id   integer NOT NULL CONSTRAINT things_pkey PRIMARY KEY,
    name text    NOT NULL CONSTRAINT things_name_unique UNIQUE,
    n    integer NOT NULL DEFAULT 0 CONSTRAINT things_n_positive CHECK (n >= 0),
    at   timestamptz NOT NULL DEFAULT now()
);
-- +goose Down
DROP TABLE things;
