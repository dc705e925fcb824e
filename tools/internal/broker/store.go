package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	streamPrefix  = "t-"
	subjectPrefix = "t."

	headerContentType = "Content-Type"
	headerType        = "Ce-Type"
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"

	maxBatch       = 500 // events per atomic batch; the server takes 1,000
	minBatch       = 64  // below, an atomic batch's own cost (it is staged on disk first) outweighs its single fsync
	publishTimeout = 15 * time.Second
)

func topicOf(stream string) string { return untoken(strings.TrimPrefix(stream, streamPrefix)) }

// event is what a publisher hands over.
type event struct {
	data        []byte
	contentType string
	dedupe      bool
}

// store is JetStream seen as topics.
type store struct {
	cfg Config
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger

	mu     sync.Mutex
	topics map[string]*topic

	full atomic.Bool // the disk guard's word
}

type topic struct {
	name, subject string
	once          sync.Mutex
	stream        jetstream.Stream // nil until it exists on the server
}

func newStore(cfg Config, nc *nats.Conn) (*store, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(publishTimeout))
	if err != nil {
		return nil, fmt.Errorf("jetstream client: %w", err)
	}
	return &store{cfg: cfg, nc: nc, js: js, log: cfg.Log, topics: map[string]*topic{}}, nil
}

// topic makes the stream of a topic, once per run; what exists keeps its events and takes this run's limits.
func (s *store) topic(ctx context.Context, name string) (*topic, error) {
	tok, err := token(name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name, subject: subjectPrefix + tok}
		s.topics[name] = t
	}
	s.mu.Unlock()
	t.once.Lock()
	defer t.once.Unlock()
	if t.stream != nil {
		return t, nil
	}
	stream, err := s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamPrefix + tok, Description: name, Subjects: []string{t.subject},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxAge: s.cfg.MaxAge, MaxBytes: s.cfg.MaxBytes, Duplicates: s.cfg.Dedupe, AllowAtomicPublish: true,
	})
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	t.stream = stream
	return t, nil
}

// consumer makes the durable place of an app in a topic.
func (s *store) consumer(ctx context.Context, topicName, app string) (jetstream.Consumer, error) {
	t, err := s.topic(ctx, topicName)
	if err != nil {
		return nil, err
	}
	durable, err := token(app)
	if err != nil {
		return nil, err
	}
	pending := 1024
	if s.cfg.Ordered {
		pending = 1
	}
	c, err := t.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: durable, Description: app, AckPolicy: jetstream.AckExplicitPolicy, AckWait: s.cfg.AckWait,
		MaxAckPending: pending, MaxDeliver: -1, DeliverPolicy: jetstream.DeliverAllPolicy, MaxWaiting: 512,
	})
	if err != nil {
		return nil, fmt.Errorf("place of %s in topic %s: %w", app, topicName, err)
	}
	return c, nil
}

// publish stores events in order and answers one error per event, nil for what is on disk.
func (s *store) publish(ctx context.Context, topicName string, events []event) []error {
	errs := make([]error, len(events))
	fail := func(err error) []error {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
		return errs
	}
	if s.full.Load() {
		return fail(fmt.Errorf("%w: less than %d MiB left on the file system of %s", ErrDiskFull, s.cfg.MinFree>>20, s.cfg.Data))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	t, err := s.topic(ctx, topicName)
	if err != nil {
		return fail(err)
	}
	var msgs []*nats.Msg
	var index []int
	for i, e := range events {
		if len(e.data) > s.cfg.MaxEvent {
			errs[i] = fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooBig, len(e.data), s.cfg.MaxEvent)
			continue
		}
		msgs, index = append(msgs, message(t.subject, e)), append(index, i)
	}
	for at := 0; at < len(msgs); at += maxBatch {
		end := min(at+maxBatch, len(msgs))
		for k, err := range s.publishBatch(ctx, t, msgs[at:end]) {
			errs[index[at+k]] = err
		}
	}
	return errs
}

// publishBatch tries one atomic batch (one fsync for all) where that pays, and publishes the events one after the other,
// without waiting between them, where it does not or where the batch as a whole is refused: for a duplicate in it, or
// because the topic is full.
func (s *store) publishBatch(ctx context.Context, t *topic, msgs []*nats.Msg) []error {
	if len(msgs) >= minBatch && s.cfg.Sync == SyncAlways {
		if err := s.atomic(ctx, msgs); err == nil {
			return make([]error, len(msgs))
		}
	}
	errs := make([]error, len(msgs))
	acks := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs {
		for _, h := range []string{headerBatchID, headerBatchSeq, headerBatchCommit} {
			m.Header.Del(h)
		}
		acks[i], errs[i] = s.js.PublishMsgAsync(m)
	}
	trimmed := false
	for i, ack := range acks {
		if errs[i] != nil {
			continue
		}
		errs[i] = wait(ctx, ack)
		if isFull(errs[i]) {
			if !trimmed {
				s.trim(ctx, t)
				trimmed = true
			}
			errs[i] = s.again(ctx, t, msgs[i])
		}
	}
	return errs
}

func wait(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return fmt.Errorf("store event: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("store event: %w", ctx.Err())
	}
}

func (s *store) again(ctx context.Context, t *topic, m *nats.Msg) error {
	_, err := s.js.PublishMsg(ctx, m)
	if isFull(err) {
		return fmt.Errorf("%w: topic %s, held up by %s", ErrFull, t.name, s.holdUp(ctx, t))
	}
	if err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	return nil
}

// atomic publishes all or nothing; a nil error says that all are on disk.
func (s *store) atomic(ctx context.Context, msgs []*nats.Msg) error {
	id := nuid.Next()
	for i, m := range msgs {
		m.Header.Set(headerBatchID, id)
		m.Header.Set(headerBatchSeq, strconv.Itoa(i+1))
		if i < len(msgs)-1 {
			if err := s.nc.PublishMsg(m); err != nil {
				return fmt.Errorf("batch: %w", err)
			}
			continue
		}
		m.Header.Set(headerBatchCommit, "1")
		answer, err := s.nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			return fmt.Errorf("batch: %w", err)
		}
		var ack struct {
			Count int                 `json:"count"`
			Error *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(answer.Data, &ack); err != nil {
			return fmt.Errorf("batch: %w", err)
		}
		if ack.Error != nil {
			return fmt.Errorf("batch: %w", ack.Error)
		}
		if ack.Count != len(msgs) {
			return fmt.Errorf("batch: %d of %d events stored", ack.Count, len(msgs))
		}
	}
	return nil
}

// message gives an event its wire form. The dedupe key is the CloudEvents identity (source and id) where there is one; the
// type stands in a header, so that subscriptions can be told apart without reading the event again.
func message(subject string, e event) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = e.data
	if e.contentType != "" && !strings.ContainsAny(e.contentType, "\r\n") {
		m.Header.Set(headerContentType, e.contentType)
	}
	ce, ok := identify(e.data)
	if !ok {
		return m
	}
	if e.dedupe {
		sum := sha256.Sum256([]byte(ce.Source + "\x00" + ce.ID))
		m.Header.Set(jetstream.MsgIDHeader, hex.EncodeToString(sum[:16]))
	}
	if ce.Type != "" && !strings.ContainsAny(ce.Type, "\r\n") {
		m.Header.Set(headerType, ce.Type)
	}
	return m
}

// identity is what of a CloudEvent the broker reads.
type identity struct {
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	SpecVersion string `json:"specversion"`
}

func identify(data []byte) (ce identity, ok bool) {
	err := json.Unmarshal(data, &ce)
	return ce, err == nil && ce.ID != "" && ce.SpecVersion != ""
}

func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	// The server has one code for every refusal of the file store; the limit is known by its text only.
	return strings.Contains(api.Description, "maximum bytes exceeded") || strings.Contains(api.Description, "maximum messages exceeded")
}
