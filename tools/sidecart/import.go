package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/sidecart/sidecart/tools/internal/importer"
)

func runImport(ctx context.Context, args []string) error {
	set, parse := flags("import products FILE")
	base := set.String("base", "", "base URL of the public API (default: the running shop's)")
	mapping := set.String("mapping", "", "how a row becomes a product; docs/examples/electronics.yaml explains the form")
	id := set.String("import-id", "", "names the import among the migration exceptions and its stock (default: the file's name)")
	stock := set.Int64("stock", 0, "pieces received of each SKU, once for each import id")
	location := set.String("location", "", "where the stock lies")
	list := set.String("price-list", "", "price list in place of the mapping's")
	asJSON := set.Bool("json", false, "the report for programs, on standard output; progress goes to standard error")
	layout, err := parse(args, 0, 1, 2)
	if err != nil {
		return err
	}
	if set.Arg(0) != "products" || set.NArg() != 2 {
		return errors.New("import: want: import products FILE --mapping M.yaml [flags]")
	}
	if *mapping == "" {
		return errors.New("import: --mapping is missing: it says how a row becomes a product; docs/examples/electronics.yaml explains the form")
	}
	m, err := importer.ReadMapping(*mapping)
	if err != nil {
		return err
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
	report, err := importer.Run(ctx, importer.Options{Staff: clerk, File: set.Arg(1), Mapping: m, ImportID: *id, Stock: *stock, Location: *location, List: *list, Out: out})
	if err != nil {
		return err
	}
	report.Print(out)
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	return nil
}
