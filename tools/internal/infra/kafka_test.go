//go:build kafka

package infra

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

func runKafka(t *testing.T, k Kafka) *process {
	t.Helper()
	argv, err := k.Prepare(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(argv, " "), k.Password) {
		t.Errorf("everybody may read the password: %q", argv)
	}
	p := start(t, argv)
	p.await(t, k.Ready)
	return p
}

// held counts the events of a topic.
func held(t *testing.T, k Kafka, topic string) (n int64) {
	t.Helper()
	c, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ends, err := c.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// Killed and started again, on another port even, it has every event; nobody else is let in; topics are made once; and any cluster's id
// is taken.
func TestKafkaKeepsAll(t *testing.T) {
	t.Parallel()
	k := Kafka{Dir: filepath.Join(t.TempDir(), "with blanks"), Port: freePort(t), Controller: freePort(t), Password: password, cluster: [16]byte{0xfb}} // "-w…"
	// A store that was being made when the tool was killed is none.
	if err := os.MkdirAll(filepath.Join(k.Dir, "log", "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := runKafka(t, k)
	for range 2 {
		if err := k.EnsureTopics(t.Context(), "order", "pricing"); err != nil {
			t.Fatal(err)
		}
	}
	stranger := k
	stranger.Password = "another"
	if err := stranger.Ready(t.Context()); err == nil {
		t.Error("another password is taken")
	}
	publish(t, k, 200)
	p.kill()
	k.Port, k.Controller = freePort(t), freePort(t)
	runKafka(t, k)
	if n := held(t, k, "order"); n != 200 {
		t.Errorf("%d of 200 events are left", n)
	}
}

func publish(t *testing.T, k Kafka, n int) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(shop.Local(k.Port)), kgo.SASL(plain.Auth{User: kafkaUser, Pass: k.Password}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: "order", Key: []byte(fmt.Sprint(i % 7)), Value: []byte("{}")})
	}
	if err := c.ProduceSync(context.WithoutCancel(t.Context()), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestKafkaOnATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	argv, err := Kafka{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port, Controller: freePort(t), Password: password}.Prepare(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if log := start(t, argv).ends(t); !strings.Contains(log, "Address already in use") {
		t.Errorf("it says %s", log)
	}
}
