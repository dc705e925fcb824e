-- +goose Up
-- What was taken in last of a subject, where its source tells a digest: what another version of the source says has another one.
CREATE TABLE digests (
    consumer text NOT NULL,
    subject  text NOT NULL,
    digest   text NOT NULL,
    PRIMARY KEY (consumer, subject)
);

-- +goose Down
DROP TABLE digests;
