package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/chaos"
	"github.com/sidecart/sidecart/tools/internal/owndisk"
	"github.com/sidecart/sidecart/tools/internal/ownshop"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// runChaos breaks a shop of its own while guests buy, once for each seed, and holds it to its books.
func runChaos(ctx context.Context, args []string) error {
	set, parse := flags("chaos")
	wanted := set.String("seed", "", "one run with each of these seeds, separated by commas (default: those that every version has to stand)")
	minutes := set.Int("minutes", 0, "go on for so long, with new seeds")
	orders := set.Int("orders", 1000, "how many guests come in each run")
	shoppers := set.Int("shoppers", 16, "how many at once")
	offset := set.Int("port-offset", 0, "added to every port of the shop")
	profile := set.String("profile", shop.Embedded, "which components the shop is made of")
	here := set.Bool("here", false, "break the shop that runs in the state folder, whose disk is left alone")
	asJSON := set.Bool("json", false, "the reports for programs, on standard output; the rest goes to standard error")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	if err := shop.CheckProfile(*profile); err != nil {
		return err
	}
	chosen, err := parseSeeds(*wanted)
	if err != nil {
		return err
	}
	o := chaos.Options{Layout: layout, Orders: *orders, Shoppers: *shoppers, Out: os.Stdout}
	if *asJSON {
		o.Out = os.Stderr
	}
	leave := func(error) error { return nil }
	if *here {
		o.State, err = shop.Running(layout)
	} else {
		o.Layout.Profile = *profile
		leave, err = breakable(ctx, &o, *offset)
	}
	if err != nil {
		return err
	}
	if o.Staff, err = staff(o.Layout, o.State.Gateway); err != nil {
		return errors.Join(err, leave(err))
	}
	o.Staff.Patience, o.Guest = guestsPatience, guest(o.State.Gateway)
	o.Guest.Patience = guestsPatience
	err = runSeeds(ctx, o, *asJSON, seeds(chosen, time.Duration(*minutes)*time.Minute))
	return errors.Join(err, leave(err))
}

// diskSize holds the databases of a shop that was broken for long.
const diskSize = 3 << 30

// guestsPatience is longer than anything that goes wrong.
const guestsPatience = 5 * time.Minute

// breakable makes a shop whose databases lie on a small disk of their own, where that can be had. It is deleted at the end, unless
// something was found.
func breakable(ctx context.Context, o *chaos.Options, offset int) (leave func(error) error, err error) {
	tool, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o.Layout.Data += "-chaos"
	own, disk := ownshop.New(o.Layout, tool, offset), o.Layout.Postgres()
	leave = func(found error) error {
		err := own.Stop()
		if found != nil {
			fmt.Fprintf(o.Out, "\nits logs are left in %s\n", o.Layout.Logs())
			return err
		}
		if o.Disk {
			err = errors.Join(err, owndisk.Leave(disk))
		}
		return errors.Join(err, own.Remove(context.WithoutCancel(ctx)))
	}
	if !owndisk.Entered(disk) {
		fmt.Fprintf(o.Out, "a shop of its own in %s …\n", o.Layout.Data)
		if err := own.Remove(ctx); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(disk, 0o755); err != nil {
			return nil, err
		}
		if err := owndisk.Enter(disk, diskSize); err != nil {
			fmt.Fprintf(o.Out, "its disk is not filled: %v (it takes root to have one of its own)\n", err)
		}
	}
	o.Disk = owndisk.Entered(disk)
	_, o.State, err = own.Start(ctx)
	if err != nil {
		return nil, errors.Join(err, own.Remove(context.WithoutCancel(ctx)))
	}
	return leave, nil
}

func parseSeeds(list string) (all []uint64, err error) {
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("chaos: %q is no seed", word)
		}
		all = append(all, n)
	}
	return all, nil
}

// seeds yields those of a session: the chosen ones, or the repository's, and new ones for as long as it is to last.
func seeds(chosen []uint64, soak time.Duration) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		begun := time.Now()
		if len(chosen) == 0 && soak == 0 {
			chosen = chaos.Seeds()
		}
		for _, s := range chosen {
			if !yield(s) {
				return
			}
		}
		for time.Since(begun) < soak && yield(rand.Uint64()>>11) { // JSON holds no more
		}
	}
}

func runSeeds(ctx context.Context, o chaos.Options, asJSON bool, all func(func(uint64) bool)) error {
	var errs []error
	runs := 0
	for s := range all {
		o.Seed = s
		fmt.Fprintf(o.Out, "\nseed %d\n", s)
		report, err := chaos.Run(ctx, o)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("seed %d: %w", s, err))...)
		}
		report.Print(o.Out)
		if err := say(os.Stdout, asJSON, report); err != nil {
			return err
		}
		runs++
		if err := report.Err(); err != nil {
			errs = append(errs, fmt.Errorf("seed %d: %w", s, err))
			break // what is wrong now would be found again by the next
		}
	}
	if len(errs) == 0 {
		fmt.Fprintf(o.Out, "\n%d runs, nothing was found\n", runs)
	}
	return errors.Join(errs...)
}

func say(out io.Writer, asJSON bool, report chaos.Report) error {
	if !asJSON {
		return nil
	}
	return json.NewEncoder(out).Encode(report)
}
