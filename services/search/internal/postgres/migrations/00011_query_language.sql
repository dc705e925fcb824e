-- +goose Up
-- What was searched for is of a language: it is suggested to those who read in it. What was noted before is of none.
ALTER TABLE queries ADD COLUMN language text NOT NULL DEFAULT '';
ALTER TABLE queries DROP CONSTRAINT queries_pkey, ADD PRIMARY KEY (day, words, language);

-- +goose Down
DELETE FROM queries WHERE language <> '';
ALTER TABLE queries DROP CONSTRAINT queries_pkey, ADD PRIMARY KEY (day, words);
ALTER TABLE queries DROP COLUMN language;
