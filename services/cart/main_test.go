package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/cart/internal/postgres"
)

func TestConfiguration(t *testing.T) {
	t.Parallel()
	base := []string{"SIDECART_DATABASE_URL=postgres://nowhere/cart"}
	for name, tc := range map[string]struct {
		environ []string
		faults  []string // what is complained about; none: it is good
	}{
		"the defaults": {nil, nil},
		"all at once": {[]string{"SIDECART_CART_ABANDONED_AFTER=721h", "SIDECART_CURRENCY=usd", "SIDECART_COUNTRY=USA"},
			[]string{"SIDECART_CART_ABANDONED_AFTER", "SIDECART_CURRENCY", "SIDECART_COUNTRY"}},
		"of every service": {[]string{"SIDECART_DATABASE_CONNS=0"}, []string{"SIDECART_DATABASE_CONNS"}},
		"a small country":  {[]string{"SIDECART_COUNTRY=us"}, []string{"SIDECART_COUNTRY"}},
		"channels":         {[]string{"SIDECART_CHANNELS=app,pos.2"}, nil},
		"no channels":      {[]string{"SIDECART_CHANNELS=app,,Shop"}, []string{`holds ""`, `holds "Shop"`}},
		"a typing error":   {[]string{"SIDECART_CART_TLL=1h"}, []string{"SIDECART_CART_TLL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			p := boot.Program[config]{Name: "cart", Migrations: postgres.Migrations(), Build: build}
			code := p.Run(t.Context(), []string{"check-config"}, append(base, tc.environ...), &out, &complaints)
			if (code == 0) != (len(tc.faults) == 0) {
				t.Errorf("exit code %d: %s", code, &complaints)
			}
			for _, f := range tc.faults {
				if !strings.Contains(complaints.String(), f) {
					t.Errorf("%s is not complained about: %s", f, &complaints)
				}
			}
			if strings.Contains(out.String(), "nowhere") {
				t.Error("the database's address is shown")
			}
		})
	}
}
