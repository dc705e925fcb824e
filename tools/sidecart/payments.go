package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/tools/internal/reconcile"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// gatewayKey is the variable that holds the private key of a real gateway: a flag would show it to everybody on the machine.
const gatewayKey = "SIDECART_BRAINTREE_PRIVATE_KEY"

// days is how many days are compared when nothing is said, today among them.
const days = 7

// runPayments compares payment's ledger with the gateway's books.
func runPayments(ctx context.Context, args []string) error {
	set, parse := flags("payments reconcile")
	from := set.String("from", "", "first day, 2006-01-02 in UTC; empty: six days ago")
	to := set.String("to", "", "last day; empty: today")
	asJSON := set.Bool("json", false, "for programs")
	database := set.String("database", "", "connection string of payment's database; empty: the running shop's")
	gateway := set.String("gateway", "", "base URL of Braintree's API; empty: the running shop's simulator")
	merchant := set.String("merchant-id", "sidecart", "merchant at the gateway")
	public := set.String("public-key", "", "API key; the private one stands in "+gatewayKey)
	layout, err := parse(args, 0, 1)
	if err != nil {
		return err
	}
	if set.Arg(0) != "reconcile" {
		return errors.New("payments: want: payments reconcile [flags]")
	}
	o := reconcile.Options{Database: *database, Now: time.Now().UTC()}
	if o.From, o.To, err = span(*from, *to, o.Now); err != nil {
		return err
	}
	private := os.Getenv(gatewayKey)
	if *database == "" || *gateway == "" {
		st, err := shop.Running(layout)
		if err != nil {
			return err
		}
		if o.Database == "" {
			o.Database = st.Databases["payment"]
		}
		if *gateway == "" {
			*gateway = st.Simulator["braintree"]
			*public, private = shop.SimulatorKeys()
		}
	}
	if *public == "" || private == "" {
		return fmt.Errorf("payments reconcile: --public-key and %s are needed for this gateway", gatewayKey)
	}
	o.Gateway = bt.NewWithHttpClient(bt.NewEnvironment(*gateway), *merchant, *public, private, &http.Client{Timeout: time.Minute})
	report, err := reconcile.Compare(ctx, o)
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
		return fmt.Errorf("payments reconcile: %d differences", len(report.Differences))
	}
	return nil
}

// span reads the first and the last day; the end is the day after the last.
func span(from, to string, now time.Time) (first, end time.Time, err error) {
	last := now.Truncate(24 * time.Hour)
	if to != "" {
		if last, err = time.Parse(time.DateOnly, to); err != nil {
			return first, end, fmt.Errorf("--to: %w", err)
		}
	}
	first = last.AddDate(0, 0, 1-days)
	if from != "" {
		if first, err = time.Parse(time.DateOnly, from); err != nil {
			return first, end, fmt.Errorf("--from: %w", err)
		}
	}
	if last.Before(first) {
		return first, end, errors.New("--to is before --from")
	}
	return first, last.AddDate(0, 0, 1), nil
}
