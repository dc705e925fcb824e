package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

func TestTokenIsReversibleAndSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		tok, err := token(name)
		if err != nil {
			if name != "" && len(name)*3 <= maxToken {
				t.Fatalf("refused %q: %v", name, err)
			}
			return
		}
		if strings.ContainsAny(tok, ".*> /\\\t\r\n") || tok != strings.ToLower(tok) || len(tok) > maxToken {
			t.Fatalf("%q became %q", name, tok)
		}
		if back := untoken(tok); back != name {
			t.Fatalf("%q became %q became %q", name, tok, back)
		}
	})
}

func cloudEvent(source, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","source":%q,"id":%q,"type":"x","data":%q}`, source, id, data)
}

func TestSameEventTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	a, b, c := cloudEvent("order", "1", "a"), cloudEvent("order", "2", "b"), cloudEvent("stock", "1", "other source")
	s.publish("checkout", a, a)
	if failed := s.bulk("checkout", a, b, b, c); len(failed) > 0 { // a batch with duplicates in it
		t.Fatalf("failed: %v", failed)
	}
	plain := `{"id":"1","source":"order"}` // no CloudEvent: its id means nothing here
	s.publish("checkout", plain, plain)
	replay := &proto.PublishRequest{Topic: "checkout", Data: []byte(a), Metadata: map[string]string{"dedupe": "false"}}
	if _, err := s.client.Publish(t.Context(), replay); err != nil {
		t.Fatal(err)
	}
	want(t, s.subscribe("checkout").take(6), a, b, c, plain, plain, a)
}

func TestDedupeSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	b := start(t, cfg)
	a := cloudEvent("order", "1", "a")
	introduce(t, dir, "order").publish("checkout", a)
	b.Close()
	start(t, cfg)
	s := introduce(t, dir, "order")
	s.publish("checkout", a, "end")
	want(t, s.subscribe("checkout").take(2), a, "end")
}

// daprd receives 4 MiB at most: an event above it would end the subscription each time it is delivered.
func TestEventThatDaprdCannotReceiveIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	big := strings.Repeat("x", maxEventLimit)
	_, err := s.client.Publish(t.Context(), &proto.PublishRequest{Topic: "checkout", Data: []byte(big + "x")})
	if status.Code(err) != codes.InvalidArgument {
		t.Fatalf("too big: %v", err)
	}
	failed := s.bulk("checkout", "small", big+"x", big, "last")
	if len(failed) != 1 || failed[0].GetEntryId() != "1" {
		t.Fatalf("failed: %v", failed)
	}
	want(t, s.subscribe("checkout").take(3), "small", big, "last")
}

func TestUnusableTopicIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, config(t, dir))
	s := introduce(t, dir, "order")
	for _, topic := range []string{"", strings.Repeat("Ä", 90)} {
		if _, err := s.client.Publish(t.Context(), &proto.PublishRequest{Topic: topic}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("publish to %q: %v", topic, err)
		}
		if _, err := s.subscribe(topic).stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("subscribe to %q: %v", topic, err)
		}
	}
}

func TestFullTopicDropsOnlyWhatAllHaveAcknowledged(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.MaxBytes = 1 << 20
	b := start(t, cfg)
	s := introduce(t, dir, "stock")
	fast, slow := s.subscribe("checkout"), introduce(t, dir, "mail").subscribe("checkout")
	chunk := strings.Repeat("x", 100<<10)
	for i := range 9 {
		s.publish("checkout", fmt.Sprint(i)+chunk)
	}
	fast.take(9)
	slow.take(1)
	until(t, "acknowledgements are in", func() bool {
		f, _ := place(report(t, b), "checkout", "stock")
		m, _ := place(report(t, b), "checkout", "mail")
		return f.AckFloor == 9 && m.AckFloor == 1
	})
	s.publish("checkout", "9"+chunk, "10"+chunk) // makes room by dropping the one that both have
	failed := s.bulk("checkout", "a"+chunk, "b"+chunk)
	if len(failed) != 2 || !strings.Contains(failed[0].GetError(), "mail") {
		t.Fatalf("a topic full of unread events took more: %v", failed)
	}
	_, err := s.client.Publish(t.Context(), &proto.PublishRequest{Topic: "checkout", Data: []byte(chunk)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Fatalf("got %v", err)
	}
	for i, got := range slow.take(10) {
		if name := strings.TrimRight(got, "x"); name != fmt.Sprint(i+1) {
			t.Fatalf("event %d is %q", i+1, name)
		}
	}
	until(t, "the slow one has caught up", func() bool {
		m, _ := place(report(t, b), "checkout", "mail")
		return m.AckFloor == 11
	})
	s.publish("checkout", "a"+chunk, "b"+chunk)
}

func TestUnreadDeadLettersMakeRoom(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	cfg.MaxBytes = 1 << 20
	b := start(t, cfg)
	s := introduce(t, dir, "stock")
	chunk := strings.Repeat("x", 100<<10)
	for i := range 25 {
		s.publish("order.dead.stock", fmt.Sprint(i)+chunk)
	}
	if r := report(t, b); r.Topics[0].LastSeq != 25 || r.Topics[0].Events == 0 || r.Topics[0].Bytes > 1<<20 {
		t.Fatalf("%+v", r.Topics[0])
	}
}

func TestNearlyFullDiskRefusesPublishesAndStillDelivers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var free atomic.Uint64
	free.Store(1 << 40)
	b, err := open(config(t, dir), func(string) (uint64, error) { return free.Load(), nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s := introduce(t, dir, "order")
	s.publish("checkout", "1")
	free.Store(1 << 20)
	b.guard()
	_, err = s.client.Publish(t.Context(), &proto.PublishRequest{Topic: "checkout", Data: []byte("2")})
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("got %v", err)
	}
	if failed := s.bulk("checkout", "3", "4"); len(failed) != 2 {
		t.Fatalf("bulk: %v", failed)
	}
	if !report(t, b).Refusing {
		t.Fatal("the report does not say so")
	}
	want(t, s.subscribe("checkout").take(1), "1")
	free.Store(1 << 40)
	b.guard()
	s.publish("checkout", "5")
}

// Past the guard, a store that cannot be written ends the broker with the reason, instead of leaving publishers waiting.
func TestUnwritableStoreEndsTheBroker(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]error{"no space left on device": ErrDiskFull, "input/output error": errWrite} {
		b, err := Open(config(t, folder(t)))
		if err != nil {
			t.Fatal(err)
		}
		b.log.Errorf("Filestore [t-a] Critical write error: write x.blk: %s", words)
		if err := b.Serve(t.Context()); !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
