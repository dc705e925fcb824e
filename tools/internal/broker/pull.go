package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	fetchWait    = 20 * time.Second // how long an idle request for events stands at JetStream
	maxNackDelay = 30 * time.Second
)

var (
	errPaused   = errors.New("paused")
	errDraining = errors.New("draining")
	errGone     = errors.New("subscriber gone")
)

type pullIdentity struct {
	app, topic string
	peer       uint64
	pid        int
}

// inflight is an event that the sidecar holds. Its acknowledgement window is renewed while the stream lives, so a slow app
// never gets a second copy beside the first; when the stream ends it goes back at once.
type inflight struct {
	msg   jetstream.Msg
	seq   uint64
	tries uint64
	since time.Time
}

// pull is one open subscription: a window of events towards the sidecar, acknowledgements back.
type pull struct {
	id     pullIdentity
	cons   jetstream.Consumer
	stream proto.PubSub_PullMessagesServer
	cfg    Config
	since  time.Time
	wake   chan struct{} // something changed: a slot is free, paused, draining

	mu        sync.Mutex
	held      map[string]inflight
	next      uint64
	paused    bool
	draining  bool
	interrupt context.CancelCauseFunc // ends the request for events that stands now
	acked     uint64
	nacked    uint64
}

func newPull(id pullIdentity, cons jetstream.Consumer, stream proto.PubSub_PullMessagesServer, cfg Config) *pull {
	return &pull{id: id, cons: cons, stream: stream, cfg: cfg, since: time.Now(), wake: make(chan struct{}, 1), held: map[string]inflight{}}
}

// run serves the subscription to its end. nil means a clean end (the sidecar closed it, or the broker stops).
func (p *pull) run() error {
	ctx, cancel := context.WithCancelCause(p.stream.Context())
	defer cancel(nil)
	go p.receive(cancel) // ends with the stream, which ends when run returns
	go p.renew(ctx)
	err := p.send(ctx)
	if errors.Is(err, errDraining) {
		p.await(ctx)
		err = nil
	}
	cancel(errGone)
	p.giveBack()
	if err != nil && (errors.Is(err, errGone) || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

// receive takes acknowledgements until the stream ends.
func (p *pull) receive(cancel context.CancelCauseFunc) {
	for {
		req, err := p.stream.Recv()
		if err != nil {
			cancel(errGone)
			return
		}
		p.settle(req.GetAckMessageId(), req.GetAckError() != nil)
	}
}

// settle ends an event's way: acknowledged, or to come again after a delay that doubles with each try.
func (p *pull) settle(id string, failed bool) {
	p.mu.Lock()
	f, ok := p.held[id]
	if ok {
		delete(p.held, id)
		if failed {
			p.nacked++
		} else {
			p.acked++
		}
	}
	p.mu.Unlock()
	if !ok {
		return // answered twice, or given back already
	}
	// A lost acknowledgement costs a second delivery, nothing else; the connection is in this process.
	if failed {
		_ = f.msg.NakWithDelay(nackDelay(p.cfg.NackDelay, f.tries))
	} else {
		_ = f.msg.Ack()
	}
	p.signal()
}

func nackDelay(first time.Duration, tries uint64) time.Duration {
	d := first
	for range min(tries-min(tries, 1), 16) {
		d *= 2
	}
	return min(d, maxNackDelay)
}

// send passes events on, at most Window of them unanswered.
func (p *pull) send(ctx context.Context) error {
	for {
		n, err := p.slots(ctx)
		if err != nil {
			return err
		}
		if err := p.fetch(ctx, n); err != nil {
			return err
		}
	}
}

// slots waits until events may be asked for and says how many.
func (p *pull) slots(ctx context.Context) (int, error) {
	for {
		p.mu.Lock()
		free, idle, paused, draining := p.cfg.Window-len(p.held), len(p.held) == 0, p.paused, p.draining
		p.mu.Unlock()
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if draining {
			return 0, errDraining
		}
		// Half a window at a time: asking for each single slot would cost a request per event.
		if !paused && (idle || free >= (p.cfg.Window+1)/2) {
			return free, nil
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// fetch asks JetStream for n events and sends them as they come.
func (p *pull) fetch(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	p.mu.Lock()
	p.interrupt = interrupt
	if p.paused || p.draining {
		interrupt(errPaused)
	}
	p.mu.Unlock()
	batch, err := p.cons.Fetch(n, jetstream.FetchContext(ctx))
	if err != nil {
		return p.fetchError(ctx, err)
	}
	var sendErr error
	for msg := range batch.Messages() {
		if sendErr != nil || ctx.Err() != nil {
			_ = msg.Nak() // not sent: at once to whoever asks next
			continue
		}
		if sendErr = p.deliver(msg); sendErr != nil {
			interrupt(errGone)
		}
	}
	if sendErr != nil {
		return sendErr
	}
	if err := batch.Error(); err != nil {
		return p.fetchError(ctx, err)
	}
	return nil
}

// fetchError sorts the ordinary ends of a request (time over, paused, subscriber gone) from trouble with the store.
func (p *pull) fetchError(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
		if cause := context.Cause(p.stream.Context()); cause != nil {
			return errGone
		}
		return nil
	}
	return status.Errorf(codes.Unavailable, "topic %s: %v", p.id.topic, err)
}

func (p *pull) deliver(msg jetstream.Msg) error {
	meta, err := msg.Metadata()
	if err != nil {
		return status.Errorf(codes.Internal, "topic %s: %v", p.id.topic, err)
	}
	p.mu.Lock()
	p.next++
	id := strconv.FormatUint(p.next, 36)
	p.held[id] = inflight{msg: msg, seq: meta.Sequence.Stream, tries: meta.NumDelivered, since: time.Now()}
	p.mu.Unlock()
	err = p.stream.Send(&proto.PullMessagesResponse{
		Data: msg.Data(), TopicName: p.id.topic, ContentType: msg.Headers().Get(headerContentType), Id: id,
	})
	if err != nil {
		return errGone
	}
	return nil
}

// renew keeps the acknowledgement window of held events open.
func (p *pull) renew(ctx context.Context) {
	tick := time.NewTicker(p.cfg.AckWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.mu.Lock()
		held := make([]inflight, 0, len(p.held))
		for _, f := range p.held {
			held = append(held, f)
		}
		p.mu.Unlock()
		for _, f := range held {
			_ = f.msg.InProgress() // if it is lost, the event comes a second time
		}
	}
}

// await lets the sidecar answer for what it holds, at stop.
func (p *pull) await(ctx context.Context) {
	limit := time.NewTimer(p.cfg.Drain)
	defer limit.Stop()
	for {
		p.mu.Lock()
		idle := len(p.held) == 0
		p.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-p.wake:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// giveBack returns what was not answered, in order, for the next subscriber.
func (p *pull) giveBack() {
	p.mu.Lock()
	held := make([]inflight, 0, len(p.held))
	for _, f := range p.held {
		held = append(held, f)
	}
	clear(p.held)
	p.mu.Unlock()
	slices.SortFunc(held, func(a, b inflight) int { return cmp.Compare(a.seq, b.seq) })
	for _, f := range held {
		_ = f.msg.Nak()
	}
}

func (p *pull) pause(on bool) {
	p.mu.Lock()
	p.paused = on
	if on && p.interrupt != nil {
		p.interrupt(errPaused)
	}
	p.mu.Unlock()
	p.signal()
}

func (p *pull) drain() {
	p.mu.Lock()
	p.draining = true
	if p.interrupt != nil {
		p.interrupt(errDraining)
	}
	p.mu.Unlock()
	p.signal()
}

func (p *pull) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pull) report() Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := Pull{App: p.id.app, Topic: p.id.topic, Peer: p.id.peer, PID: p.id.pid, Since: p.since, InFlight: len(p.held), Acked: p.acked, Nacked: p.nacked, Paused: p.paused}
	for _, f := range p.held {
		r.OldestMS = max(r.OldestMS, time.Since(f.since).Milliseconds())
	}
	return r
}
