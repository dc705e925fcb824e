package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/bench"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// runBench measures a shop of its own, or parts of the one that runs.
func runBench(ctx context.Context, args []string) error {
	set, parse := flags("bench")
	runs := set.Int("runs", 3, "how often each scenario runs; medians are taken")
	duration := set.Duration("duration", 30*time.Second, "how long each run is")
	only := set.String("only", "", "measurements to make, separated by commas: "+strings.Join(bench.Names(), ", ")+"; of the running shop, if one runs")
	page := set.String("out", "", "where the page goes (default: docs/benchmarks.md; none with --only)")
	offset := set.Int("port-offset", 0, "added to every port of the bench's own shop")
	profile := set.String("profile", shop.Embedded, "which components the bench's own shop is made of; another one than embedded writes no page without --out")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	if err := shop.CheckProfile(*profile); err != nil {
		return err
	}
	layout.Profile = *profile
	tool, err := os.Executable()
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	k6, err := bench.BuildK6(ctx, layout.Root, filepath.Join(cache, "sidecart", "k6-1.8.1"))
	if err != nil {
		return err
	}
	o := bench.Options{
		Layout: layout, Offset: *offset, Tool: tool, K6: k6, Runs: *runs, Duration: *duration, Out: os.Stdout,
		Staff: func(l shop.Layout, st shop.State) (*shopclient.Client, error) { return staff(l, st.Gateway) },
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	} else if *page == "" && *profile == shop.Embedded {
		*page = bench.PagePath(layout.Root)
	}
	results, err := bench.Run(ctx, o)
	if err != nil || *page == "" {
		return err
	}
	return bench.Describe(o, calledAs(args), results, time.Now()).Write(*page)
}

// calledAs is what the page calls the call that wrote it.
func calledAs(args []string) string {
	if len(args) == 0 {
		return "make bench"
	}
	return `make bench ARGS="` + strings.Join(args, " ") + `"`
}
