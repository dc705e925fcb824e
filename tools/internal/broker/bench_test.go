package broker

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// BenchmarkPublish shows what durability costs per event of 600 bytes: one client, over the socket, by batch size.
func BenchmarkPublish(b *testing.B) {
	for _, sync := range []string{SyncAlways, "2s"} {
		for _, size := range []int{1, 10, 100, 500} {
			b.Run(fmt.Sprintf("sync=%s/batch=%d", sync, size), func(b *testing.B) {
				client := benchClient(b, sync)
				req := &proto.BulkPublishRequest{Topic: "order"}
				for i := range size {
					req.Entries = append(req.Entries, &proto.BulkMessageEntry{EntryId: fmt.Sprint(i), Event: []byte(strings.Repeat("x", 600))})
				}
				b.ResetTimer()
				for range b.N {
					res, err := client.BulkPublish(b.Context(), req)
					if err != nil || len(res.GetFailedEntries()) > 0 {
						b.Fatal(err, res.GetFailedEntries())
					}
				}
				b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkDeliver is one subscriber that acknowledges each event at once.
func BenchmarkDeliver(b *testing.B) {
	client := benchClient(b, "2s")
	req := &proto.BulkPublishRequest{Topic: "order"}
	for i := range b.N {
		req.Entries = append(req.Entries, &proto.BulkMessageEntry{EntryId: fmt.Sprint(i), Event: []byte(strings.Repeat("x", 600))})
		if len(req.Entries) == 500 || i == b.N-1 {
			if res, err := client.BulkPublish(b.Context(), req); err != nil || len(res.GetFailedEntries()) > 0 {
				b.Fatal(err, res.GetFailedEntries())
			}
			req.Entries = nil
		}
	}
	b.ResetTimer()
	stream, err := client.PullMessages(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := stream.Send(&proto.PullMessagesRequest{Topic: &proto.Topic{Name: "order"}}); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		msg, err := stream.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if err := stream.Send(&proto.PullMessagesRequest{AckMessageId: msg.GetId()}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func benchClient(b *testing.B, sync string) proto.PubSubClient {
	b.Helper()
	dir := b.TempDir()
	sockets := filepath.Join(dir, "s")
	server, err := Open(Config{Data: filepath.Join(dir, "data"), SocketDir: sockets, Name: "b", Sync: sync})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	conn, err := grpc.NewClient("unix://"+filepath.Join(sockets, "b.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	client := proto.NewPubSubClient(conn)
	init := &proto.PubSubInitRequest{Metadata: &proto.MetadataRequest{Properties: map[string]string{"consumerID": "bench"}}}
	if _, err := client.Init(b.Context(), init); err != nil {
		b.Fatal(err)
	}
	return client
}
