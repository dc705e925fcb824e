package main

import (
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/chaos"
)

func TestSeedsOfASession(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]uint64{"": chaos.Seeds(), "7": {7}, "7,9": {7, 9}} {
		chosen, err := parseSeeds(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(seeds(chosen, 0)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", list, got, want)
		}
	}
	n := 0
	for s := range seeds([]uint64{7}, time.Hour) { // goes on with new ones
		if n++; n == 1 && s != 7 || n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d runs of a soak", n)
	}
	for _, bad := range []string{"x", "-1", "1.5", "99999999999999999999999"} {
		if _, err := parseSeeds(bad); err == nil {
			t.Errorf("%q is taken for a seed", bad)
		}
	}
}
