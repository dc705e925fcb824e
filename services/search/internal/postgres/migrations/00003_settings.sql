-- +goose Up
-- What merchandisers say: synonyms and rules. Whoever changes them holds the row settings_version to the end of the transaction, and takes
-- the next version: that is what processes compare with what they have in memory.
CREATE TABLE settings_version (
    one     boolean PRIMARY KEY DEFAULT true CONSTRAINT settings_version_one CHECK (one),
    version bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO settings_version DEFAULT VALUES;

CREATE TABLE synonyms (
    id         text        PRIMARY KEY,
    doc        jsonb       NOT NULL,
    version    bigint      NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE rules (
    id         text        PRIMARY KEY,
    doc        jsonb       NOT NULL,
    version    bigint      NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE audit_log (
    id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text        NOT NULL,
    action text        NOT NULL,
    entity text        NOT NULL,
    before jsonb,
    after  jsonb
);

-- A rule for a category holds below it.
ALTER TABLE categories ADD COLUMN parent text NOT NULL DEFAULT '';
UPDATE categories c SET parent = coalesce(p.doc -> 'Path' -> (e.n::int - 2) ->> 'Value', '')
FROM products p, jsonb_array_elements(CASE jsonb_typeof(p.doc -> 'Path') WHEN 'array' THEN p.doc -> 'Path' ELSE '[]' END) WITH ORDINALITY AS e (step, n)
WHERE e.n > 1 AND e.step ->> 'Value' = c.code;

-- +goose Down
ALTER TABLE categories DROP COLUMN parent;
DROP TABLE audit_log, rules, synonyms, settings_version;
