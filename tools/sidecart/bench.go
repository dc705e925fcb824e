package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/bench"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// runBench measures the running shop.
func runBench(ctx context.Context, args []string) error {
	set, parse := flags("bench")
	runs := set.Int("runs", 3, "how often each scenario runs; medians are taken")
	duration := set.Duration("duration", 30*time.Second, "how long each run is")
	only := set.String("only", "", "measurements to make, by name and separated by commas: memory, browse, product, cart, bigcart, checkout, events, flash, import")
	page := set.String("out", "", "where the page goes (default: docs/benchmarks.md; none with --only)")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return fmt.Errorf("bench: %w: start one with make run", err)
	}
	clerk, err := staff(layout, st.Gateway)
	if err != nil {
		return err
	}
	tool, err := os.Executable()
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "sidecart", "k6-1.8.1")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // binaries, not secrets
		return err
	}
	k6, err := bench.BuildK6(layout.Root, dir)
	if err != nil {
		return err
	}
	o := bench.Options{Layout: layout, State: st, Tool: tool, Staff: clerk, K6: k6, Runs: *runs, Duration: *duration, Out: os.Stdout}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	} else if *page == "" {
		*page = filepath.Join(layout.Root, "docs", "benchmarks.md")
	}
	results, err := bench.Run(ctx, o)
	if *page != "" && len(results) > 0 {
		if writeErr := bench.Write(*page, layout.Root, o, results, time.Now()); writeErr != nil {
			return writeErr
		}
	}
	return err
}
