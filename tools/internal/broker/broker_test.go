package broker

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha" //nolint:staticcheck // the version that daprd 1.18 asks for
	"google.golang.org/grpc/status"
)

func TestPublishedEventsArriveInOrder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	b := start(t, config(t, dir))
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.publish("checkout", "a", "b")
	if failed := s.bulk("checkout", numbers("n", 1200)...); len(failed) > 0 {
		t.Fatalf("%d entries failed, first: %s", len(failed), failed[0].GetError())
	}
	want(t, sub.take(1202), append([]string{"a", "b"}, numbers("n", 1200)...)...)
	until(t, "everything acknowledged", func() bool {
		c, ok := place(report(t, b), "checkout", "order")
		return ok && c.Lag == 0 && c.Pending == 0 && c.AckFloor == 1202
	})
}

func TestContentTypeAndTopicTravelWithTheEvent(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	sub := s.subscribe("order.dead.checkout")
	s.bulk("order.dead.checkout", "x")
	msg := sub.next()
	if msg.GetTopicName() != "order.dead.checkout" || msg.GetContentType() != "application/cloudevents+json" || msg.GetId() == "" {
		t.Fatalf("got topic %q, content type %q, id %q", msg.GetTopicName(), msg.GetContentType(), msg.GetId())
	}
}

// Topics that would be one subject, one stream or one folder if their names were used as they are.
func TestTopicsDoNotMix(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	topics := []string{"order", "order.dead", "Order", "order.*", "order.>", "*", ">", "order/dead", "order dead", "ordér", "..", "t=2e"}
	for _, topic := range topics {
		s.publish(topic, topic)
	}
	for _, topic := range topics {
		sub := s.subscribe(topic)
		want(t, sub.take(1), topic)
		s.publish(topic, "last")
		want(t, sub.take(1), "last")
	}
}

func TestRefusedEventComesAgain(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	b := start(t, config(t, dir))
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.publish("checkout", "poison")
	for range 3 {
		msg := sub.next()
		if string(msg.GetData()) != "poison" {
			t.Fatalf("got %q", msg.GetData())
		}
		sub.answer(msg, "not now")
	}
	want(t, sub.take(1), "poison")
	until(t, "acknowledged", func() bool {
		c, _ := place(report(t, b), "checkout", "order")
		return c.AckFloor == 1
	})
	if r := report(t, b); r.Pulls[0].Nacked != 3 || r.Pulls[0].Acked != 1 {
		t.Fatalf("report says %+v", r.Pulls[0])
	}
}

func TestOrderedKeepsTheOrderThroughRedelivery(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.Ordered = true
	start(t, cfg)
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.bulk("checkout", "1", "2", "3")
	sub.answer(sub.next(), "not now")
	want(t, sub.take(3), "1", "2", "3")
}

// A subscription that names types gets those and what has none; the others are done with.
func TestSubscriptionByType(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	ce := func(id, typ string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"test","type":%q}`, id, typ)
	}
	some, all := introduce(t, dir, "some"), introduce(t, dir, "all").subscribe("order")
	first := some.subscribe("order", "order.placed.v1", "order.cancelled.v1")
	events := []string{ce("1", "order.placed.v1"), ce("2", "order.confirmed.v1"), "no event at all", ce("3", "order.cancelled.v1"), ce("4", "order.confirmed.v1")}
	introduce(t, dir, "order").bulk("order", events...)
	want(t, all.take(5), events...)
	want(t, first.take(3), events[0], events[2], events[3])
	some.publish("order", ce("5", "order.confirmed.v1"), ce("6", "order.placed.v1"))
	want(t, first.take(1), ce("6", "order.placed.v1"))
}

func TestEachAppGetsEachEventAndInstancesShare(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.Window = 4
	start(t, cfg)
	other := introduce(t, dir, "mail").subscribe("order")
	one, two := introduce(t, dir, "stock").subscribe("order"), introduce(t, dir, "stock").subscribe("order")
	events := numbers("e", 60)
	introduce(t, dir, "order").bulk("order", events...)
	// Neither instance can hold more than its window: what it leaves unanswered blocks only itself.
	held := one.next()
	got := make(chan string)
	drain := func(s *subscription) {
		for {
			msg, err := s.stream.Recv()
			if err != nil {
				return
			}
			if s.stream.Send(&proto.PullMessagesRequest{AckMessageId: msg.GetId()}) != nil {
				return
			}
			select {
			case got <- string(msg.GetData()):
			case <-t.Context().Done():
				return
			}
		}
	}
	go drain(one)
	go drain(two)
	shared := []string{string(held.GetData())}
	for range 59 {
		shared = append(shared, <-got)
	}
	one.answer(held, "")
	slices.Sort(shared)
	sorted := slices.Clone(events)
	slices.Sort(sorted)
	want(t, shared, sorted...)
	want(t, other.take(60), events...)
}

// What a broken stream held goes to the next one, in order.
func TestUnansweredEventsGoToTheNextStream(t *testing.T) {
	t.Parallel()
	for _, ordered := range []bool{false, true} {
		t.Run(fmt.Sprint("ordered ", ordered), func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			cfg := config(t, dir)
			cfg.Ordered = ordered
			b := start(t, cfg)
			s := introduce(t, dir, "order")
			s.bulk("checkout", "1", "2", "3", "4")
			first := s.subscribe("checkout")
			want(t, first.take(1), "1")
			first.next() // 2: held when the stream breaks
			until(t, "the first is acknowledged", func() bool {
				c, _ := place(report(t, b), "checkout", "order")
				return c.AckFloor == 1
			})
			first.cancel()
			until(t, "the stream is gone", func() bool { return len(report(t, b).Pulls) == 0 })
			want(t, s.subscribe("checkout").take(3), "2", "3", "4")
		})
	}
}

// A slow app must not get a second copy beside the first: the window is renewed while its stream lives.
func TestSlowSubscriberGetsNoSecondCopy(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.AckWait = 150 * time.Millisecond
	b := start(t, cfg)
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.publish("checkout", "slow")
	msg := sub.next()
	until(t, "held four ack waits long", func() bool { return report(t, b).Pulls[0].OldestMS > 600 })
	sub.answer(msg, "")
	s.publish("checkout", "next")
	want(t, sub.take(1), "next")
}

func TestRestartKeepsUnacknowledgedEvents(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	b := start(t, cfg)
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.bulk("checkout", numbers("n", 10)...)
	want(t, sub.take(4), "n0", "n1", "n2", "n3")
	until(t, "four are acknowledged", func() bool {
		c, _ := place(report(t, b), "checkout", "order")
		return c.AckFloor == 4
	})
	sub.cancel()
	boot := report(t, b).Boot
	b.Close()
	b = start(t, cfg)
	if report(t, b).Boot == boot {
		t.Fatal("a new start has the old boot id")
	}
	want(t, introduce(t, dir, "order").subscribe("checkout").take(6), numbers("n", 10)[4:]...)
	want(t, introduce(t, dir, "mail").subscribe("checkout").take(10), numbers("n", 10)...)
}

func TestStopWaitsForAnswersAndEndsStreamsCleanly(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.Window = 1
	b := start(t, cfg)
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.bulk("checkout", "1", "2")
	msg := sub.next()
	closed := make(chan struct{})
	go func() {
		b.Close()
		close(closed)
	}()
	until(t, "draining", func() bool {
		b.service.mu.Lock()
		defer b.service.mu.Unlock()
		return b.service.draining
	})
	sub.answer(msg, "")
	if _, err := sub.stream.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("stream ended with %v, want a clean end", err)
	}
	<-closed
	start(t, cfg)
	want(t, introduce(t, dir, "order").subscribe("checkout").take(1), "2")
}

func TestPauseHoldsDeliveriesBack(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	b := start(t, config(t, dir))
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.publish("checkout", "1")
	held := sub.next()
	if _, err := s.client.Pause(t.Context(), &proto.PauseRequest{}); err != nil {
		t.Fatal(err)
	}
	s.publish("checkout", "2")
	sub.answer(held, "") // acknowledgements are taken while paused
	until(t, "the first is acknowledged, the second waits", func() bool {
		c, _ := place(report(t, b), "checkout", "order")
		return c.AckFloor == 1 && c.Lag == 1 && report(t, b).Pulls[0].Paused
	})
	if _, err := s.client.Resume(t.Context(), &proto.ResumeRequest{}); err != nil {
		t.Fatal(err)
	}
	want(t, sub.take(1), "2")
}

func TestSubscribingNeedsInit(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := connect(t, dir)
	_, err := s.subscribe("checkout").stream.Recv()
	// The process behind the socket is known by its Init on another connection, where the system tells who it is; this
	// test has made none yet.
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "generation bump") {
		t.Fatalf("got %v", err)
	}
	if _, err := s.client.Init(t.Context(), &proto.PubSubInitRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Fatalf("init without consumerID: %v", err)
	}
	s.publish("checkout", "publishing needs no Init: daprd's client comes back without")
}

func TestNewConnectionOfAKnownProcessNeedsNoInit(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	s.publish("checkout", "1")
	again := connect(t, dir)
	ctx := metadata.AppendToOutgoingContext(t.Context(), instanceHeader, "pubsub")
	stream, err := again.client.PullMessages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&proto.PullMessagesRequest{Topic: &proto.Topic{Name: "checkout"}}); err != nil {
		t.Fatal(err)
	}
	sub := &subscription{t: t, stream: stream}
	want(t, sub.take(1), "1")
}

// daprd finds components through the reflection service, version v1alpha.
func TestReflectionNamesTheService(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	stream, err := reflectpb.NewServerReflectionClient(connect(t, dir).conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	//nolint:staticcheck // the version that daprd 1.18 asks for
	if err := stream.Send(&reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	res, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(res.String(), proto.PubSub_ServiceDesc.ServiceName) {
		t.Fatalf("services: %s", res)
	}
}
