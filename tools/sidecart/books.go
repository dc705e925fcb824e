package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sidecart/sidecart/tools/internal/books"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

func runBooks(ctx context.Context, args []string) error {
	set, parse := flags("books")
	wait := set.Duration("wait", 0, "how long to wait for the shop to settle and be clean; what is not by then is reported")
	asJSON := set.Bool("json", false, "for programs")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return err
	}
	src := books.Sources{Databases: st.Databases, Simulator: st.Simulator["braintree"]}
	var report books.Report
	if *wait > 0 {
		report, err = books.Settle(ctx, src, *wait, func(s string) { fmt.Fprintln(os.Stderr, s) })
	} else {
		report, err = books.Check(ctx, src, books.Grace)
	}
	if err != nil {
		return err
	}
	if *asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
			return err
		}
	} else {
		report.Print(os.Stdout)
	}
	if !report.Clean() {
		return fmt.Errorf("books: %d violations", len(report.Violations))
	}
	return nil
}
