package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// childArgs makes the test binary a broker process, for tests that kill one.
const childArgs = "BROKER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childArgs); dir != "" {
		err := Command([]string{"--data", filepath.Join(dir, "data"), "--socket-dir", filepath.Join(dir, "s"), "--name", "b", "--status", "unix:" + filepath.Join(dir, "status")})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// folder is a temporary folder with a path short enough for sockets.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "broker") //nolint:usetesting // a test's own folder may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func config(t *testing.T, dir string) Config {
	return Config{
		Data: filepath.Join(dir, "data"), SocketDir: filepath.Join(dir, "s"), Name: "b", Status: "unix:" + filepath.Join(dir, "status"), NackDelay: 5 * time.Millisecond,
		Drain: 5 * time.Second, AckWait: time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func start(t *testing.T, cfg Config) *Broker {
	t.Helper()
	b, err := Open(cfg)
	if err != nil {
		t.Fatalf("open broker: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

// sidecar speaks the component protocol as daprd does: one connection, Init, one stream per topic.
type sidecar struct {
	t      *testing.T
	conn   *grpc.ClientConn
	client proto.PubSubClient
}

func connect(t *testing.T, dir string) *sidecar {
	t.Helper()
	conn, err := grpc.NewClient("unix://"+filepath.Join(dir, "s", "b.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &sidecar{t: t, conn: conn, client: proto.NewPubSubClient(conn)}
}

func introduce(t *testing.T, dir, app string) *sidecar {
	t.Helper()
	s := connect(t, dir)
	ctx := metadata.AppendToOutgoingContext(t.Context(), instanceHeader, "pubsub")
	_, err := s.client.Init(ctx, &proto.PubSubInitRequest{Metadata: &proto.MetadataRequest{Properties: map[string]string{"consumerID": app, GenerationKey: "1"}}})
	if err != nil {
		t.Fatalf("init %s: %v", app, err)
	}
	return s
}

func (s *sidecar) publish(topic string, events ...string) {
	s.t.Helper()
	for _, e := range events {
		if _, err := s.client.Publish(s.t.Context(), &proto.PublishRequest{Topic: topic, Data: []byte(e)}); err != nil {
			s.t.Fatalf("publish %q to %s: %v", e, topic, err)
		}
	}
}

func (s *sidecar) bulk(topic string, events ...string) []*proto.BulkPublishResponseFailedEntry {
	s.t.Helper()
	req := &proto.BulkPublishRequest{Topic: topic}
	for i, e := range events {
		req.Entries = append(req.Entries, &proto.BulkMessageEntry{EntryId: fmt.Sprint(i), Event: []byte(e), ContentType: "application/cloudevents+json"})
	}
	res, err := s.client.BulkPublish(s.t.Context(), req)
	if err != nil {
		s.t.Fatalf("bulk publish to %s: %v", topic, err)
	}
	return res.GetFailedEntries()
}

type subscription struct {
	t      *testing.T
	stream proto.PubSub_PullMessagesClient
	cancel context.CancelFunc
}

// subscribe opens a subscription, to all types or to those named.
func (s *sidecar) subscribe(topic string, types ...string) *subscription {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	stream, err := s.client.PullMessages(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := stream.Send(&proto.PullMessagesRequest{Topic: &proto.Topic{Name: topic, Metadata: map[string]string{metadataTypes: strings.Join(types, ",")}}}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(cancel)
	return &subscription{t: s.t, stream: stream, cancel: cancel}
}

func (s *subscription) next() *proto.PullMessagesResponse {
	s.t.Helper()
	msg, err := s.stream.Recv()
	if err != nil {
		s.t.Fatalf("receive: %v", err)
	}
	return msg
}

func (s *subscription) answer(msg *proto.PullMessagesResponse, failure string) {
	s.t.Helper()
	req := &proto.PullMessagesRequest{AckMessageId: msg.GetId()}
	if failure != "" {
		req.AckError = &proto.AckMessageError{Message: failure}
	}
	if err := s.stream.Send(req); err != nil {
		s.t.Fatalf("answer: %v", err)
	}
}

// take receives n events, acknowledges each, and returns their data in order.
func (s *subscription) take(n int) []string {
	s.t.Helper()
	out := make([]string, 0, n)
	for range n {
		msg := s.next()
		out = append(out, string(msg.GetData()))
		s.answer(msg, "")
	}
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// until waits for a condition that another process or connection brings about.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func report(t *testing.T, b *Broker) Report {
	t.Helper()
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func place(r Report, topic, app string) (Consumer, bool) {
	for _, tp := range r.Topics {
		for _, c := range tp.Consumers {
			if tp.Name == topic && c.App == app {
				return c, true
			}
		}
	}
	return Consumer{}, false
}

func numbers(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}
