package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	fetchWait = 20 * time.Second // how long a request for events stands at JetStream
	flushWait = 2 * time.Second

	statusHeader = "Status" // on what the server says about a request, in place of an event
	statusBeat   = "100"
	statusNone   = "404" // nothing there
	statusTime   = "408" // the request's time is over
	statusOther  = "409" // the request ended for a reason in Description
	statusDeaf   = "503" // nobody listens for requests: for a moment so while another instance updates the consumer

	deafWait  = 50 * time.Millisecond // until the next request after that
	deafLimit = 5 * time.Second       // how long it may go on before it is trouble
)

// errDeaf is what take answers to statusDeaf.
var errDeaf = errors.New("jetstream does not listen")

// source asks JetStream for a consumer's events, one request at a time. The client library's own Fetch forgets events that
// arrive while it is cancelled, so that they would come again only after AckWait, behind later ones; stop here knows what
// arrived and returns it.
type source struct {
	nc    *nats.Conn
	cons  jetstream.Consumer
	api   string // subject of requests for the consumer's next events
	sub   *nats.Subscription
	msgs  chan *nats.Msg
	left  int       // events that the standing request may still bring
	until time.Time // a request that the server has not ended by then is given up
	deaf  time.Time // since when nobody listens; zero: somebody does
}

// waits reports whether to ask again in a moment, after errDeaf.
func (s *source) waits(now time.Time) bool {
	if s.deaf.IsZero() {
		s.deaf = now
	}
	s.left, s.until = 1, now.Add(deafWait)
	return now.Sub(s.deaf) < deafLimit
}

func newSource(nc *nats.Conn, cons jetstream.Consumer, window int) (*source, error) {
	info := cons.CachedInfo()
	s := &source{
		nc: nc, cons: cons, api: fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", info.Stream, info.Name), msgs: make(chan *nats.Msg, 2*window+16),
	}
	sub, err := nc.ChanSubscribe(nc.NewInbox(), s.msgs)
	if err != nil {
		return nil, fmt.Errorf("listen for events: %w", err)
	}
	s.sub = sub
	return s, nil
}

// standing says whether a request is under way.
func (s *source) standing(now time.Time) bool {
	return s.left > 0 && now.Before(s.until)
}

func (s *source) request(n int) error {
	body, err := json.Marshal(map[string]any{"batch": n, "expires": fetchWait.Nanoseconds()})
	if err != nil {
		return fmt.Errorf("ask for events: %w", err)
	}
	if err := s.nc.PublishRequest(s.api, s.sub.Subject, body); err != nil {
		return fmt.Errorf("ask for events: %w", err)
	}
	s.left, s.until = n, time.Now().Add(fetchWait+5*time.Second)
	return nil
}

// take sorts what came: an event (true), a word about the request, or trouble.
func (s *source) take(m *nats.Msg) (isEvent bool, err error) {
	status := m.Header.Get(statusHeader)
	if status == "" || len(m.Data) > 0 || strings.HasPrefix(m.Reply, ackPrefix) {
		s.left--
		s.deaf = time.Time{}
		return true, nil
	}
	text := m.Header.Get("Description")
	switch {
	case status == statusBeat:
		return false, nil
	case status == statusNone, status == statusTime, status == statusOther && strings.Contains(text, "Batch Completed"):
		s.left, s.deaf = 0, time.Time{}
		return false, nil
	case status == statusDeaf:
		return false, errDeaf
	default:
		return false, fmt.Errorf("jetstream says %s %s", status, text)
	}
}

// stop ends the standing request and returns the events that it had brought.
func (s *source) stop() []*nats.Msg {
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	if s.sub.Drain() == nil {
		// The server answers in order: after its answer nothing more can come. Without it, an event comes after AckWait.
		_ = s.nc.FlushWithContext(ctx)
		// To tell how many requests wait, the server first drops those whose asker is gone. A request that stays would make
		// it put the first event that is given back behind the others.
		_, _ = s.cons.Info(ctx) //nolint:errcheck // only the order is at stake
	}
	var events []*nats.Msg
	for {
		select {
		case m := <-s.msgs:
			if isEvent, err := s.take(m); isEvent && err == nil {
				events = append(events, m)
			}
		default:
			return events
		}
	}
}

// ackPrefix begins the reply subject of each event; its fields say where the event stands.
const ackPrefix = "$JS.ACK."

// eventMeta reads stream sequence and delivery count from an event's reply subject:
// $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>, or with domain and account hash
// before the stream.
func eventMeta(reply string) (seq, tries uint64, err error) {
	f := strings.Split(reply, ".")
	at := 4
	if len(f) >= 11 {
		at = 6
	}
	if !strings.HasPrefix(reply, ackPrefix) || len(f) < at+2 {
		return 0, 0, fmt.Errorf("event with reply %q", reply)
	}
	if tries, err = strconv.ParseUint(f[at], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("event with reply %q: %w", reply, err)
	}
	if seq, err = strconv.ParseUint(f[at+1], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("event with reply %q: %w", reply, err)
	}
	return seq, tries, nil
}

// The four answers to an event, as JetStream reads them.
func ackWord() []byte      { return []byte("+ACK") }
func progressWord() []byte { return []byte("+WPI") }
func nakWord(delay time.Duration) []byte {
	if delay <= 0 {
		return []byte("-NAK")
	}
	return fmt.Appendf(nil, `-NAK {"delay": %d}`, delay.Nanoseconds())
}
