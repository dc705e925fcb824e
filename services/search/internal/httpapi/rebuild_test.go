package httpapi

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/search"
)

// The real parts together: products change all the time while the index is made anew again and again and its process dies in the middle. What
// is always there is always found, and in the end every product is in the index as it is in the replica.
func TestRebuildUnderAStreamOfChanges(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	const products, rounds = 60, 12
	plate := func(n, round int) app.News {
		news := product(100+n, search.Product{Slug: fmt.Sprint("plate-", n), Title: fmt.Sprintf("Plate of round %d", round), Variants: []search.Item{{SKU: fmt.Sprint("PL-", n)}}}, (n+round)%5 > 0)
		news.Sequence = int64(round + 1)
		return news
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing, running sync.WaitGroup
	run := func(ctx context.Context) {
		running.Go(func() {
			if err := s.tail.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	life, die := context.WithCancel(ctx)
	run(life)
	for w := range 2 {
		writing.Go(func() {
			for round := range rounds {
				for n := w; n < products; n += 2 {
					sku := fmt.Sprint("PL-", n)
					offer := price(sku, usd(int64(100+round), 0))
					offer.Sequence = int64(round + 1)
					if err := s.tail.Take(ctx, plate(n, round), offer); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 4 {
		if _, _, err := s.store.Rebuild(ctx, idem.Key{}); err != nil {
			t.Fatal(err)
		}
		if got := s.slugs("?q=linen"); len(got) != 1 {
			t.Errorf("what was there all the time is not found: %v", got)
		}
		die()
		running.Wait()
		life, die = context.WithCancel(ctx)
		run(life)
	}
	writing.Wait()
	desk := app.Desk{Keeper: s.store, Memory: s.store, Tail: s.tail}
	testkit.Eventually(t, testkit.Patience, func() error {
		if status, err := desk.Status(ctx); err != nil || !status.Current || status.Documents != status.Products {
			return fmt.Errorf("%+v %w", status, err)
		}
		return nil
	})
	die()
	running.Wait()
	stop()
	rows, err := s.store.Changes(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	live, err := s.indexes.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
		if r.Listed {
			want[r.ID] = fmt.Sprintf("%s at %d", r.Title, r.Revision)
		}
	}
	documents, err := live.Documents(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		got[d.ID] = fmt.Sprintf("%s at %d", d.Texts["en"].Name, d.Revision)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < products/2 {
		t.Errorf("the index is not what the replica is: %s", diff)
	}
}
