// Package importer brings products from a file into the shop: CSV, JSON or newline-delimited JSON, by a mapping that says how a
// row becomes a product.
//
// Every row ends in exactly one of four places: created, updated or unchanged in the catalogue, or among its migration
// exceptions with all its faults and the row as it was. Nothing is dropped, and nothing is bent until it fits.
//
//	file ──► rows ──► mapping ──► batch to catalog ──┬─► prices ──► stock
//	           │         │                           │
//	           └─────────┴── faults ─────────────────┴──► migration_exceptions
//
// The file is read twice: first for the brands and categories that it needs, then for its products. SKUs and external ids
// follow from the rows themselves, so that an import that broke off is simply begun again: what is there is unchanged, and
// a SKU gets its stock once for each import id, whatever else changed in the file.
//
// What may go wrong: the shop refuses a whole call (then the import ends with its reason and can be begun again), or a SKU got
// another quantity, or at another location, under the import id before (then it keeps that, and the report says so).
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/tools/internal/progress"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// The size of a batch, in rows and in bytes as they are sent, and how many are under way. The catalogue takes 4 MiB: a batch, the
// one product that goes over its size, and the source of that.
const (
	batchRows  = 500
	batchBytes = 1 << 20
	parallel   = 3
)

// Options say what is imported where.
type Options struct {
	Staff    *shopclient.Client
	File     string
	Mapping  Mapping
	ImportID string // default: the file's name
	Stock    int64  // received of every SKU, once for each import id
	Location string
	List     string // price list in place of the mapping's
	Out      io.Writer
}

// Report accounts for every row.
type Report struct {
	ImportID   string        `json:"import_id"`
	Rows       int64         `json:"rows"`
	Created    int64         `json:"created"`
	Updated    int64         `json:"updated"`
	Unchanged  int64         `json:"unchanged"`
	Exceptions int64         `json:"exceptions"`
	Brands     int           `json:"brands"`               // new ones
	Categories int           `json:"categories"`           // new ones
	StockKept  int64         `json:"stock_kept,omitempty"` // rows that got another quantity before, or at another location
	Took       time.Duration `json:"took_ns"`
	Writing    time.Duration `json:"writing_ns"` // of it, products, prices and stock
	Samples    []string      `json:"samples,omitempty"`
}

// Run imports a file.
func Run(ctx context.Context, opt Options) (Report, error) {
	begun := time.Now()
	if opt.ImportID == "" {
		opt.ImportID = strings.TrimSuffix(filepath.Base(opt.File), filepath.Ext(opt.File))
	}
	if opt.Stock > 0 && opt.Location == "" {
		return Report{}, errors.New("import: stock needs a location")
	}
	for i := range opt.Mapping.Prices {
		if opt.List != "" {
			opt.Mapping.Prices[i].List = opt.List
		}
		if opt.Mapping.Prices[i].List == "" {
			return Report{}, fmt.Errorf("import: prices[%d] names no list: say which", i)
		}
	}
	r := &run{Options: opt, report: Report{ImportID: opt.ImportID}}
	if err := r.checkLocation(ctx); err != nil {
		return r.report, err
	}
	if err := r.prepare(ctx); err != nil {
		return r.report, err
	}
	writing := time.Now()
	err := r.write(ctx)
	r.report.Took, r.report.Writing = time.Since(begun), time.Since(writing)
	return r.report, err
}

type run struct {
	Options
	names *names
	total int64

	mu     sync.Mutex
	report Report
}

// each reads the file and hands its rows on, mapped.
func (r *run) each(fn func(*item) error) error {
	f, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	format := r.Mapping.Format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(r.File)), ".")
	}
	src, err := open(f, r.Mapping, format)
	if err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	rd := newReader(r.Mapping, r.names)
	for {
		row, err := src.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.File, err)
		}
		if err := fn(rd.read(row)); err != nil {
			return err
		}
	}
}

// write sends the rows, batch by batch.
func (r *run) write(ctx context.Context) error {
	bar := progress.New(r.Out, "import", r.total)
	defer bar.End()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	var batch []*item
	size := 0
	send := func() {
		part := batch
		batch, size = nil, 0
		if len(part) == 0 {
			return
		}
		g.Go(func() error {
			if err := r.batch(ctx, part); err != nil {
				return fmt.Errorf("rows %d to %d: %w", part[0].row.Number, part[len(part)-1].row.Number, err)
			}
			bar.Add(int64(len(part)), r.note())
			return nil
		})
	}
	err := r.each(func(it *item) error {
		if err := it.encode(); err != nil {
			return err
		}
		size += len(it.wire.Product) + len(it.wire.Source)
		if batch = append(batch, it); len(batch) == batchRows || size > batchBytes {
			send()
		}
		return ctx.Err()
	})
	if err == nil {
		send()
	}
	if failed := g.Wait(); failed != nil {
		return failed
	}
	return err
}

func (r *run) note() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d exceptions", r.report.Exceptions)
}

// batch writes some rows: products, then prices and stock of those that the catalogue took.
func (r *run) batch(ctx context.Context, part []*item) error {
	var fit []*item
	for _, it := range part {
		if len(it.faults) == 0 {
			fit = append(fit, it)
			continue
		}
		if err := r.except(ctx, it); err != nil {
			return err
		}
	}
	taken, err := r.products(ctx, fit)
	if err != nil || len(taken) == 0 {
		return err
	}
	prices := map[string][]pricingapi.PriceInput{}
	for _, it := range taken {
		for list, p := range it.prices {
			prices[list] = append(prices[list], p)
		}
	}
	for list, rows := range prices {
		if err := r.Staff.Put(ctx, "/v1/admin/price-lists/"+url.PathEscape(list)+"/prices", pricingapi.PricesInput{Prices: rows}, nil); err != nil {
			return err
		}
	}
	return r.stock(ctx, taken)
}

func (r *run) except(ctx context.Context, it *item) error {
	in := catalogapi.ExceptionInput{ImportID: r.ImportID, Row: it.row.Number, Source: it.wire.Source, Errors: it.faults}
	if err := r.Staff.Post(ctx, "/v1/admin/migration-exceptions", shopclient.Key(), in, nil); err != nil {
		return err
	}
	r.count(it, "exception", it.faults)
	return nil
}

// products writes a batch and returns what the catalogue took. What it refuses it keeps itself as an exception.
func (r *run) products(ctx context.Context, fit []*item) (taken []*item, err error) {
	if len(fit) == 0 {
		return nil, nil
	}
	in := catalogapi.BatchInput{ImportID: r.ImportID, Items: make([]catalogapi.BatchItem, len(fit))}
	for i, it := range fit {
		in.Items[i] = it.wire
	}
	var out catalogapi.BatchResult
	if err := r.Staff.Post(ctx, "/v1/admin/products/batch", shopclient.Key(), in, &out); err != nil {
		return nil, err
	}
	if len(out.Items) != len(fit) {
		return nil, fmt.Errorf("the catalogue answered for %d of %d products", len(out.Items), len(fit))
	}
	for i, res := range out.Items {
		r.count(fit[i], res.Outcome, res.Errors)
		fit[i].created = res.Outcome == catalogapi.BatchCreated
		if res.Outcome != catalogapi.BatchRefused {
			taken = append(taken, fit[i])
		}
	}
	return taken, nil
}

// maxSamples is how many exceptions the report shows.
const maxSamples = 10

func (r *run) count(it *item, outcome string, errs []catalogapi.BatchError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Rows++
	switch outcome {
	case catalogapi.BatchCreated:
		r.report.Created++
	case catalogapi.BatchUpdated:
		r.report.Updated++
	case catalogapi.BatchUnchanged:
		r.report.Unchanged++
	default:
		r.report.Exceptions++
		if len(r.report.Samples) < maxSamples {
			r.report.Samples = append(r.report.Samples, fmt.Sprintf("row %d: %s", it.row.Number, list(errs)))
		}
	}
}

func list(errs []catalogapi.BatchError) string {
	var all []string
	for _, e := range errs {
		all = append(all, e.Location+" "+e.Message)
	}
	return strings.Join(all, "; ")
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	rate := 0.0
	if r.Writing > 0 {
		rate = float64(r.Created+r.Updated+r.Unchanged) / r.Writing.Seconds()
	}
	fmt.Fprintf(out, "import %s: %d rows = %d created + %d updated + %d unchanged + %d exceptions; %d new brands, %d new categories; %s, %.0f SKUs/s\n",
		r.ImportID, r.Rows, r.Created, r.Updated, r.Unchanged, r.Exceptions, r.Brands, r.Categories, r.Took.Round(10*time.Millisecond), rate)
	if r.StockKept > 0 {
		fmt.Fprintf(out, "%d rows keep the stock that this import id booked for them before: of another quantity, or at another location. Correct it with POST /v1/admin/stock/adjust.\n", r.StockKept)
	}
	for _, s := range r.Samples {
		fmt.Fprintf(out, "  %s\n", s)
	}
	if r.Exceptions > int64(len(r.Samples)) {
		fmt.Fprintf(out, "  … all of them: GET /v1/admin/migration-exceptions?import_id=%s\n", url.QueryEscape(r.ImportID))
	}
}
