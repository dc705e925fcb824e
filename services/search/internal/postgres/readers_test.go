package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/app"
)

// Many at once, each event several times and some too late, with the clock turning: a reader that follows by revision sees every change in
// order and misses none, and what it has seen in the end is what is there.
func TestReadersMissNothing(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	const products, events, writers = 8, 25, 4
	do(t, s.Take(t.Context(), noon, func() (all []app.News) {
		for n := range products {
			all = append(all, product(n, 1, "Title 1", fmt.Sprint("S", n)))
		}
		return all
	}()...))
	ctx, stop := context.WithCancel(t.Context())
	var following, writing sync.WaitGroup
	type seen struct {
		title         string
		amount, level int64
	}
	last := map[string]seen{}
	follow := func(after int64) int64 {
		rows, err := s.Changes(t.Context(), after, 3)
		if err != nil {
			t.Error(err)
			return after
		}
		for _, r := range rows {
			if r.Revision <= after {
				t.Errorf("revision %d after %d", r.Revision, after)
			}
			after = r.Revision
			one := seen{title: r.Title}
			for _, o := range r.Offers {
				if one.level = o.Available; len(o.Rows) > 0 {
					one.amount = o.Rows[0].Amount
				}
			}
			if was := last[r.ID]; one.amount < was.amount || one.level < was.level {
				t.Errorf("%s went back from %+v to %+v", r.ID, was, one)
			}
			last[r.ID] = one
		}
		return after
	}
	var at int64
	following.Go(func() {
		for ctx.Err() == nil {
			at = follow(at)
		}
	})
	for w := range writers {
		writing.Go(func() {
			for i := int64(2); i <= events; i++ {
				for n := range products {
					n = (n + w) % products
					sku := fmt.Sprint("S", n)
					row := usd(i)
					row.To = noon.Add(time.Duration(i) * time.Second)
					if err := s.Take(t.Context(), noon, prices(sku, i, row)); err != nil {
						t.Error(err)
					}
					if err := s.Take(t.Context(), noon, level(sku, i-int64(w%2), i-int64(w%2)), product(n, i, fmt.Sprint("Title ", i), sku)); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Turn(t.Context(), noon.Add(time.Duration(i)*time.Second)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	stop()
	following.Wait()
	for next := follow(at); next != at; next = follow(at) {
		at = next
	}
	for n := range products {
		if got, want := last[id(n)], (seen{fmt.Sprint("Title ", events), events, events}); got != want {
			t.Errorf("product %d: the reader ends with %+v, want %+v", n, got, want)
		}
	}
	var highest, given int64
	do(t, pool.QueryRow(t.Context(), `SELECT max(p.revision), (SELECT revision FROM replica) FROM products p`).Scan(&highest, &given))
	if highest != given || at != given {
		t.Errorf("the last product has revision %d, the reader %d, of %d", highest, at, given)
	}
}
