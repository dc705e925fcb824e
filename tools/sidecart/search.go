package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sidecart/sidecart/tools/internal/reindex"
)

// runSearch has the index of search made anew, and compares it with those who own what is in it.
func runSearch(ctx context.Context, args []string) error {
	set, parse := flags("search rebuild")
	base := set.String("base", "", "base URL of the public API (default: the running shop's)")
	sample := set.Int("sample", 50, "how many products are compared with catalog, pricing and inventory")
	seed := set.Uint64("seed", uint64(time.Now().UnixNano()), "draws them") //nolint:gosec // any number will do
	asJSON := set.Bool("json", false, "the report for programs, on standard output; progress goes to standard error")
	layout, err := parse(args, 0, 1)
	if err != nil {
		return err
	}
	if set.Arg(0) != "rebuild" || *sample < 0 {
		return errors.New("search: want: search rebuild [--sample N] [--seed N] [--json]")
	}
	at, err := baseURL(layout, *base)
	if err != nil {
		return err
	}
	clerk, err := staff(layout, at)
	if err != nil {
		return err
	}
	out := os.Stdout
	if *asJSON {
		out = os.Stderr
	}
	report, err := reindex.Run(ctx, reindex.Options{Staff: clerk, Guest: guest(at), Sample: *sample, Seed: *seed, Standstill: 2 * time.Minute, Settle: 15 * time.Second, Out: out})
	if err != nil {
		return fmt.Errorf("search rebuild: %w", err)
	}
	report.Print(out)
	if *asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
			return err
		}
	}
	if n := len(report.Differences); n > 0 {
		return fmt.Errorf("search rebuild: %d differences (--seed %d draws the same products)", n, *seed)
	}
	return nil
}
