package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var _ app.AuditLog = (*Store)(nil)

// Audit implements app.AuditLog.
func (s *Store) Audit(ctx context.Context, q app.AuditQuery) ([]app.AuditEntry, error) {
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	where, args := "id < $1", []any{q.Before, q.Limit}
	for column, value := range map[int]string{1: string(q.Kind), 2: q.ID} {
		if value != "" {
			args = append(args, value)
			where += fmt.Sprintf(" AND split_part(entity, '/', %d) = $%d", column, len(args))
		}
	}
	rows, err := s.pool.Query(ctx, `
		SELECT id, at, actor, action, split_part(entity, '/', 1), split_part(entity, '/', 2), version, before, after
		FROM audit_log WHERE `+where+` ORDER BY id DESC LIMIT $2`, args...)
	if err == nil {
		var all []app.AuditEntry
		if all, err = pgx.CollectRows(rows, auditEntry); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("audit log: %w", pg.AsFault(err))
}

func auditEntry(row pgx.CollectableRow) (e app.AuditEntry, err error) {
	var before, after []byte
	if err = row.Scan(&e.Number, &e.At, &e.Actor, &e.Action, &e.Kind, &e.ID, &e.Version, &before, &after); err != nil {
		return e, err
	}
	e.At = e.At.UTC()
	if e.Before, err = settingOf(e.Kind, before); err == nil {
		e.After, err = settingOf(e.Kind, after)
	}
	return e, err
}

// settingOf reads a setting of a kind; nil where there is none.
func settingOf(kind app.SettingKind, doc []byte) (any, error) {
	switch {
	case doc == nil:
		return nil, nil
	case kind == app.SynonymSetting:
		return read[search.Synonym](doc)
	case kind == app.RuleSetting:
		return read[search.Rule](doc)
	case kind == app.RowSetting:
		return read[search.HomeRow](doc)
	}
	return nil, fmt.Errorf("a setting of kind %q", kind)
}

func read[T any](doc []byte) (v T, err error) {
	err = json.Unmarshal(doc, &v)
	return v, err
}
