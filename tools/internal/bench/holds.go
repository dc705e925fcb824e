package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// holder calls inventory's holds as checkout does: with its client, through its sidecar. k6 would spend more on a call than the shop does.
type holder struct {
	inventory daprkit.Caller
	stamp     string // no two holders have the same owners
	expires   time.Time
}

// holder returns a holder and what ends its connection.
func (r *runner) holder(ctx context.Context) (*holder, func() error, error) {
	m, err := shop.ReadManifest(r.Layout.Manifest())
	if err != nil {
		return nil, nil, err
	}
	secrets, err := shop.LoadSecrets(r.Layout, m)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(r.state.Services, func(s shop.Service) bool { return s.ID == "checkout" })
	if i < 0 {
		return nil, nil, fmt.Errorf("the shop has no checkout")
	}
	s := r.state.Services[i]
	client, err := daprkit.Connect(ctx, daprkit.Config{GRPCAddr: s.SidecarGRPC, HTTPAddr: strings.TrimPrefix(s.Sidecar, "http://"), APIToken: secrets.DaprAPIToken, AppID: s.ID},
		slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	return newHolder(client.Caller("inventory")), client.Close, nil
}

func newHolder(inventory daprkit.Caller) *holder {
	now := time.Now()
	return &holder{inventory: inventory, stamp: fmt.Sprintf("bench-%d", now.UnixNano()), expires: now.Add(time.Hour)}
}

// owner names one of many.
func (h *holder) owner(n int64) string { return fmt.Sprintf("%s-%d", h.stamp, n) }

// wish is for one piece.
func (h *holder) wish(sku string) inventoryapi.HoldRequest {
	return inventoryapi.HoldRequest{ExpiresAt: h.expires, Lines: []inventoryapi.HoldLine{{SKU: sku, Quantity: 1}}}
}

const callTime = 10 * time.Second

func (h *holder) call(ctx context.Context, method string, n int64, in any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return h.inventory.JSON(ctx, method, inventoryapi.PathHolds+url.PathEscape(h.owner(n)), in, nil)
}

func (h *holder) hold(ctx context.Context, n int64, wish inventoryapi.HoldRequest) error {
	return h.call(ctx, http.MethodPut, n, wish)
}

func (h *holder) release(ctx context.Context, n int64) error {
	return h.call(ctx, http.MethodDelete, n, nil)
}

// patient repeats a call of which an answer got lost: holding and releasing do nothing twice.
func patient(call func(ctx context.Context, n int64) error) func(ctx context.Context, n int64) error {
	return func(ctx context.Context, n int64) (err error) {
		for range 3 {
			if err = call(ctx, n); err == nil || ctx.Err() != nil {
				return err
			}
		}
		return err
	}
}

// crowd calls from many at once, each with the next number from first on, until there is none below last or the time is over. It returns
// the first number that nobody called with, and how long each call took, in milliseconds. The first error ends it.
func crowd(ctx context.Context, callers int, first, last int64, d time.Duration, call func(ctx context.Context, n int64) error) (int64, []float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(first)
	deadline := time.Now().Add(d)
	times := make([][]float64, callers)
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for begun := time.Now(); begun.Before(deadline) && ctx.Err() == nil; {
				n := next.Add(1) - 1
				if n >= last {
					return
				}
				if err := call(ctx, n); err != nil {
					cancel(err)
					return
				}
				now := time.Now()
				times[caller] = append(times[caller], float64(now.Sub(begun))/float64(time.Millisecond))
				begun = now
			}
		})
	}
	wg.Wait()
	return min(next.Load(), last), slices.Concat(times...), context.Cause(ctx)
}

const (
	everybody = 64               // callers
	plenty    = 1 << 30          // pieces, and numbers of owners
	living    = 10_000           // holds of the SKU that is full of them
	longest   = 10 * time.Second // of a run: all that is held is given back after it, which takes as long
)

// holds measures holds of one SKU from many callers, and what a hold costs on a SKU that has many.
func (r *runner) holds(ctx context.Context) (err error) {
	h, hangUp, err := r.holder(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hangUp()) }()
	hot, err := r.makeGoods(ctx, plenty)
	if err != nil {
		return err
	}
	wish := h.wish(hot)
	first, next := int64(0), int64(0)
	u, err := r.measure(ctx, scenario{
		run: func(ctx context.Context, d time.Duration) (o outcome, err error) {
			next, o, err = h.rush(ctx, next, min(d, longest), wish)
			return o, err
		},
		tidy: func(ctx context.Context) error {
			_, _, err := crowd(ctx, everybody, first, next, time.Hour, patient(h.release))
			first = next
			return err
		},
	}, true)
	if err != nil {
		return err
	}
	r.note(Result{What: fmt.Sprintf("holds of one hot SKU from %d callers, through the sidecars, runs of %s at most", everybody, longest), Figure: u.figure("holds"),
		Goals: []Goal{atLeast(u.rate, 3000, " holds/s")}, Notes: u.notes})
	return r.fullSKU(ctx, h, next)
}

// rush holds as fast as everybody can, for owners from first on, and returns the first that is left. A hold that is refused or gets no
// answer is counted as that.
func (h *holder) rush(ctx context.Context, first int64, d time.Duration, wish inventoryapi.HoldRequest) (int64, outcome, error) {
	var refused atomic.Int64
	var example atomic.Value
	spent, begun := ownCPU(), time.Now()
	next, times, err := crowd(ctx, everybody, first, plenty, d, func(ctx context.Context, n int64) error {
		if err := h.hold(ctx, n, wish); err != nil {
			refused.Add(1)
			example.Store(err.Error())
		}
		return ctx.Err()
	})
	all, not := float64(len(times)), float64(refused.Load())
	o := outcome{operations: all - not, seconds: time.Since(begun).Seconds(), p50: median(times), p95: quantile(times, 0.95), p99: quantile(times, 0.99),
		refused: not / max(1, all), generator: "generator", cpu: ownCPU() - spent}
	if not > 0 {
		o.notes = []string{fmt.Sprintf("one that was refused: %s", example.Load())}
	}
	return next, o, err
}

// fullSKU holds in turn on a SKU with many living holds and on one with none.
func (r *runner) fullSKU(ctx context.Context, h *holder, next int64) error {
	var wishes [2]inventoryapi.HoldRequest
	for i := range wishes {
		sku, err := r.makeGoods(ctx, plenty)
		if err != nil {
			return err
		}
		wishes[i] = h.wish(sku)
	}
	first, last := next, next+living
	if _, _, err := crowd(ctx, everybody, first, last, time.Hour, patient(func(ctx context.Context, n int64) error { return h.hold(ctx, n, wishes[0]) })); err != nil {
		return err
	}
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	const times, warm = 600, 50
	var took [2][]float64
	for i := range times + warm {
		for which, wish := range wishes {
			begun := time.Now()
			if err := h.hold(ctx, last, wish); err != nil {
				return err
			}
			ms := float64(time.Since(begun)) / float64(time.Millisecond)
			if err := h.release(ctx, last); err != nil {
				return err
			}
			if i >= warm {
				took[which] = append(took[which], ms)
			}
		}
	}
	full, empty := median(took[0]), median(took[1])
	r.note(Result{What: fmt.Sprintf("a hold on a SKU with %s living holds against one on an empty SKU, one caller, %d of each in turn", grouped(living), times),
		Figure: fmt.Sprintf("%.2f × (p50 %.2f ms and %.2f ms)", full/empty, full, empty), Goals: []Goal{atMost(full/empty, 1.3, " ×")}, Notes: notes})
	_, _, err = crowd(ctx, everybody, first, last, time.Hour, patient(h.release))
	return err
}

// ownCPU is what this process has spent, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
