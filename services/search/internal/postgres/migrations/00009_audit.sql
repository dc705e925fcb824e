-- +goose Up
-- Staff read who changed which setting. Each change raised the version by one, in the order of its entries.
ALTER TABLE audit_log ADD COLUMN version bigint NOT NULL DEFAULT 0;
UPDATE audit_log a SET version = n.version FROM (SELECT id, row_number() OVER (ORDER BY id) AS version FROM audit_log) AS n WHERE n.id = a.id;
CREATE INDEX audit_log_entity ON audit_log (split_part(entity, '/', 2), id);

-- +goose Down
DROP INDEX audit_log_entity;
ALTER TABLE audit_log DROP COLUMN version;
