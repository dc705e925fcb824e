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

const maxNackDelay = 30 * time.Second

var (
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
	reply string // where its acknowledgement goes
	seq   uint64
	tries uint64
	since time.Time

	unsent bool // arrived as the request ended: the sidecar never saw it
}

// pull is one open subscription: a window of events towards the sidecar, acknowledgements back.
type pull struct {
	id     pullIdentity
	cons   jetstream.Consumer
	nc     *nats.Conn
	stream proto.PubSub_PullMessagesServer
	cfg    Config
	types  []string // the event types wanted; none: all
	since  time.Time
	wake   chan struct{} // something changed: a slot is free, paused, draining

	mu       sync.Mutex
	held     map[string]inflight
	next     uint64
	paused   bool
	draining bool
	acked    uint64
	nacked   uint64
}

func newPull(id pullIdentity, nc *nats.Conn, cons jetstream.Consumer, stream proto.PubSub_PullMessagesServer, cfg Config) *pull {
	return &pull{id: id, nc: nc, cons: cons, stream: stream, cfg: cfg, since: time.Now(), wake: make(chan struct{}, 1), held: map[string]inflight{}}
}

// run serves the subscription to its end. nil means a clean end (the sidecar closed it, or the broker stops).
func (p *pull) run() error {
	ctx, cancel := context.WithCancelCause(p.stream.Context())
	defer cancel(nil)
	go p.receive(cancel) // ends with the stream, which ends when run returns
	go p.renew(ctx)
	err := p.send(ctx)
	if errors.Is(err, errDraining) {
		p.giveBackUnsent()
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
		_ = p.nc.Publish(f.reply, nakWord(nackDelay(p.cfg.NackDelay, f.tries)))
	} else {
		_ = p.nc.Publish(f.reply, ackWord())
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

// send passes events on, at most Window of them unanswered, until the subscription ends; it returns why. While paused it
// rests without a request at JetStream, so that another instance gets what comes.
func (p *pull) send(ctx context.Context) error {
	for {
		if err := p.resume(ctx); err != nil {
			return err
		}
		src, err := newSource(p.nc, p.cons, p.cfg.Window)
		if err != nil {
			return status.Errorf(codes.Unavailable, "topic %s: %v", p.id.topic, err)
		}
		err = p.forward(ctx, src)
		for _, m := range src.stop() {
			if holdErr := p.hold(m, false); holdErr != nil {
				err = holdErr
			}
		}
		if err != nil {
			return err
		}
		p.giveBackUnsent()
	}
}

// resume waits while the subscription is paused.
func (p *pull) resume(ctx context.Context) error {
	for {
		paused, draining := p.state()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case draining:
			return errDraining
		case !paused:
			return nil
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

func (p *pull) state() (paused, draining bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused, p.draining
}

// forward moves events from the source to the sidecar; nil means paused.
func (p *pull) forward(ctx context.Context, src *source) error {
	look := time.NewTicker(fetchWait)
	defer look.Stop()
	for {
		if paused, draining := p.state(); draining {
			return errDraining
		} else if paused {
			return nil
		}
		if n := p.room(); n > 0 && !src.standing(time.Now()) {
			if err := src.request(n); err != nil {
				return status.Errorf(codes.Unavailable, "topic %s: %v", p.id.topic, err)
			}
		}
		select {
		case m := <-src.msgs:
			isEvent, err := src.take(m)
			if errors.Is(err, errDeaf) && src.waits(time.Now()) {
				time.AfterFunc(deafWait, p.signal)
				continue
			}
			if err != nil {
				return status.Errorf(codes.Unavailable, "topic %s: %v", p.id.topic, err)
			}
			switch {
			case !isEvent:
			case !p.wants(m):
				_ = p.nc.Publish(m.Reply, ackWord()) // lost: it comes again, and is passed over again
			default:
				if err := p.hold(m, true); err != nil {
					return err
				}
			}
		case <-p.wake:
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wants reports whether the subscription takes an event of this type. What has no type is everybody's.
func (p *pull) wants(m *nats.Msg) bool {
	typ := m.Header.Get(headerType)
	return len(p.types) == 0 || typ == "" || slices.Contains(p.types, typ)
}

// room says how many events may be asked for: half a window at a time, because asking for each single one would cost a
// request per event.
func (p *pull) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.cfg.Window - len(p.held)
	if len(p.held) > 0 && free < (p.cfg.Window+1)/2 {
		return 0
	}
	return free
}

// hold notes an event as under way and, unless the subscription is about to end, sends it.
func (p *pull) hold(m *nats.Msg, send bool) error {
	seq, tries, err := eventMeta(m.Reply)
	if err != nil {
		return status.Errorf(codes.Internal, "topic %s: %v", p.id.topic, err)
	}
	p.mu.Lock()
	p.next++
	id := strconv.FormatUint(p.next, 36)
	p.held[id] = inflight{reply: m.Reply, seq: seq, tries: tries, since: time.Now(), unsent: !send}
	p.mu.Unlock()
	if !send {
		return nil
	}
	err = p.stream.Send(&proto.PullMessagesResponse{
		Data: m.Data, TopicName: p.id.topic, ContentType: m.Header.Get(headerContentType), Id: id,
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
			_ = p.nc.Publish(f.reply, progressWord()) // if it is lost, the event comes a second time
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
func (p *pull) giveBack() { p.giveBackIf(func(inflight) bool { return true }) }

// giveBackUnsent returns only what the sidecar never saw.
func (p *pull) giveBackUnsent() { p.giveBackIf(func(f inflight) bool { return f.unsent }) }

func (p *pull) giveBackIf(cond func(inflight) bool) {
	p.mu.Lock()
	var back []inflight
	for id, f := range p.held {
		if cond(f) {
			back = append(back, f)
			delete(p.held, id)
		}
	}
	p.mu.Unlock()
	slices.SortFunc(back, func(a, b inflight) int { return cmp.Compare(a.seq, b.seq) })
	for _, f := range back {
		_ = p.nc.Publish(f.reply, nakWord(0)) // lost: it comes again after AckWait
	}
}

func (p *pull) pause(on bool) {
	p.mu.Lock()
	p.paused = on
	p.mu.Unlock()
	p.signal()
}

func (p *pull) drain() {
	p.mu.Lock()
	p.draining = true
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
