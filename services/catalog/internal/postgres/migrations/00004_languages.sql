-- +goose Up
-- What is translated, by language. Products have theirs in the document; a listing shows titles, and reads no documents.
ALTER TABLE attributes ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';
ALTER TABLE categories ADD COLUMN names jsonb NOT NULL DEFAULT '{}';
ALTER TABLE products ADD COLUMN titles jsonb NOT NULL GENERATED ALWAYS AS (coalesce(nullif(doc -> 'Titles', 'null'), '{}')) STORED;

-- +goose Down
ALTER TABLE products DROP COLUMN titles;
ALTER TABLE categories DROP COLUMN names;
ALTER TABLE attributes DROP COLUMN labels;
