// Package reindex has search make its index anew, shows how far it is, and compares what is found then with those who own it: how many
// products catalog publishes, and for a sample of them what catalog, pricing and inventory say.
//
//	POST rebuild ──► GET index until it is current ──► count ──► sample: found by its SKU, title, price, stock
//
// The shop goes on meanwhile: a difference counts only when it is still there a moment later.
package reindex

import (
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/search/searchapi"
	"github.com/sidecart/sidecart/tools/internal/progress"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Options of Run.
type Options struct {
	Staff, Guest *shopclient.Client
	Sample       int           // products to compare
	Seed         uint64        // draws them
	Standstill   time.Duration // for how long the index may get no further
	Settle       time.Duration // how long a difference may last that is only a change under way
	Out          io.Writer     // of the progress
}

// Report is what came of it.
type Report struct {
	Build       int64        `json:"build"`
	Seconds     float64      `json:"seconds"`
	Products    int          `json:"products"`  // that catalog publishes
	Documents   int          `json:"documents"` // of the index
	Compared    int          `json:"compared"`
	Differences []Difference `json:"differences"`
}

// Difference is one thing on which search and an owner do not agree. Product is a slug; empty: of all.
type Difference struct {
	Product string `json:"product,omitempty"`
	Detail  string `json:"detail"`
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	fmt.Fprintf(out, "build %d in %.1f s: %d documents, catalog publishes %d products; %d compared\n", r.Build, r.Seconds, r.Documents, r.Products, r.Compared)
	for _, d := range r.Differences {
		fmt.Fprintf(out, "  %s: %s\n", d.Product, d.Detail)
	}
	if len(r.Differences) == 0 {
		fmt.Fprintln(out, "search, catalog, pricing and inventory agree")
	}
}

const (
	indexPath = "/v1/admin/search/index"
	pollEvery = 200 * time.Millisecond
)

type run struct {
	Options
	Report
}

// Run rebuilds and compares.
func Run(ctx context.Context, o Options) (Report, error) {
	r := &run{Options: o}
	var asked searchapi.Rebuild
	if err := o.Staff.Post(ctx, "/v1/admin/search/rebuild", cryptorand.Text(), nil, &asked); err != nil {
		return r.Report, fmt.Errorf("ask for a new index: %w", err)
	}
	begun := time.Now()
	r.Build = asked.Build
	if err := r.await(ctx); err != nil {
		return r.Report, err
	}
	r.Seconds = time.Since(begun).Seconds()
	sample, err := r.count(ctx)
	if err != nil {
		return r.Report, fmt.Errorf("count the products: %w", err)
	}
	return r.Report, r.compare(ctx, sample)
}

// await shows how far the index is until it is current. A later build than the one that was asked for has all of it too.
func (r *run) await(ctx context.Context) error {
	var bar *progress.Bar
	var last searchapi.Index
	written := 0
	for moved := time.Now(); ; {
		var now searchapi.Index
		if err := r.Staff.Get(ctx, indexPath, &now); err != nil {
			return fmt.Errorf("ask how the index is: %w", err)
		}
		if bar == nil {
			bar = progress.New(r.Out, "index", int64(now.Products))
		}
		if b := now.Building; b != nil {
			bar.Add(int64(b.Written-written), now.Error)
			written = b.Written
		}
		if now.Status == searchapi.IndexCurrent && now.Build >= r.Build {
			bar.Add(int64(max(0, now.Products-written)), "")
			bar.End()
			return nil
		}
		if far(now) != far(last) {
			last, moved = now, time.Now()
		}
		if time.Since(moved) > r.Standstill {
			bar.End()
			return fmt.Errorf("the index gets no further: it is %s; %s", now.Status, now.Error)
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// far is how far an index is, to see whether it moves.
func far(i searchapi.Index) string {
	written := 0
	if i.Building != nil {
		written = i.Building.Written
	}
	return fmt.Sprint(i.Status, i.Build, i.Revision, written)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// product is one as catalog's staff see it.
type product struct {
	ID       string                    `json:"id"`
	Slug     string                    `json:"slug"`
	Variants []catalogapi.VariantInput `json:"variants"`
}

// count compares how many products there are, and draws a sample of them.
func (r *run) count(ctx context.Context) (sample []product, err error) {
	for until := time.Now().Add(r.Settle); ; {
		if sample, err = r.walk(ctx); err != nil {
			return nil, err
		}
		var index searchapi.Index
		if err := r.Staff.Get(ctx, indexPath, &index); err != nil {
			return nil, err
		}
		if r.Documents = index.Documents; r.Documents == r.Products {
			return sample, nil
		}
		if time.Now().After(until) {
			r.Differences = append(r.Differences, Difference{Detail: fmt.Sprintf("the index has %d documents, catalog publishes %d products", r.Documents, r.Products)})
			return sample, nil
		}
		if err := wait(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

// walk goes through all that catalog publishes.
func (r *run) walk(ctx context.Context) (sample []product, err error) {
	rng := rand.New(rand.NewPCG(r.Seed, 0)) //nolint:gosec // which products are looked at is no secret
	r.Products = 0
	query := url.Values{"status": {catalogapi.StatusPublished}, "limit": {"100"}}
	for {
		var page struct {
			Items []product `json:"items"`
			Next  *string   `json:"next_cursor"`
		}
		if err := r.Staff.Get(ctx, "/v1/admin/products?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			if r.Products++; len(sample) < r.Sample {
				sample = append(sample, p)
			} else if at := rng.IntN(r.Products); at < r.Sample {
				sample[at] = p
			}
		}
		if page.Next == nil {
			return sample, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// compare looks at each product of the sample.
func (r *run) compare(ctx context.Context, sample []product) error {
	bar := progress.New(r.Out, "compared", int64(len(sample)))
	defer bar.End()
	owners, err := r.owners(ctx)
	if err != nil {
		return err
	}
	for _, p := range sample {
		var detail string
		for until := time.Now().Add(r.Settle); ; {
			if detail, err = owners.differs(ctx, p); err != nil {
				return fmt.Errorf("compare %s: %w", p.Slug, err)
			}
			if detail == "" || time.Now().After(until) {
				break
			}
			if err := wait(ctx, pollEvery); err != nil {
				return err
			}
		}
		if detail != "" {
			r.Differences = append(r.Differences, Difference{Product: p.Slug, Detail: detail})
		}
		r.Compared++
		bar.Add(1, "")
	}
	return nil
}
