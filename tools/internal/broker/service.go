package broker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// featureBulkPublish makes daprd hand bulk publishes over whole; without it, it sends them one by one and out of order.
const featureBulkPublish = "BULK_PUBSUB"

// metadataDedupe on a publish request, set to "false", stores an event although its id was seen just before (replays).
const metadataDedupe = "dedupe"

// metadataTypes on a subscription lists the event types that it wants, separated by commas. Others are acknowledged here and never
// sent: the sidecar and the app are spared what they would only wave through.
const metadataTypes = "types"

// service speaks Dapr's component protocol.
type service struct {
	proto.UnimplementedPubSubServer
	store *store
	peers *peers
	cfg   Config
	log   *slog.Logger

	mu       sync.Mutex
	pulls    map[*pull]struct{}
	draining bool
}

func newService(cfg Config, st *store) *service {
	return &service{store: st, peers: newPeers(), cfg: cfg, log: cfg.Log, pulls: map[*pull]struct{}{}}
}

// Init notes whose connection this is: daprd puts the app id into consumerID unless the component's metadata says otherwise.
func (s *service) Init(ctx context.Context, req *proto.PubSubInitRequest) (*proto.PubSubInitResponse, error) {
	app := req.GetMetadata().GetProperties()["consumerID"]
	if app == "" {
		return nil, status.Error(codes.InvalidArgument, "the component's metadata has no consumerID")
	}
	if _, err := token(app); err != nil {
		return nil, grpcError(err)
	}
	s.peers.introduce(ctx, app)
	id, pid, _ := s.peers.caller(ctx)
	s.log.Info("sidecar connected", slog.String("app", app), slog.Uint64("peer", id), slog.Int("pid", pid),
		slog.String("generation", req.GetMetadata().GetProperties()[GenerationKey]))
	return &proto.PubSubInitResponse{}, nil
}

func (s *service) Features(context.Context, *proto.FeaturesRequest) (*proto.FeaturesResponse, error) {
	return &proto.FeaturesResponse{Features: []string{featureBulkPublish}}, nil
}

func (s *service) Ping(context.Context, *proto.PingRequest) (*proto.PingResponse, error) {
	return &proto.PingResponse{}, nil
}

// Publish answers once the event is on disk.
func (s *service) Publish(ctx context.Context, req *proto.PublishRequest) (*proto.PublishResponse, error) {
	e := event{data: req.GetData(), contentType: req.GetContentType(), dedupe: req.GetMetadata()[metadataDedupe] != "false"}
	if err := s.store.publish(ctx, req.GetTopic(), []event{e})[0]; err != nil {
		s.log.Warn("publish refused", slog.String("topic", req.GetTopic()), slog.Any("error", err))
		return nil, grpcError(err)
	}
	return &proto.PublishResponse{}, nil
}

// BulkPublish stores the entries in their order and names those that are not on disk.
func (s *service) BulkPublish(ctx context.Context, req *proto.BulkPublishRequest) (*proto.BulkPublishResponse, error) {
	events := make([]event, len(req.GetEntries()))
	for i, e := range req.GetEntries() {
		dedupe := e.GetMetadata()[metadataDedupe] != "false" && req.GetMetadata()[metadataDedupe] != "false"
		events[i] = event{data: e.GetEvent(), contentType: e.GetContentType(), dedupe: dedupe}
	}
	res := &proto.BulkPublishResponse{}
	var first error
	for i, err := range s.store.publish(ctx, req.GetTopic(), events) {
		if err == nil {
			continue
		}
		if first == nil {
			first = err
		}
		res.FailedEntries = append(res.FailedEntries, &proto.BulkPublishResponseFailedEntry{EntryId: req.GetEntries()[i].GetEntryId(), Error: err.Error()})
	}
	if first != nil {
		s.log.Warn("bulk publish refused", slog.String("topic", req.GetTopic()), slog.Int("events", len(res.FailedEntries)), slog.Any("error", first))
	}
	return res, nil
}

// PullMessages serves one subscription of one sidecar until either side ends it.
func (s *service) PullMessages(stream proto.PubSub_PullMessagesServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err //nolint:wrapcheck // a gRPC status of the stream itself
	}
	topic := first.GetTopic().GetName()
	if topic == "" {
		return status.Error(codes.InvalidArgument, "the first message of a subscription must name its topic")
	}
	peer, pid, app := s.peers.caller(stream.Context())
	if app == "" {
		return status.Error(codes.FailedPrecondition, "this sidecar has not introduced itself since the broker started: reload its component (a generation bump does)")
	}
	cons, err := s.store.consumer(stream.Context(), topic, app)
	if err != nil {
		return grpcError(err)
	}
	p := newPull(pullIdentity{app: app, topic: topic, peer: peer, pid: pid}, s.store.nc, cons, stream, s.cfg)
	if types := first.GetTopic().GetMetadata()[metadataTypes]; types != "" {
		p.types = strings.Split(types, ",")
	}
	if !s.register(p) {
		return status.Error(codes.Unavailable, "the broker is stopping")
	}
	defer s.unregister(p)
	s.log.Info("subscribed", slog.String("app", app), slog.String("topic", topic), slog.Uint64("peer", peer), slog.Int("pid", pid))
	err = p.run()
	s.log.Info("subscription ended", slog.String("app", app), slog.String("topic", topic), slog.Uint64("peer", peer), slog.Int("pid", pid), slog.Any("error", err))
	return err
}

// Pause stops deliveries to the calling sidecar's open subscriptions, which stay open for their acknowledgements (daprd
// drains with it before it stops). A subscription opened later is not paused.
func (s *service) Pause(ctx context.Context, _ *proto.PauseRequest) (*proto.PauseResponse, error) {
	s.eachOf(ctx, func(p *pull) { p.pause(true) })
	return &proto.PauseResponse{}, nil
}

// Resume undoes Pause.
func (s *service) Resume(ctx context.Context, _ *proto.ResumeRequest) (*proto.ResumeResponse, error) {
	s.eachOf(ctx, func(p *pull) { p.pause(false) })
	return &proto.ResumeResponse{}, nil
}

func (s *service) eachOf(ctx context.Context, fn func(*pull)) {
	peer, _, _ := s.peers.caller(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.pulls {
		if p.id.peer == peer {
			fn(p)
		}
	}
}

func (s *service) register(p *pull) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.pulls[p] = struct{}{}
	return true
}

func (s *service) unregister(p *pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pulls, p)
}

// drain ends every subscription: no new events, up to Config.Drain for those under way.
func (s *service) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for p := range s.pulls {
		p.drain()
	}
}

func (s *service) openPulls() []Pull {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Pull, 0, len(s.pulls))
	for p := range s.pulls {
		out = append(out, p.report())
	}
	return out
}

func grpcError(err error) error {
	code := codes.Unavailable
	switch {
	case errors.Is(err, errName), errors.Is(err, ErrTooBig):
		code = codes.InvalidArgument
	case errors.Is(err, ErrFull), errors.Is(err, ErrDiskFull):
		code = codes.ResourceExhausted
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	}
	return status.Error(code, err.Error())
}
