package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sidecart/sidecart/tools/internal/load"
)

func runLoad(ctx context.Context, args []string) error {
	set, parse := flags("load")
	base := set.String("base", "", "base URL of the public API (default: the running shop's)")
	orders := set.Int("orders", 1000, "how many guests come to buy; some are declined, leave or cancel")
	shoppers := set.Int("shoppers", 16, "how many at once")
	seed := set.Uint64("seed", 1, "what each guest does is drawn from it")
	patience := set.Duration("patience", shopPatience, "how long a call is repeated while a part of the shop is away")
	asJSON := set.Bool("json", false, "the report for programs, on standard output; progress goes to standard error")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	at, err := baseURL(layout, *base)
	if err != nil {
		return err
	}
	out := os.Stdout
	if *asJSON {
		out = os.Stderr
	}
	client := guest(at)
	client.Patience = *patience
	report, err := load.Run(ctx, load.Options{Client: client, Guests: *orders, Shoppers: *shoppers, Seed: *seed, Out: out})
	if report.Guests > 0 {
		report.Print(out)
		if *asJSON {
			if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
				return err
			}
		}
	}
	if err == nil && report.Unexpected > 0 {
		err = fmt.Errorf("load: %d of %d guests met what they should not", report.Unexpected, report.Guests)
	}
	return err
}
