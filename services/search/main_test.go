package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/search/internal/postgres"
)

func TestConfiguration(t *testing.T) {
	t.Parallel()
	base := []string{"SIDECART_DATABASE_URL=postgres://nowhere/search"}
	const urls, user, password, prefix = "SIDECART_OPENSEARCH_URLS", "SIDECART_OPENSEARCH_USER", "SIDECART_OPENSEARCH_PASSWORD", "SIDECART_OPENSEARCH_PREFIX"
	for name, tc := range map[string]struct {
		environ []string
		faults  []string // what is complained about; none: it is good
	}{
		"the defaults":           {nil, nil},
		"no cluster":             {[]string{urls + "="}, nil},
		"a cluster":              {[]string{urls + "=http://one:9200,https://two:9200/search", user + "=shop", password + "=hidden", prefix + "=shop_2"}, nil},
		"a cluster for all":      {[]string{urls + "=http://one:9200"}, nil},
		"no URL":                 {[]string{urls + "=one:9200"}, []string{"no URL of a node"}},
		"another protocol":       {[]string{urls + "=http://one:9200,ftp://two"}, []string{"no URL of a node"}},
		"a password in a URL":    {[]string{urls + "=http://shop:hidden@one:9200"}, []string{user + " and _PASSWORD"}},
		"a user alone":           {[]string{urls + "=http://one:9200", user + "=shop"}, []string{"go together"}},
		"a password alone":       {[]string{urls + "=http://one:9200", password + "=hidden"}, []string{"go together"}},
		"a user of nothing":      {[]string{user + "=shop", password + "=hidden"}, []string{user + " needs " + urls}},
		"a prefix that is none":  {[]string{prefix + "=Shop"}, []string{prefix}},
		"a pattern for a prefix": {[]string{prefix + "=*"}, []string{prefix}},
		"all at once": {[]string{urls + "=x", user + "=shop", prefix + "=-", "SIDECART_CURRENCY=usd", "SIDECART_LANGUAGE=EN"},
			[]string{urls, user, prefix, "currency", "SIDECART_LANGUAGE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			p := boot.Program[settings]{Name: "search", Migrations: postgres.Migrations(), Build: build}
			code := p.Run(t.Context(), []string{"check-config"}, append(base, tc.environ...), &out, &complaints)
			if (code == 0) != (len(tc.faults) == 0) {
				t.Errorf("exit code %d: %s", code, &complaints)
			}
			for _, f := range tc.faults {
				if !strings.Contains(complaints.String(), f) {
					t.Errorf("%s is not complained about: %s", f, &complaints)
				}
			}
			for _, secret := range []string{"nowhere", "hidden"} {
				if strings.Contains(out.String()+complaints.String(), secret) {
					t.Errorf("%s is shown", secret)
				}
			}
		})
	}
}
