-- +goose Up
-- What was searched for, by day: how often, and how many products the last one found.
CREATE TABLE queries (
    day   date   NOT NULL,
    words text   NOT NULL,
    asked bigint NOT NULL CONSTRAINT queries_asked CHECK (asked > 0),
    found bigint NOT NULL,
    PRIMARY KEY (day, words)
) WITH (fillfactor = 70);

-- +goose Down
DROP TABLE queries;
