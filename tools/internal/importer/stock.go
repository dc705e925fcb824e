package importer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// lookups is how many SKUs of a batch are looked up at once.
const lookups = 8

// checkLocation refuses a location that the shop does not have, before anything is written.
func (r *run) checkLocation(ctx context.Context) error {
	if r.Stock == 0 {
		return nil
	}
	var all struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := r.Staff.Get(ctx, "/v1/admin/locations", &all); err != nil {
		return err
	}
	var ids []string
	for _, l := range all.Items {
		if l.ID == r.Location {
			return nil
		}
		ids = append(ids, l.ID)
	}
	return fmt.Errorf("import: there is no location %q; there is: %s", r.Location, strings.Join(ids, ", "))
}

// stock books in what was received of a batch's SKUs, each SKU once for an import id: rows may be added, corrected and moved
// between two runs. One booking takes them all or none.
func (r *run) stock(ctx context.Context, taken []*item) error {
	if r.Stock == 0 {
		return nil
	}
	rest, err := r.unbooked(ctx, taken)
	if err != nil || len(rest) == 0 {
		return err
	}
	in := inventoryapi.StockInput{Reference: r.reference(rest), Reason: "import"}
	for _, it := range rest {
		in.Lines = append(in.Lines, inventoryapi.StockLine{SKU: it.sku, LocationID: r.Location, Quantity: r.Stock})
	}
	return r.Staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), in, nil)
}

// unbooked returns those items whose SKUs got no stock under the import id. What this run created got none. Of the others the
// ledger knows: that of the first one says whether this very batch was booked, and only if it was not are all looked up.
func (r *run) unbooked(ctx context.Context, taken []*item) (rest []*item, err error) {
	first := slices.IndexFunc(taken, func(it *item) bool { return !it.created })
	if first < 0 {
		return taken, nil
	}
	if e, err := r.booked(ctx, taken[first].sku); err != nil || e.Reference == r.reference(taken) {
		return nil, err
	}
	before := make([]entry, len(taken))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, it := range taken {
		if !it.created {
			g.Go(func() (err error) {
				before[i], err = r.booked(ctx, it.sku)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range before {
		switch {
		case e == entry{}:
			rest = append(rest, taken[i])
		case e.LocationID != r.Location || e.OnHandDelta != r.Stock:
			r.report.StockKept++
		}
	}
	return rest, nil
}

// entry is a line of inventory's ledger.
type entry struct {
	Kind        string `json:"kind"`
	LocationID  string `json:"location_id"`
	OnHandDelta int64  `json:"on_hand_delta"`
	Reference   string `json:"reference"`
}

// booked returns what a SKU got under the import id, or an empty entry.
func (r *run) booked(ctx context.Context, sku string) (entry, error) {
	query := url.Values{"sku": {sku}, "limit": {"100"}}
	for {
		var page struct {
			Items      []entry `json:"items"`
			NextCursor *string `json:"next_cursor"`
		}
		if err := r.Staff.Get(ctx, "/v1/admin/stock/ledger?"+query.Encode(), &page); err != nil {
			return entry{}, err
		}
		for _, e := range page.Items {
			if e.Kind == "receive" && strings.HasPrefix(e.Reference, r.prefix()) && !strings.Contains(e.Reference[len(r.prefix()):], ":") {
				return e, nil
			}
		}
		if page.NextCursor == nil {
			return entry{}, nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}

// prefix is what the references of the import id's bookings begin with, in at most 84 bytes; no colon follows it.
func (r *run) prefix() string {
	id := r.ImportID
	if len(id) > 76 {
		id = strings.ToValidUTF8(id[:67], "") + "-" + digest(id)
	}
	return "import:" + id + ":"
}

// reference names a booking of these items by what it books, in at most 100 bytes.
func (r *run) reference(items []*item) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s\n", r.Stock, r.Location)
	for _, it := range items {
		fmt.Fprintln(h, it.sku)
	}
	return fmt.Sprintf("%s%x", r.prefix(), h.Sum(nil)[:8])
}
