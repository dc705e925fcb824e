// Command measure writes the figures of package relevance as docs/benchmarks.md has them:
//
//	bin/sidecart testenv --tags opensearch -- go run ./services/search/internal/relevance/measure -electronics FILE
//
// FILE is the public sample that relevance.ReadElectronics reads; without it the sample shop alone is measured, and without an OpenSearch
// the embedded index alone. What falls below the floors of package relevance is an error. -v lists what was found for the queries of the named kind ("all"), those that are held out excepted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/opensearch"
	"github.com/sidecart/sidecart/services/search/internal/relevance"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

func main() {
	electronics := flag.String("electronics", "", "file of the electronics shop")
	verbose := flag.String("v", "", "list queries of this kind, or all")
	flag.Parse()
	if err := run(context.Background(), *electronics, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// set is a judged set with its products.
type set struct {
	name     string
	queries  []relevance.Query
	products []*relevance.Product
	synonyms []search.Synonym
}

func run(ctx context.Context, electronics, verbose string) error {
	seeded, err := sampleShop()
	if err != nil {
		return err
	}
	sets := []set{seeded}
	if electronics != "" {
		s, err := electronicsShop(electronics)
		if err != nil {
			return err
		}
		sets = append(sets, s)
	}
	for i := range sets {
		if err := sets[i].measure(ctx, verbose); err != nil {
			return fmt.Errorf("%s: %w", sets[i].name, err)
		}
	}
	return nil
}

func sampleShop() (s set, err error) {
	s.name = "Sample shop"
	if s.queries, err = relevance.Seeded(); err != nil {
		return s, err
	}
	s.products, s.synonyms, err = relevance.ReadSeed(os.Getenv(relevance.Seed))
	return s, err
}

func electronicsShop(path string) (s set, err error) {
	s.name = "Electronics"
	if s.queries, err = relevance.Electronics(); err != nil {
		return s, err
	}
	if s.synonyms, err = relevance.ElectronicsSynonyms(); err != nil {
		return s, err
	}
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer func() { _ = f.Close() }()
	s.products, err = relevance.ReadElectronics(f)
	return s, err
}

// column is an engine's figures.
type column struct {
	name    string
	results relevance.Results
}

func (s *set) measure(ctx context.Context, verbose string) (err error) {
	if err := relevance.Check(s.queries, s.products); err != nil {
		return err
	}
	var columns []column
	ask := func(name string, e relevance.Engine) error {
		results, err := relevance.Measure(ctx, e, s.queries, s.products)
		columns = append(columns, column{name, results})
		return err
	}
	dir, err := os.MkdirTemp("", "relevance-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := s.embedded(ctx, dir, ask); err != nil {
		return err
	}
	if url := os.Getenv("SIDECART_TEST_OPENSEARCH_URL"); url != "" {
		if err := s.openSearch(ctx, url, ask); err != nil {
			return err
		}
	}
	s.write(columns)
	s.list(columns, verbose)
	for ; len(columns) >= perEngine; columns = columns[perEngine:] {
		if low := columns[0].results.Enough(columns[perEngine-1].results); low != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", columns[0].name, low))
		}
	}
	return err
}

func (s *set) embedded(ctx context.Context, dir string, ask func(string, relevance.Engine) error) (err error) {
	plain, err := relevance.NewBestFieldsBleve(s.products)
	if err != nil {
		return err
	}
	xs, err := bleveindex.Open(dir, relevance.Own)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, xs.Close(), plain.Close()) }()
	return s.ask(ctx, "embedded", xs, plain, ask)
}

func (s *set) openSearch(ctx context.Context, url string, ask func(string, relevance.Engine) error) (err error) {
	prefix := fmt.Sprintf("judged-%d", time.Now().UnixNano())
	plain, err := relevance.NewBestFieldsOpenSearch(ctx, url+"/"+prefix+"-plain", s.products)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.Remove(ctx)) }()
	xs, err := opensearch.Open(opensearch.Config{Addresses: []string{url}, Prefix: prefix, Owner: "measure", Language: relevance.Own, Now: time.Now})
	if err != nil {
		return err
	}
	return s.ask(ctx, "OpenSearch", xs, plain, ask)
}

// perEngine are the columns of an engine: the shop on it, the shop without synonyms, and what the engine does by itself.
const perEngine = 3

// ask asks the shop on an adapter, with its synonyms and without, and what the engine does by itself.
func (s *set) ask(ctx context.Context, name string, xs relevance.Indexes, plain relevance.Engine, ask func(string, relevance.Engine) error) error {
	for _, synonyms := range [][]search.Synonym{s.synonyms, nil} {
		shop, err := relevance.NewShop(ctx, xs, s.products, synonyms)
		if err != nil {
			return err
		}
		called := name
		if synonyms == nil {
			called += ", no synonyms"
		}
		if err := ask(called, shop); err != nil {
			return err
		}
	}
	return ask(name+", best fields", plain)
}

// write prints a table of a row for each kind of query, and for all.
func (s *set) write(columns []column) {
	fmt.Printf("\n%s: %d products, %d queries\n\n| NDCG@10 | queries |", s.name, len(s.products), len(s.queries))
	for _, c := range columns {
		fmt.Printf(" %s |", c.name)
	}
	fmt.Print("\n|---|---|")
	for range columns {
		fmt.Print("---|")
	}
	row := func(name string, passes func(*relevance.Query) bool) {
		fmt.Printf("\n| %s | %d |", name, len(columns[0].results.Only(passes)))
		for _, c := range columns {
			fmt.Printf(" %.3f |", c.results.Only(passes).NDCG())
		}
	}
	var kinds []string
	for i := range s.queries {
		if k := s.queries[i].Kind; !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	for _, k := range kinds {
		row(k, func(q *relevance.Query) bool { return q.Kind == k })
	}
	row("**all**", func(*relevance.Query) bool { return true })
	row("looked at", func(q *relevance.Query) bool { return !q.HeldOut })
	row("held out", func(q *relevance.Query) bool { return q.HeldOut })
	fmt.Printf("\n| find nothing | %d |", len(s.queries))
	for _, c := range columns {
		fmt.Printf(" %.1f %% |", 100*c.results.Nothing())
	}
	fmt.Println()
}

// list prints what the first engine found, worst first.
func (s *set) list(columns []column, kind string) {
	if kind == "" {
		return
	}
	all := columns[0].results.Only(func(q *relevance.Query) bool { return !q.HeldOut && (kind == "all" || q.Kind == kind) })
	slices.SortStableFunc(all, func(a, b relevance.Result) int { return int(1e6 * (a.NDCG - b.NDCG)) })
	for _, r := range all {
		fmt.Printf("\n%.3f %s %q\n", r.NDCG, r.Kind, r.Text)
		for _, p := range r.Found {
			fmt.Printf("   %d %s\n", r.Worth(p), p.Title)
		}
	}
}
