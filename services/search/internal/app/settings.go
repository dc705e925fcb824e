package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// The refusals of settings.
var (
	ErrSynonymNotFound = fault.New(fault.NotFound, "synonym-not-found", "There is no such synonym.")
	ErrRuleNotFound    = fault.New(fault.NotFound, "rule-not-found", "There is no such rule.")
	ErrRowNotFound     = fault.New(fault.NotFound, "row-not-found", "There is no such row.")
	ErrVersion         = fault.New(fault.Precondition, "version-conflict", "It has changed since it was read: read it again.")
)

// Settings are what merchandisers say, all of one version, by their ids.
type Settings struct {
	Version  int64
	Synonyms map[string]Kept[search.Synonym]
	Rules    map[string]Kept[search.Rule]
	Rows     map[string]Kept[search.HomeRow]
}

// Kept is a setting as it is stored. Version is that of the settings with which it was written last.
type Kept[T any] struct {
	Value     T
	Version   int64
	UpdatedAt time.Time
}

// By says who changes something, and when.
type By struct {
	Actor string
	At    time.Time
}

// SettingKind is what a setting is.
type SettingKind string

// The kinds of settings.
const (
	SynonymSetting SettingKind = "synonym"
	RuleSetting    SettingKind = "rule"
	RowSetting     SettingKind = "row"
)

// Edit puts a setting, or takes it out where After is nil.
type Edit struct {
	Kind          SettingKind
	ID            string
	Before, After any
}

// SettingsStore keeps settings.
type SettingsStore interface {
	SettingsVersion(ctx context.Context) (int64, error)
	Settings(ctx context.Context) (*Settings, error)
	// ChangeSettings has decide look at all settings as the one writer, and writes what it wants with its entry in the audit log, under the
	// next version, which it returns. Nothing is written when it wants nothing.
	ChangeSettings(ctx context.Context, by By, decide func(now *Settings) (*Edit, error)) (version int64, err error)
}

// Steering are settings that are ready to be used.
type Steering struct {
	Version  int64
	Synonyms *Synonyms
	Rules    *search.Rules
	Rows     []search.HomeRow
}

// settingsEvery is how old what a process knows of the settings may be.
const settingsEvery = 200 * time.Millisecond

// Merchandising keeps the settings of a process up to date, and changes them.
type Merchandising struct {
	store    SettingsStore
	language string
	stem     func(language string) func(string) string
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex // of Refresh
	current atomic.Pointer[Steering]
}

// NewMerchandising returns merchandising that knows of no settings yet. Language is the shop's, and stem that of words in a language.
func NewMerchandising(store SettingsStore, language string, stem func(language string) func(string) string, now func() time.Time, log *slog.Logger) *Merchandising {
	return &Merchandising{store: store, language: language, stem: stem, now: now, log: log}
}

// Steering returns what holds now; nil before it was read.
func (m *Merchandising) Steering() *Steering { return m.current.Load() }

// Run keeps the settings up to date until ctx ends; while the database is away those of before hold.
func (m *Merchandising) Run(ctx context.Context) error {
	away := false
	for {
		err := m.Refresh(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end, whatever it broke off
		}
		if err != nil && !away {
			m.log.WarnContext(ctx, "synonyms, rules and rows are those of before", "error", err)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settingsEvery):
		}
	}
}

// Refresh reads the settings if there is another version of them.
func (m *Merchandising) Refresh(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	version, err := m.store.SettingsVersion(ctx)
	if err != nil {
		return err
	}
	if have := m.current.Load(); have != nil && have.Version == version {
		return nil
	}
	all, err := m.store.Settings(ctx)
	if err != nil {
		return err
	}
	m.current.Store(&Steering{Version: all.Version, Synonyms: NewSynonyms(values(all.Synonyms), m.stem), Rules: search.NewRules(values(all.Rules)),
		Rows: values(all.Rows)})
	return nil
}

// values are those of m in the order of their ids.
func values[T any](m map[string]Kept[T]) (all []T) {
	for _, id := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[id].Value)
	}
	return all
}

// All returns the settings as they are stored.
func (m *Merchandising) All(ctx context.Context) (*Settings, error) { return m.store.Settings(ctx) }

// PutSynonym writes a synonym, of the version match if there is one. 422 with all faults at once; ErrVersion.
func (m *Merchandising) PutSynonym(ctx context.Context, actor string, s search.Synonym, match *int64) (Kept[search.Synonym], error) {
	return change(ctx, m, actor, setting[search.Synonym]{kind: SynonymSetting, id: s.ID, value: &s, match: match, of: synonymsOf,
		check: func(c *fault.Collector, others map[string]Kept[search.Synonym]) {
			s.Check("body", c)
			c.Check(len(others) < search.MaxSynonyms, "body", fmt.Sprintf("must be one of at most %d synonyms", search.MaxSynonyms), nil)
			for _, o := range values(others) {
				c.Check(o.Says() != s.Says(), "body", "says the same as another synonym", o.ID)
			}
		}})
}

// PutRule writes a rule, of the version match if there is one. 422 with all faults at once; ErrVersion.
func (m *Merchandising) PutRule(ctx context.Context, actor string, r search.Rule, match *int64) (Kept[search.Rule], error) {
	return change(ctx, m, actor, setting[search.Rule]{kind: RuleSetting, id: r.ID, value: &r, match: match, of: rulesOf,
		check: func(c *fault.Collector, others map[string]Kept[search.Rule]) {
			r.Check("body.", c)
			c.Check(len(others) < search.MaxRules, "body", fmt.Sprintf("must be one of at most %d rules", search.MaxRules), nil)
			r.CheckHidden(values(others), m.now(), "body.then", c)
		}})
}

// PutRow writes a row of the home page, of the version match if there is one. 422 with all faults at once; ErrVersion.
func (m *Merchandising) PutRow(ctx context.Context, actor string, r search.HomeRow, match *int64) (Kept[search.HomeRow], error) {
	return change(ctx, m, actor, setting[search.HomeRow]{kind: RowSetting, id: r.ID, value: &r, match: match, of: rowsOf,
		check: func(c *fault.Collector, others map[string]Kept[search.HomeRow]) {
			r.Check("body.", m.language, c)
			c.Check(len(others) < search.MaxHomeRows, "body", fmt.Sprintf("must be one of at most %d rows", search.MaxHomeRows), nil)
		}})
}

// DeleteSynonym takes a synonym out, of the version match if there is one. ErrSynonymNotFound, ErrVersion.
func (m *Merchandising) DeleteSynonym(ctx context.Context, actor, id string, match *int64) error {
	_, err := change(ctx, m, actor, setting[search.Synonym]{kind: SynonymSetting, id: id, match: match, of: synonymsOf, missing: ErrSynonymNotFound})
	return err
}

// DeleteRule takes a rule out, of the version match if there is one. ErrRuleNotFound, ErrVersion.
func (m *Merchandising) DeleteRule(ctx context.Context, actor, id string, match *int64) error {
	_, err := change(ctx, m, actor, setting[search.Rule]{kind: RuleSetting, id: id, match: match, of: rulesOf, missing: ErrRuleNotFound})
	return err
}

// DeleteRow takes a row out, of the version match if there is one. ErrRowNotFound, ErrVersion.
func (m *Merchandising) DeleteRow(ctx context.Context, actor, id string, match *int64) error {
	_, err := change(ctx, m, actor, setting[search.HomeRow]{kind: RowSetting, id: id, match: match, of: rowsOf, missing: ErrRowNotFound})
	return err
}

func synonymsOf(s *Settings) map[string]Kept[search.Synonym] { return s.Synonyms }
func rulesOf(s *Settings) map[string]Kept[search.Rule]       { return s.Rules }
func rowsOf(s *Settings) map[string]Kept[search.HomeRow]     { return s.Rows }

// setting is a change of one setting: to value, or to nothing.
type setting[T any] struct {
	kind    SettingKind
	id      string
	value   *T
	match   *int64
	of      func(*Settings) map[string]Kept[T]
	check   func(c *fault.Collector, others map[string]Kept[T]) // of what is put
	missing *fault.Fault                                        // when what is taken out is not there
}

// change writes a setting. What says the same already is not written again. This process uses it at once.
func change[T any](ctx context.Context, m *Merchandising, actor string, s setting[T]) (out Kept[T], err error) {
	by := By{Actor: actor, At: m.now().UTC().Truncate(time.Microsecond)}
	same := false
	version, err := m.store.ChangeSettings(ctx, by, func(now *Settings) (*Edit, error) {
		before, known := s.of(now)[s.id]
		switch {
		case !known && s.value == nil:
			return nil, s.missing
		case s.match != nil && (!known || before.Version != *s.match):
			return nil, ErrVersion
		}
		edit := &Edit{Kind: s.kind, ID: s.id}
		if known {
			edit.Before = before.Value
		}
		if s.value == nil {
			return edit, nil
		}
		others := maps.Clone(s.of(now))
		delete(others, s.id)
		var c fault.Collector
		s.check(&c, others)
		if err := c.Err(); err != nil {
			return nil, err
		}
		if same = known && reflect.DeepEqual(before.Value, *s.value); same {
			out = before
			return nil, nil // nothing is to be written
		}
		edit.After = *s.value
		return edit, nil
	})
	if err != nil {
		return out, err
	}
	if err := m.Refresh(ctx); err != nil { // it is written all the same
		m.log.WarnContext(ctx, "a change of a setting holds a little later", "error", err)
	}
	if !same && s.value != nil {
		out = Kept[T]{Value: *s.value, Version: version, UpdatedAt: by.At}
	}
	return out, nil
}
