package daprtest_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/fault"
)

const actorStore = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: actorstate
spec:
  type: state.in-memory
  version: v1
  metadata:
    - name: actorStateStore
      value: "true"
`

// counter counts its turns, each of which takes a while.
type counter struct {
	turn              time.Duration
	turns             map[string]bool // by the caller's id; only the turn may touch it
	running, overlaps *atomic.Int64
}

func (c *counter) Deactivate() {}

func (c *counter) Invoke(_ context.Context, method string, data []byte) (any, error) {
	if method == "refuse" {
		return nil, fault.New(fault.Conflict, "out-of-stock", "2 left").With("available", "2")
	}
	if method == "turns" {
		return c.turns, nil
	}
	if c.running.Add(1) > 1 {
		c.overlaps.Add(1)
	}
	defer c.running.Add(-1)
	<-time.After(c.turn) // the work of a turn
	c.turns[string(data)] = true
	return string(data), nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func startActors(t *testing.T, c *counter) *daprtest.Sidecar {
	t.Helper()
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: quiet()})
	actors.Register("counter", func(string) daprkit.Actor { return c })
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "host", AppToken: daprtest.AppToken, Actors: actors})
	s := daprtest.Start(t, daprtest.Options{
		AppID: "host", App: r, Placement: daprtest.Placement(t), Resources: map[string]string{"actorstate.yaml": actorStore},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := actors.Check(ctx, s.Client); err != nil {
		t.Fatalf("%v\n%s", err, s.Log())
	}
	return s
}

// Thirty hasty callers that give up in the queue beside patient ones: daprd's own lock breaks here, the host's must not. No turn
// overlaps another, and no patient caller is lost.
func TestActorTurnsThroughARealSidecar(t *testing.T) {
	t.Parallel()
	c := &counter{turn: 20 * time.Millisecond, turns: map[string]bool{}, running: &atomic.Int64{}, overlaps: &atomic.Int64{}}
	s := startActors(t, c)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := s.Actor(ctx, "counter", "1", "refuse", nil, nil)
	if f, ok := fault.As(err); !ok || f.Kind != fault.Conflict || f.Code != "out-of-stock" || f.Extra["available"] != "2" {
		t.Errorf("refusal: %v", err)
	}

	var wg sync.WaitGroup
	var unknown atomic.Int64
	var unsent sync.Map // the turns of those who were told that nothing was executed
	for i := range 30 {
		wg.Go(func() {
			hctx, hcancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer hcancel()
			err := s.Actor(hctx, "counter", "1", "turn", fmt.Sprintf("hasty-%d", i), nil)
			switch kind := fault.KindOf(err); {
			case err != nil && kind == fault.Unavailable: // time was up before the call left
				unsent.Store(fmt.Sprintf(`"hasty-%d"`, i), true)
			case err != nil && kind != fault.Timeout:
				t.Errorf("hasty %d: %v", i, err)
			}
			if err != nil {
				unknown.Add(1)
			}
		})
	}
	for i := range 30 {
		wg.Go(func() {
			var got string
			want := fmt.Sprintf("patient-%d", i)
			if err := s.Actor(ctx, "counter", "1", "turn", want, &got); err != nil || got != fmt.Sprintf("%q", want) {
				t.Errorf("patient %d: %q, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	var turns map[string]bool
	if err := s.Actor(ctx, "counter", "1", "turns", nil, &turns); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if !turns[fmt.Sprintf(`"patient-%d"`, i)] {
			t.Errorf("the turn of patient %d is lost", i)
		}
	}
	unsent.Range(func(turn, _ any) bool {
		if turns[turn.(string)] { //nolint:forcetypeassert // stored above
			t.Errorf("%s was executed, and its caller told that it was not", turn)
		}
		return true
	})
	if n := c.overlaps.Load(); n != 0 {
		t.Errorf("%d turns overlapped", n)
	}
	t.Logf("%d of 30 hasty callers gave up", unknown.Load())
	if unknown.Load() == 0 {
		t.Error("no hasty caller gave up: the test proves nothing")
	}
}
