package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Report is the broker's state, served as JSON at GET /status.
type Report struct {
	Boot       string    `json:"boot"` // new with each start of the broker
	PID        int       `json:"pid"`
	Started    time.Time `json:"started"`
	Component  string    `json:"component"` // the Dapr component type
	Sync       string    `json:"sync"`
	FreeBytes  uint64    `json:"free_bytes"`
	Refusing   bool      `json:"refusing"` // publishes are refused: the disk is nearly full
	Peers      []Peer    `json:"peers"`
	Pulls      []Pull    `json:"pulls"`
	Topics     []Topic   `json:"topics"`
	TotalBytes uint64    `json:"total_bytes"`
}

// Peer is one connection of a sidecar; an app of two instances has two.
type Peer struct {
	ID        uint64    `json:"id"`
	PID       int       `json:"pid"` // of the sidecar; 0 where the system does not say
	App       string    `json:"app"` // "" if it has not introduced itself since the broker started
	Component string    `json:"component"`
	Since     time.Time `json:"since"`
}

// Pull is one open subscription.
type Pull struct {
	App      string    `json:"app"`
	Topic    string    `json:"topic"`
	Peer     uint64    `json:"peer"`
	PID      int       `json:"pid"`
	Since    time.Time `json:"since"`
	InFlight int       `json:"in_flight"` // events that the sidecar holds
	OldestMS int64     `json:"oldest_ms"` // how long it has held the oldest of them
	Acked    uint64    `json:"acked"`
	Nacked   uint64    `json:"nacked"`
	Paused   bool      `json:"paused,omitempty"`
}

// Topic is what is stored of a topic and where its apps stand.
type Topic struct {
	Name      string     `json:"name"`
	Events    uint64     `json:"events"`
	Bytes     uint64     `json:"bytes"`
	FirstSeq  uint64     `json:"first_seq"`
	LastSeq   uint64     `json:"last_seq"`
	LastTime  time.Time  `json:"last_time"`
	Lost      int        `json:"lost,omitempty"` // events that JetStream found unreadable at start
	Consumers []Consumer `json:"consumers"`
}

// Consumer is an app's place in a topic.
type Consumer struct {
	App         string `json:"app"`
	Lag         uint64 `json:"lag"`         // not delivered yet
	Pending     int    `json:"pending"`     // delivered, not acknowledged
	Redelivered int    `json:"redelivered"` // of those, more than once
	AckFloor    uint64 `json:"ack_floor"`   // everything up to this sequence is acknowledged
}

// Report gathers the state now.
func (b *Broker) Report() (Report, error) {
	details, err := streamDetails(b.nats)
	if err != nil {
		return Report{}, err
	}
	free, err := b.free(b.cfg.Data)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Boot: b.boot, PID: os.Getpid(), Started: b.started, Component: "pubsub." + b.cfg.Name, Sync: b.cfg.Sync,
		FreeBytes: free, Refusing: b.store.full.Load(), Peers: b.service.peers.list(), Pulls: b.service.openPulls(), Topics: []Topic{},
	}
	for _, d := range details {
		if strings.HasPrefix(d.Name, streamPrefix) {
			r.Topics = append(r.Topics, topicReport(d))
			r.TotalBytes += d.State.Bytes
		}
	}
	slices.SortFunc(r.Peers, func(a, b Peer) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Pulls, func(a, b Pull) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Peer, b.Peer))
	})
	slices.SortFunc(r.Topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	return r, nil
}

func topicReport(d server.StreamDetail) Topic {
	t := Topic{
		Name: topicOf(d.Name), Events: d.State.Msgs, Bytes: d.State.Bytes, FirstSeq: d.State.FirstSeq, LastSeq: d.State.LastSeq,
		LastTime: d.State.LastTime, Consumers: []Consumer{},
	}
	if d.State.Lost != nil {
		t.Lost = len(d.State.Lost.Msgs)
	}
	for _, c := range d.Consumer {
		t.Consumers = append(t.Consumers, Consumer{
			App: untoken(c.Name), Lag: c.NumPending, Pending: c.NumAckPending, Redelivered: c.NumRedelivered, AckFloor: c.AckFloor.Stream,
		})
	}
	slices.SortFunc(t.Consumers, func(a, b Consumer) int { return cmp.Compare(a.App, b.App) })
	return t
}

type statusServer struct {
	http     *http.Server
	listener net.Listener
}

// splitAddr tells "unix:/path" from "host:port".
func splitAddr(addr string) (network, address string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	return "tcp", addr
}

func listenStatus(addr string, report func() (Report, error)) (*statusServer, error) {
	network, address := splitAddr(addr)
	var l net.Listener
	var err error
	if network == "unix" {
		l, err = listenUnix(address)
	} else {
		l, err = listenLocal(address)
	}
	if err != nil {
		return nil, fmt.Errorf("status address %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		r, err := report()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r) // the reader went away: nothing to do
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return &statusServer{http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, listener: l}, nil
}

// listenLocal refuses any address that other machines can reach: the report names apps and topics to whoever asks.
func listenLocal(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("want host:port or unix:/path: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("host %q is not this machine alone: use 127.0.0.1", host)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

func (s *statusServer) serve() error {
	if err := s.http.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

func (s *statusServer) close() {
	_ = s.http.Close() // also closes the listener; nothing of value is under way
	_ = s.listener.Close()
}

// Status asks a broker for its report; addr as in Config.Status. Any error means that the broker does not answer.
func Status(ctx context.Context, addr string) (Report, error) {
	network, address := splitAddr(addr)
	var d net.Dialer
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, network, address) },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://broker/status", nil)
	if err != nil {
		return Report{}, fmt.Errorf("broker status: %w", err)
	}
	res, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return Report{}, fmt.Errorf("broker status at %s: %w", addr, err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if res.StatusCode != http.StatusOK {
		return Report{}, fmt.Errorf("broker status at %s: %s", addr, res.Status)
	}
	var r Report
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		return Report{}, fmt.Errorf("broker status at %s: %w", addr, err)
	}
	return r, nil
}
