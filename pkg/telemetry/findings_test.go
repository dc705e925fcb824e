package telemetry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/telemetry"
)

// The job moves from one replica to another: what the first found is told until it must have looked again, and no longer.
func TestFindingsOfWhoLooksNoMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	f := telemetry.NewFindings("findings", "what was found", "kind", 20*time.Second, func() time.Time { return now })
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(f)
	told := func(after time.Duration, want string) {
		t.Helper()
		now = now.Add(after)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, family := range families {
			for _, m := range family.GetMetric() {
				got += fmt.Sprint(m.GetLabel()[0].GetValue(), " ", m.GetGauge().GetValue(), "; ")
			}
		}
		if got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	told(0, "")
	f.Found("level", 3)
	f.Found("lot", 0)
	told(0, "level 3; lot 0; ")
	told(59*time.Second, "level 3; lot 0; ")
	f.Found("level", 1)
	told(time.Second, "level 1; ")
	told(time.Minute, "")
	f.Found("level", 0)
	told(0, "level 0; ")
}
