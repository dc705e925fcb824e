package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/inventory/internal/postgres"
)

func TestConfiguration(t *testing.T) {
	t.Parallel()
	base := []string{"SIDECART_DATABASE_URL=postgres://nowhere/inventory"}
	for name, tc := range map[string]struct {
		environ []string
		faults  []string // what is complained about; none: it is good
	}{
		"the defaults":   {nil, nil},
		"all at once":    {[]string{"SIDECART_LOW_STOCK=0", "SIDECART_HOLD_QUEUE=0", "SIDECART_DATABASE_CONNS=0"}, []string{"SIDECART_LOW_STOCK", "SIDECART_HOLD_QUEUE", "SIDECART_DATABASE_CONNS"}},
		"a typing error": {[]string{"SIDECART_HOLD_QEUE=1"}, []string{"SIDECART_HOLD_QEUE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			p := boot.Program[config]{Name: "inventory", Migrations: postgres.Migrations(), Build: build}
			code := p.Run(t.Context(), []string{"check-config"}, append(base, tc.environ...), &out, &complaints)
			if (code == 0) != (len(tc.faults) == 0) {
				t.Errorf("exit code %d: %s", code, &complaints)
			}
			for _, f := range tc.faults {
				if !strings.Contains(complaints.String(), f) {
					t.Errorf("%s is not complained about: %s", f, &complaints)
				}
			}
		})
	}
}
