package chaos

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var processes, tellers = []string{"cart", "cart.daprd", "postgres"}, []string{"cart", "order"}

func draw(seed uint64, n int, disk bool) (all []fault) {
	s := newSchedule(seed, processes, tellers, disk)
	for range n {
		all = append(all, s.next())
	}
	return all
}

func TestASeedIsASchedule(t *testing.T) {
	t.Parallel()
	if a, b := draw(7, 200, true), draw(7, 200, true); !slices.Equal(a, b) {
		t.Error("the same seed gives two schedules")
	}
	if a, b := draw(7, 200, true), draw(8, 200, true); slices.Equal(a, b) {
		t.Error("two seeds give one schedule")
	}
}

// Whatever may go wrong does, within its bounds, and what cannot does not.
func TestEverythingGoesWrong(t *testing.T) {
	t.Parallel()
	shares := 0
	for _, k := range kinds {
		shares += k.share
	}
	if shares != 100 {
		t.Errorf("the shares add up to %d", shares)
	}
	bounds := map[kind][2]time.Duration{frozen: {freezeLeast, freezeMost}, provider: {spellLeast, spellMost}, network: {spellLeast, spellMost}, full: {fullLeast, fullMost}}
	for _, disk := range []bool{true, false} {
		seen, victims, hows := map[kind]int{}, map[string]bool{}, map[string]bool{}
		for _, f := range draw(3, 5000, disk) {
			seen[f.kind]++
			if f.kind == killed || f.kind == frozen {
				victims[f.on] = true
			}
			if f.kind == provider {
				hows[f.how] = true
			}
			if b := bounds[f.kind]; f.lasts < b[0] || f.lasts > b[1] || f.after < gapLeast || f.after > gapMost {
				t.Errorf("%+v", f)
			}
			if f.kind == repeated && !slices.Contains(tellers, f.on) {
				t.Errorf("%+v", f)
			}
		}
		for _, k := range kinds {
			if want := disk || k.kind != full; seen[k.kind] > 0 != want {
				t.Errorf("disk %v: %s was drawn %d times", disk, k.kind, seen[k.kind])
			}
		}
		if len(victims) != len(processes) || len(hows) != len(providerFaults) {
			t.Errorf("hit were %v, and the provider by %v", victims, hows)
		}
	}
}

func TestSeedsOfTheRepository(t *testing.T) {
	t.Parallel()
	all := Seeds()
	distinct := map[uint64]bool{}
	for _, s := range all {
		distinct[s] = true
	}
	if len(all) != 20 || len(distinct) != 20 || distinct[0] {
		t.Errorf("seeds %v", all)
	}
}

func TestAFaultIsSaid(t *testing.T) {
	t.Parallel()
	for _, f := range draw(1, 300, true) {
		if s := f.String(); !strings.HasPrefix(s, string(f.kind)) || f.on != "" && !strings.Contains(s, f.on) || f.lasts > 0 && !strings.Contains(s, " for ") {
			t.Errorf("%+v is said as %q", f, s)
		}
	}
}
