package daprtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
)

const memoryPubSub = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: pubsub
spec:
  type: pubsub.in-memory
  version: v1
`

const inboundRetry = `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: resiliency
spec:
  policies:
    retries:
      inbound:
        policy: constant
        duration: 50ms
        maxRetries: 2
  targets:
    components:
      pubsub:
        inbound:
          retry: inbound
`

// Acknowledged, retried, dropped, of no interest: through a real sidecar each event ends where its outcome says, and what the app
// could not handle stands in its dead-letter topic, whence ReplayDead puts it back.
func TestEventsThroughARealSidecar(t *testing.T) {
	t.Parallel()
	seen := map[string]chan daprkit.Event{}
	short := []daprkit.RouteOption{daprkit.WithDeadline(50 * time.Millisecond)}
	deadlines := map[string][]daprkit.RouteOption{"order.waits.v1": short, "order.gone.v1": short}
	subs := daprkit.NewSubscriptions(daprkit.PubSub, quiet())
	on := func(topic, typ string, answers ...error) { // the last answer stays; a deadline shorter than a pause leaves what is away to the sidecar
		c := make(chan daprkit.Event, 10)
		var n atomic.Int64
		seen[topic+"/"+typ] = c
		subs.On(topic, typ, func(_ context.Context, ev daprkit.Event) error {
			c <- ev
			return answers[min(int(n.Add(1)), len(answers))-1]
		}, deadlines[typ]...)
	}
	again, invalid := errors.New("not yet"), fault.New(fault.Invalid, "invalid", "cannot be")
	away := fault.New(fault.Unavailable, "away", "not there")
	on("order", "order.good.v1", nil)
	on("order", "order.flaky.v1", again, again, nil)
	on("order", "order.bad.v1", invalid)
	on("order", "order.hopeless.v1", again)
	on("order", "order.waits.v1", away, away, nil)
	on("order", "order.gone.v1", away)
	on("order", "order.mended.v1", invalid, nil)
	dead := daprkit.DeadLetterTopic("order", "shop")
	for _, typ := range []string{"order.good.v1", "order.flaky.v1", "order.bad.v1", "order.hopeless.v1", "order.waits.v1", "order.gone.v1", "order.other.v1"} {
		on(dead, typ, nil)
	}
	r := chi.NewRouter()
	daprkit.Mount(r, daprkit.Routes{AppID: "shop", AppToken: daprtest.AppToken, Subscriptions: subs})
	side := daprtest.Start(t, daprtest.Options{
		AppID: "shop", App: r, Resources: map[string]string{"pubsub.yaml": memoryPubSub, "resiliency.yaml": inboundRetry},
	})
	subscriptions(t, side, 2)

	msgs := []outbox.Message{message("good"), message("flaky"), message("bad"), message("hopeless"), message("waits"), message("gone"), message("other")}
	if failed, err := side.PublishBulk(t.Context(), "order", msgs); err != nil || len(failed) > 0 {
		t.Fatalf("%v: %v", failed, err)
	}
	want := map[string]int{
		"order/order.good.v1": 1, "order/order.flaky.v1": 3, "order/order.bad.v1": 1, "order/order.hopeless.v1": 5,
		"order/order.waits.v1": 3, "order/order.gone.v1": 3,
		dead + "/order.bad.v1": 1, dead + "/order.hopeless.v1": 1, dead + "/order.gone.v1": 1,
	}
	for key, n := range want {
		for range n {
			if ev := receive(t, seen[key]); ev.ID == "" {
				t.Fatalf("%s did not come\n%s", key, side.Log())
			} else if key == "order/order.good.v1" {
				checkEvent(t, ev, msgs[0])
			}
		}
	}
	replay(t, side, seen["order/order.mended.v1"])
	for key, c := range seen {
		if len(c) > 0 {
			t.Errorf("%d deliveries too many of %s", len(c), key)
		}
	}
}

func message(kind string) outbox.Message {
	return outbox.Message{
		ID: uuid.New(), Type: "order." + kind + ".v1", Source: "order", Subject: "o-1", Sequence: 12345678901234567,
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Time:        time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		Data:        json.RawMessage(`{"sequence":12345678901234567,"total":{"amount":9007199254740993,"currency":"USD"}}`),
	}
}

// checkEvent holds that an event arrives as it was published.
func checkEvent(t *testing.T, got daprkit.Event, m outbox.Message) {
	t.Helper()
	var data struct {
		Sequence int64
		Total    struct{ Amount int64 }
	}
	if err := got.Decode(&data); err != nil {
		t.Fatal(err)
	}
	if got.ID != m.ID.String() || got.Type != m.Type || got.Source != m.Source || got.Subject != m.Subject || got.Topic != "order" ||
		!got.Time.Equal(m.Time) || got.TraceParent != m.TraceParent || got.Sequence != m.Sequence || data.Total.Amount != 9007199254740993 {
		t.Errorf("got  %+v %s\nwant %+v", got, got.Data, m)
	}
}

// replay publishes an event that is refused once, and puts its dead letter back.
func replay(t *testing.T, side *daprtest.Sidecar, mended <-chan daprkit.Event) {
	t.Helper()
	type result struct {
		n   int
		err error
	}
	done := make(chan result)
	go func() {
		n, err := side.ReplayDead(t.Context(), daprkit.DeadLetters{Topic: "order", AppID: "shop", Max: 1, Idle: 20 * time.Second})
		done <- result{n, err}
	}()
	m := message("mended")
	subscriptions(t, side, 3) // ours, and the one of the replay: the broker in memory keeps nothing for later
	if _, err := side.PublishBulk(t.Context(), "order", []outbox.Message{m}); err != nil {
		t.Fatal(err)
	}
	first, second := receive(t, mended), receive(t, mended)
	if res := <-done; res.err != nil || res.n != 1 {
		t.Errorf("replayed %d: %v", res.n, res.err)
	}
	if first.ID != m.ID.String() || !reflect.DeepEqual(first, second) {
		t.Errorf("first  %+v\nsecond %+v", first, second)
	}
}

func receive(t *testing.T, c <-chan daprkit.Event) daprkit.Event {
	t.Helper()
	select {
	case ev := <-c:
		return ev
	case <-time.After(testkit.Patience):
		return daprkit.Event{}
	}
}

// subscriptions waits until the sidecar has n of them.
func subscriptions(t *testing.T, side *daprtest.Sidecar, n int) {
	t.Helper()
	testkit.Eventually(t, testkit.Patience, func() error {
		m, err := side.Raw().GetMetadata(t.Context())
		if err != nil {
			return err
		}
		if len(m.Subscriptions) != n {
			return fmt.Errorf("%d subscriptions, want %d\n%s", len(m.Subscriptions), n, side.Log())
		}
		return nil
	})
}
