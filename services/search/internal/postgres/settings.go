package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

var _ app.SettingsStore = (*Store)(nil)

// SettingsVersion implements app.SettingsStore.
func (s *Store) SettingsVersion(ctx context.Context) (version int64, err error) {
	if err = s.pool.QueryRow(ctx, `SELECT version FROM settings_version`).Scan(&version); err != nil {
		return 0, fmt.Errorf("version of the settings: %w", pg.AsFault(err))
	}
	return version, nil
}

// Settings implements app.SettingsStore.
func (s *Store) Settings(ctx context.Context) (*app.Settings, error) {
	all, err := settings(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", pg.AsFault(err))
	}
	return all, nil
}

// settings reads everything in one statement, and so of one moment.
func settings(ctx context.Context, q pg.Querier) (*app.Settings, error) {
	rows, err := q.Query(ctx, `
		SELECT 'version', '', '{}'::jsonb, version, now() FROM settings_version
		UNION ALL SELECT 'synonym', id, doc, version, updated_at FROM synonyms
		UNION ALL SELECT 'rule', id, doc, version, updated_at FROM rules
		UNION ALL SELECT 'row', id, doc, version, updated_at FROM home_rows`)
	if err != nil {
		return nil, err
	}
	all := &app.Settings{Synonyms: map[string]app.Kept[search.Synonym]{}, Rules: map[string]app.Kept[search.Rule]{}, Rows: map[string]app.Kept[search.HomeRow]{}}
	var kind, id string
	var doc []byte
	var version int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &doc, &version, &at}, func() error {
		switch app.SettingKind(kind) {
		case app.SynonymSetting:
			return keep(all.Synonyms, id, doc, version, at)
		case app.RuleSetting:
			return keep(all.Rules, id, doc, version, at)
		case app.RowSetting:
			return keep(all.Rows, id, doc, version, at)
		default:
			all.Version = version
			return nil
		}
	})
	return all, err
}

func keep[T any](all map[string]app.Kept[T], id string, doc []byte, version int64, at time.Time) error {
	k := app.Kept[T]{Version: version, UpdatedAt: at.UTC()}
	if err := json.Unmarshal(doc, &k.Value); err != nil {
		return fmt.Errorf("setting %s: %w", id, err)
	}
	all[id] = k
	return nil
}

// tables are where settings are kept, all in the same form.
var tables = map[app.SettingKind]string{app.SynonymSetting: "synonyms", app.RuleSetting: "rules", app.RowSetting: "home_rows"}

// ChangeSettings implements app.SettingsStore.
func (s *Store) ChangeSettings(ctx context.Context, by app.By, decide func(now *app.Settings) (*app.Edit, error)) (version int64, err error) {
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT version FROM settings_version FOR UPDATE`).Scan(&version); err != nil {
			return fmt.Errorf("lock the settings: %w", err)
		}
		now, err := settings(ctx, tx)
		if err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		edit, err := decide(now)
		if err != nil || edit == nil {
			return err
		}
		version++
		return write(ctx, tx, by, version, edit)
	})
	if err != nil {
		return 0, fmt.Errorf("change a setting: %w", err)
	}
	return version, nil
}

// write does an edit, with its entry in the audit log and the version.
func write(ctx context.Context, tx *pg.Tx, by app.By, version int64, e *app.Edit) error {
	var batch pgx.Batch
	action := "put"
	if e.After != nil {
		batch.Queue(`INSERT INTO `+tables[e.Kind]+` (id, doc, version, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, version = excluded.version, updated_at = excluded.updated_at`, e.ID, asJSON(e.After, "{}"), version, by.At)
	} else {
		action = "delete"
		batch.Queue(`DELETE FROM `+tables[e.Kind]+` WHERE id = $1`, e.ID)
	}
	batch.Queue(`INSERT INTO audit_log (at, actor, action, entity, version, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		by.At, by.Actor, action, string(e.Kind)+"/"+e.ID, version, e.Before, e.After)
	batch.Queue(`UPDATE settings_version SET version = $1`, version)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("%s %s %s: %w", action, e.Kind, e.ID, err)
	}
	return nil
}
