package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// runStock looks at the shop's stock: a recount, and what happened to it between two moments.
func runStock(ctx context.Context, args []string) error {
	set, parse := flags("stock reconcile | snapshot NAME | compare NAME [LATER]")
	base := set.String("base", "", "base URL of the public API (default: the running shop's)")
	repair := set.Bool("repair", false, "reconcile: make what differs what it should be")
	var lots []inventoryapi.MissingLot
	set.Func("lot", "reconcile --repair: SKU@LOCATION/LOT=DAY, the last day (2027-01-31) of a lot that is missing; may be given again", func(s string) error {
		lot, err := missingLot(s)
		lots = append(lots, lot)
		return err
	})
	asJSON := set.Bool("json", false, "for programs")
	layout, err := parse(args, 0, 1, 2, 3)
	if err != nil {
		return err
	}
	verb, names := set.Arg(0), set.Args()[min(1, set.NArg()):]
	if wants, known := map[string][]int{"reconcile": {0}, "snapshot": {1}, "compare": {1, 2}}[verb]; !known || !slices.Contains(wants, len(names)) {
		return errors.New("stock: want: stock reconcile [--repair [--lot SKU@LOCATION/LOT=DAY]] | stock snapshot NAME | stock compare NAME [LATER]")
	}
	at, err := baseURL(layout, *base)
	if err != nil {
		return err
	}
	clerk, err := staff(layout, at)
	if err != nil {
		return err
	}
	look := stock{clerk: clerk, out: os.Stdout, asJSON: *asJSON}
	switch verb {
	case "snapshot":
		return look.snapshot(ctx, names[0])
	case "compare":
		return look.compare(ctx, names)
	}
	return look.reconcile(ctx, inventoryapi.ReconcileInput{Repair: *repair, Lots: lots})
}

// missingLot reads SKU@LOCATION/LOT=DAY. A lot may hold slashes.
func missingLot(s string) (lot inventoryapi.MissingLot, err error) {
	var at, in, on bool
	lot.SKU, s, at = strings.Cut(s, "@")
	lot.LocationID, s, in = strings.Cut(s, "/")
	lot.Lot, lot.ExpiresOn, on = strings.Cut(s, "=")
	if !at || !in || !on {
		return lot, errors.New("want SKU@LOCATION/LOT=DAY")
	}
	return lot, nil
}

// stock asks as staff and prints.
type stock struct {
	clerk  *shopclient.Client
	out    io.Writer
	asJSON bool
}

const stockPath = "/v1/admin/stock/"

func (s stock) print(v any, text func(io.Writer)) error {
	if s.asJSON {
		return json.NewEncoder(s.out).Encode(v)
	}
	text(s.out)
	return nil
}

func (s stock) snapshot(ctx context.Context, name string) error {
	var snap inventoryapi.Snapshot
	if err := s.clerk.Put(ctx, stockPath+"snapshots/"+url.PathEscape(name), nil, &snap); err != nil {
		return err
	}
	return s.print(snap, func(w io.Writer) {
		fmt.Fprintf(w, "kept %d levels as %s; after the sale: sidecart stock compare %[2]s\n", snap.Levels, snap.Name)
	})
}

func (s stock) compare(ctx context.Context, names []string) error {
	var c inventoryapi.Comparison
	query := url.Values{"to": names[1:]}
	if err := s.clerk.Get(ctx, stockPath+"snapshots/"+url.PathEscape(names[0])+"/compare?"+query.Encode(), &c); err != nil {
		return err
	}
	if err := s.print(c, func(w io.Writer) { printComparison(w, c) }); err != nil {
		return err
	}
	if n := unexplained(c); n > 0 {
		return fmt.Errorf("stock: %d levels changed by more than the ledger explains: see stock reconcile", n)
	}
	return nil
}

func (s stock) reconcile(ctx context.Context, in inventoryapi.ReconcileInput) error {
	var r inventoryapi.Reconciliation
	if err := s.clerk.Post(ctx, stockPath+"reconcile", "", in, &r); err != nil {
		return err
	}
	if err := s.print(r, func(w io.Writer) { printFaults(w, r) }); err != nil {
		return err
	}
	if left := slices.DeleteFunc(r.Faults, func(f inventoryapi.StockFault) bool { return f.Repaired }); len(left) > 0 {
		return fmt.Errorf("stock: %d faults", len(left))
	}
	return nil
}

func unexplained(c inventoryapi.Comparison) (n int) {
	for _, d := range c.Levels {
		if d.Unexplained != (inventoryapi.Stand{}) {
			n++
		}
	}
	return n
}

func printComparison(out io.Writer, c inventoryapi.Comparison) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SKU\tLOCATION\tON HAND\tALLOCATED\tOWED\tBECAUSE OF\tUNEXPLAINED")
	for _, d := range c.Levels {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.SKU, d.LocationID, change(d.Before.OnHand, d.After.OnHand), change(d.Before.Allocated, d.After.Allocated),
			change(d.Before.Owed, d.After.Owed), because(d.Moves), stand(d.Unexplained))
	}
	for _, h := range c.Holds {
		fmt.Fprintf(w, "%s\t(held)\t%s\t\t\t%s carts\t\n", h.SKU, change(h.Before, h.After), change(h.OwnersBefore, h.OwnersAfter))
	}
	_ = w.Flush() // standard output
	fmt.Fprintf(out, "%d levels and the holds of %d SKUs changed since %s\n", len(c.Levels), len(c.Holds), c.From.At.Format("2006-01-02 15:04:05"))
}

func change(before, after int64) string {
	if before == after {
		return fmt.Sprint(after)
	}
	return fmt.Sprintf("%d → %d", before, after)
}

// namedAtMost is how many orders or bookings a line names; the JSON has more.
const namedAtMost = 3

// because says what moved a level: "allocate 3× (+5 allocated) by …, receive 1× (+7) by delivery-4".
func because(moves map[string]inventoryapi.Moved) string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(moves)) {
		m := moves[kind]
		what := fmt.Sprintf("%s %d× (%s)", kind, m.Entries, stand(m.Stand))
		if len(m.References) > 0 {
			what += " by " + strings.Join(m.References[:min(len(m.References), namedAtMost)], " ")
		}
		if len(m.References) > namedAtMost {
			what += " …"
		}
		all = append(all, what)
	}
	return strings.Join(all, ", ")
}

func stand(s inventoryapi.Stand) string {
	var all []string
	for _, part := range []struct {
		n    int64
		what string
	}{{s.OnHand, ""}, {s.Allocated, " allocated"}, {s.Owed, " owed"}} {
		if part.n != 0 {
			all = append(all, fmt.Sprintf("%+d%s", part.n, part.what))
		}
	}
	return strings.Join(all, " ")
}

func printFaults(out io.Writer, r inventoryapi.Reconciliation) {
	for _, f := range r.Faults {
		done := "not repaired"
		switch {
		case f.Repaired:
			done = "repaired"
		case f.Missing:
			done = fmt.Sprintf("missing: repair it with --lot %s@%s/%s=DAY, its last day", f.SKU, f.LocationID, f.Lot)
		}
		if f.What == "holds" {
			fmt.Fprintf(out, "%s: %d held, but its holds are %d (%s)\n", f.SKU, f.Is.OnHand, f.Ledger.OnHand, done)
			continue
		}
		if f.What == "lot" {
			what := "lot " + f.Lot
			if f.Lot == "" {
				what = "its lots"
			}
			fmt.Fprintf(out, "%s at %s, %s: on hand %d, allocated %d; they should be %d and %d (%s)\n", f.SKU, f.LocationID, what,
				f.Is.OnHand, f.Is.Allocated, f.Ledger.OnHand, f.Reserved.Allocated, done)
			continue
		}
		fmt.Fprintf(out, "%s at %s: on hand %d, allocated %d, owed %d; the ledger says %d, %d, %d and the orders have %d and are owed %d (%s)\n", f.SKU, f.LocationID,
			f.Is.OnHand, f.Is.Allocated, f.Is.Owed, f.Ledger.OnHand, f.Ledger.Allocated, f.Ledger.Owed, f.Reserved.Allocated, f.Reserved.Owed, done)
	}
	if len(r.Faults) == 0 {
		fmt.Fprintln(out, "every level and lot is what its ledger and its orders say, every held total the sum of its holds")
	}
}
