package postgres

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

func (s *Store) change(t *testing.T, e *app.Edit) int64 {
	t.Helper()
	version, err := s.ChangeSettings(t.Context(), app.By{Actor: "staff:kim", At: noon}, func(*app.Settings) (*app.Edit, error) { return e, nil })
	do(t, err)
	return version
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	low := 4.5
	tv := search.Synonym{ID: "tv", Language: "en", Words: []string{"tv", "television"}}
	rule := search.Rule{ID: "sale", Name: "Sale", Priority: 3, Starts: noon, Ends: noon.Add(time.Hour), When: search.Condition{Match: search.MatchExact, Texts: []string{"sale"}, Locales: []string{"de"}},
		Share: &search.Share{Test: "t", From: 0, To: 50}, Then: []search.Action{{Kind: search.Raise, Factor: 2, NewDays: 3, Filters: []search.Filter{{Field: "rating", Min: &low}, {Field: "brand", Any: []string{"a"}}}},
			{Kind: search.Show, Banner: search.Banner{Title: "Sale", URL: "/sale"}}}}
	if v := s.change(t, &app.Edit{Kind: app.SynonymSetting, ID: "tv", After: tv}); v != 1 {
		t.Errorf("version %d", v)
	}
	if v := s.change(t, &app.Edit{Kind: app.RuleSetting, ID: "sale", After: rule}); v != 2 {
		t.Errorf("version %d", v)
	}
	most := int64(900)
	row := search.HomeRow{ID: "new", Titles: search.Texts{"en": "New", "de": "Neu"}, Position: 2, Limit: 12, Starts: noon, When: search.Condition{Channels: []string{"web"}},
		Shows: search.Shown{Words: "mug", Max: &most, Attributes: map[string][]string{"size": {"s"}}, Sort: search.ByNewest}}
	if v := s.change(t, &app.Edit{Kind: app.RowSetting, ID: "new", After: row}); v != 3 {
		t.Errorf("version %d", v)
	}
	if v := s.change(t, nil); v != 3 {
		t.Errorf("version %d after nothing", v)
	}
	got, err := s.Settings(t.Context())
	do(t, err)
	want := &app.Settings{Version: 3, Synonyms: map[string]app.Kept[search.Synonym]{"tv": {Value: tv, Version: 1, UpdatedAt: noon}},
		Rules: map[string]app.Kept[search.Rule]{"sale": {Value: rule, Version: 2, UpdatedAt: noon}},
		Rows:  map[string]app.Kept[search.HomeRow]{"new": {Value: row, Version: 3, UpdatedAt: noon}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.change(t, &app.Edit{Kind: app.SynonymSetting, ID: "tv", Before: tv})
	s.change(t, &app.Edit{Kind: app.RuleSetting, ID: "sale", Before: rule})
	s.change(t, &app.Edit{Kind: app.RowSetting, ID: "new", Before: row})
	if got, err = s.Settings(t.Context()); err != nil || got.Version != 6 || len(got.Synonyms)+len(got.Rules)+len(got.Rows) != 0 {
		t.Errorf("%v %+v", err, got)
	}
	if v, err := s.SettingsVersion(t.Context()); err != nil || v != 6 {
		t.Errorf("%v %d", err, v)
	}
	refused := errors.New("no")
	if _, err := s.ChangeSettings(t.Context(), app.By{}, func(*app.Settings) (*app.Edit, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	rows, err := pool.Query(t.Context(), `SELECT actor || ' ' || action || ' ' || entity || ' ' || (before IS NOT NULL)::text || ' ' || coalesce(after ->> 'ID', '-') FROM audit_log ORDER BY id`)
	do(t, err)
	var audit []string
	for rows.Next() {
		var line string
		do(t, rows.Scan(&line))
		audit = append(audit, line)
	}
	do(t, rows.Err())
	if diff := cmp.Diff([]string{"staff:kim put synonym/tv false tv", "staff:kim put rule/sale false sale", "staff:kim put row/new false new", "staff:kim delete synonym/tv true -", "staff:kim delete rule/sale true -", "staff:kim delete row/new true -"}, audit); diff != "" {
		t.Error(diff)
	}
}

// The newest change comes first, and a page goes on where another one ended, whatever was changed meanwhile.
func TestAudit(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	tv, telly := search.Synonym{ID: "tv", Words: []string{"tv", "television"}}, search.Synonym{ID: "tv", Words: []string{"tv", "telly"}}
	rule, row := search.Rule{ID: "tv", Name: "TV"}, search.HomeRow{ID: "new", Titles: search.Texts{"en": "New"}}
	for _, e := range []app.Edit{{Kind: app.SynonymSetting, ID: "tv", After: tv}, {Kind: app.RuleSetting, ID: "tv", After: rule}, {Kind: app.RowSetting, ID: "new", After: row},
		{Kind: app.SynonymSetting, ID: "tv", Before: tv, After: telly}, {Kind: app.SynonymSetting, ID: "tv", Before: telly}} {
		s.change(t, &e)
	}
	entry := func(version int64, action string, kind app.SettingKind, id string, before, after any) app.AuditEntry {
		return app.AuditEntry{Number: version, At: noon, Actor: "staff:kim", Action: action, Kind: kind, ID: id, Version: version, Before: before, After: after}
	}
	all := []app.AuditEntry{entry(5, "delete", app.SynonymSetting, "tv", telly, nil), entry(4, "put", app.SynonymSetting, "tv", tv, telly),
		entry(3, "put", app.RowSetting, "new", nil, row), entry(2, "put", app.RuleSetting, "tv", nil, rule), entry(1, "put", app.SynonymSetting, "tv", nil, tv)}
	for _, tc := range []struct {
		q    app.AuditQuery
		want []app.AuditEntry
	}{
		{app.AuditQuery{Limit: 9}, all}, {app.AuditQuery{Limit: 2}, all[:2]}, {app.AuditQuery{Before: 4, Limit: 2}, all[2:4]}, {app.AuditQuery{Before: 1, Limit: 2}, nil},
		{app.AuditQuery{Kind: app.RowSetting, Limit: 9}, all[2:3]}, {app.AuditQuery{ID: "tv", Limit: 9}, []app.AuditEntry{all[0], all[1], all[3], all[4]}},
		{app.AuditQuery{Kind: app.RuleSetting, ID: "tv", Limit: 9}, all[3:4]}, {app.AuditQuery{ID: "t%", Limit: 9}, nil},
	} {
		got, err := s.Audit(t.Context(), tc.q)
		do(t, err)
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%+v: %s", tc.q, diff)
		}
	}
}

// Whoever changes settings sees all that was written before, and each version is written once.
func TestSettingsHaveOneWriter(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const writers = 8
	versions := make([]int64, writers)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			id := fmt.Sprint("s", w)
			var err error
			versions[w], err = s.ChangeSettings(t.Context(), app.By{Actor: "a", At: noon}, func(now *app.Settings) (*app.Edit, error) {
				if len(now.Synonyms) != int(now.Version) {
					t.Errorf("%d synonyms at version %d", len(now.Synonyms), now.Version)
				}
				return &app.Edit{Kind: app.SynonymSetting, ID: id, After: search.Synonym{ID: id}}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[int64]bool{}
	for _, v := range versions {
		if v < 1 || v > writers || seen[v] {
			t.Errorf("versions %v", versions)
		}
		seen[v] = true
	}
}

// A category knows what it is below, also where it was told of before that was kept.
func TestCategoriesHaveParents(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	news := product(1, 1, "Shirt", "A")
	for _, code := range []string{"linen", "white"} {
		news.Product.Path = append(news.Product.Path, search.Category{Term: search.Term{Value: code, Label: code}, Slug: code})
	}
	do(t, s.Take(t.Context(), noon, news))
	bare := product(2, 1, "Bare", "B")
	bare.Product.Path = nil
	do(t, s.Take(t.Context(), noon, bare))
	check := func(want map[string]string) {
		t.Helper()
		got, err := s.Terms(t.Context())
		do(t, err)
		if diff := cmp.Diff(want, got.Parents); diff != "" {
			t.Error(diff)
		}
	}
	check(map[string]string{"shirts": "", "linen": "shirts", "white": "linen"})
	_, err := pool.Exec(t.Context(), `UPDATE categories SET parent = ''`)
	do(t, err)
	check(map[string]string{"shirts": "", "linen": "", "white": ""})
	migration, err := files.ReadFile("migrations/00003_settings.sql")
	do(t, err)
	_, fill, _ := strings.Cut(string(migration), "DEFAULT '';\n")
	fill, _, found := strings.Cut(fill, ";")
	if !found || !strings.HasPrefix(fill, "UPDATE categories") {
		t.Fatalf("the migration fills in nothing: %q", fill)
	}
	_, err = pool.Exec(t.Context(), fill)
	do(t, err)
	check(map[string]string{"shirts": "", "linen": "shirts", "white": "linen"})
}
