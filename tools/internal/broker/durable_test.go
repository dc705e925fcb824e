package broker

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// child runs `sidecart broker` as a process of its own on dir and waits until it answers.
func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test binary
	cmd.Env = append(os.Environ(), childArgs+"="+dir)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "the broker answers", func() bool {
		r, err := Status(t.Context(), "unix:"+filepath.Join(dir, "status"))
		return err == nil && r.PID == cmd.Process.Pid
	})
	return cmd
}

// Events are published, singly and in bulk, while the broker is killed. What was acknowledged must be there afterwards, in
// order; what was not may be.
func TestAcknowledgedPublishesSurviveAKill(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := child(t, dir)
	var mu sync.Mutex
	acked := map[string][]string{}
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for p := range 4 {
		s := introduce(t, dir, fmt.Sprint("app", p))
		topic := fmt.Sprint("topic", p)
		wg.Go(func() {
			for round := 0; ; round++ {
				events := numbers(fmt.Sprintf("%d-%d.", p, round), 1+round%40)
				var ok bool
				if len(events) == 1 {
					_, err := s.client.Publish(t.Context(), &proto.PublishRequest{Topic: topic, Data: []byte(events[0])})
					ok = err == nil
				} else {
					ok = publishBulk(t, s, topic, events)
				}
				if !ok {
					return
				}
				mu.Lock()
				acked[topic] = append(acked[topic], events...)
				if p == 0 && round == 60 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	wg.Wait()
	start(t, config(t, dir))
	for topic, events := range acked {
		sub := introduce(t, dir, "reader").subscribe(topic)
		at := 0
		for at < len(events) {
			msg := sub.next()
			if string(msg.GetData()) == events[at] {
				at++
			}
			sub.answer(msg, "")
		}
		t.Logf("%s: all %d acknowledged events are there", topic, at)
	}
}

func publishBulk(t *testing.T, s *sidecar, topic string, events []string) bool {
	req := &proto.BulkPublishRequest{Topic: topic}
	for _, e := range events {
		req.Entries = append(req.Entries, &proto.BulkMessageEntry{EntryId: e, Event: []byte(e)})
	}
	res, err := s.client.BulkPublish(t.Context(), req)
	return err == nil && len(res.GetFailedEntries()) == 0
}

// The subscriber of a killed broker gets what it had not acknowledged, soon after the broker is back.
func TestKilledBrokerDeliversAgain(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := child(t, dir)
	s := introduce(t, dir, "order")
	sub := s.subscribe("checkout")
	s.bulk("checkout", "1", "2", "3")
	sub.next() // held, never answered
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	if _, err := sub.stream.Recv(); err == nil {
		if _, err = sub.stream.Recv(); err == nil {
			_, err = sub.stream.Recv()
		}
		if err == nil {
			t.Fatal("the stream outlived its broker")
		}
	}
	start(t, config(t, dir))
	got := introduce(t, dir, "order").subscribe("checkout").take(3)
	if seen := strings.Join(got, ""); strings.Count(seen, "1") != 1 || strings.Count(seen, "2") != 1 || strings.Count(seen, "3") != 1 {
		t.Fatalf("got %q", got)
	}
}

func TestSecondBrokerOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := child(t, dir)
	cfg := config(t, dir)
	_, err := Open(cfg)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint(cmd.Process.Pid)) || !strings.Contains(err.Error(), cfg.Data) {
		t.Fatalf("same folder: %v", err)
	}
	cfg.Data = filepath.Join(dir, "other")
	cfg.Status = ""
	if _, err := Open(cfg); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "b.sock") {
		t.Fatalf("same socket: %v", err)
	}
	if _, err := Open(cfg); !errors.Is(err, ErrInUse) {
		t.Fatalf("a refused start left its folder locked: %v", err)
	}
	introduce(t, dir, "order").publish("checkout", "the first broker is untouched")
}

func TestUnreadableTopicStopsTheStart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	b := start(t, cfg)
	introduce(t, dir, "order").publish("checkout.paid", "1")
	b.Close()
	meta := filepath.Join(cfg.Data, "jetstream", "$G", "streams", "t-checkout=2epaid", "meta.inf")
	if err := os.WriteFile(meta, []byte("not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(cfg)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "checkout.paid") {
		t.Fatalf("got %v", err)
	}
}

// A torn write at the end of a block is what a crash leaves: the events before it stay.
func TestTornTailKeepsTheEventsBeforeIt(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	b := start(t, cfg)
	introduce(t, dir, "order").bulk("checkout", "1", "2", "3")
	b.Close()
	blocks, err := filepath.Glob(filepath.Join(cfg.Data, "jetstream", "$G", "streams", "t-checkout", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("blocks %v: %v", blocks, err)
	}
	f, err := os.OpenFile(blocks[len(blocks)-1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\x40\x00\x00\x00torn"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
	s := introduce(t, dir, "order")
	s.publish("checkout", "4")
	want(t, s.subscribe("checkout").take(4), "1", "2", "3", "4")
}

func TestCommandNamesBadFlags(t *testing.T) {
	t.Parallel()
	for args, word := range map[string]string{
		"--data= --socket-dir=/tmp/x": "data folder", "--data=/tmp/x --socket-dir=": "socket folder", "--nonsense": "nonsense",
		"--data=/tmp/x --socket-dir=/tmp/x --name=A.B": "A.B", "--data=/tmp/x --socket-dir=/tmp/x --sync=sometimes": "sometimes",
		"--max-bytes=much": "much", "--data=/tmp/x --socket-dir=/tmp/x stray": "stray",
		"--data=/tmp/x --socket-dir=/tmp/x --status=unix:/tmp/x/./status": "elsewhere",
		"--data=/tmp/x --socket-dir=/" + strings.Repeat("deep/", 30):      "shorter",
	} {
		if err := Command(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", args, err)
		}
	}
	if err := Command([]string{"-h"}); err != nil {
		t.Errorf("help: %v", err)
	}
}

func TestStatusIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	for _, addr := range []string{"0.0.0.0:0", ":0", "nowhere"} {
		cfg.Status = addr
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "status address") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	cfg.Status = "127.0.0.1:0"
	b := start(t, cfg)
	introduce(t, dir, "order").publish("checkout", "1")
	r, err := Status(t.Context(), b.status.listener.Addr().String())
	if err != nil || len(r.Topics) != 1 || r.Topics[0].Name != "checkout" || r.Topics[0].Events != 1 || r.Component != "pubsub.b" || r.FreeBytes == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if time.Since(r.Started) > time.Minute || r.Boot == "" {
		t.Fatalf("%+v", r)
	}
}
