package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
)

const guardEvery = time.Second

// Broker is a running broker. Open makes it, Serve waits for its end.
type Broker struct {
	cfg     Config
	boot    string
	started time.Time
	lock    *os.File
	nats    *server.Server
	conn    *nats.Conn
	store   *store
	service *service
	grpc    *grpc.Server
	socket  net.Listener
	status  *statusServer // nil without Config.Status
	log     *natsLog
	free    func(dir string) (uint64, error)
	failed  chan error
}

// Open takes the folder, recovers the store, and listens on the socket. Errors: ErrInUse, ErrDamaged, or what the system says.
func Open(cfg Config) (*Broker, error) { return open(cfg, diskFree) }

func open(cfg Config, free func(string) (uint64, error)) (*Broker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, boot: nuid.Next(), started: time.Now().UTC(), free: free, failed: make(chan error, 3)}
	b.log = &natsLog{log: cfg.Log, fatal: b.failed}
	if err := b.start(); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

func (b *Broker) start() error {
	var err error
	if b.lock, err = lockFolder(b.cfg.Data); err != nil {
		return err
	}
	if b.nats, b.conn, err = startServer(b.cfg, b.log); err != nil {
		return err
	}
	if b.store, err = newStore(b.cfg, b.conn); err != nil {
		return err
	}
	b.guard()
	b.service = newService(b.cfg, b.store)
	// A bulk publish may be far larger than gRPC's 4 MiB default.
	b.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.MaxConcurrentStreams(10_000))
	proto.RegisterPubSubServer(b.grpc, b.service)
	reflection.Register(b.grpc)
	if b.cfg.Status != "" {
		if b.status, err = listenStatus(b.cfg.Status, b.Report); err != nil {
			return err
		}
	}
	if b.socket, err = listenUnix(filepath.Join(b.cfg.SocketDir, b.cfg.Name+".sock")); err != nil {
		return err
	}
	go func() {
		if err := b.grpc.Serve(listener{b.socket, b.service.peers}); err != nil {
			b.failed <- fmt.Errorf("serve components: %w", err)
		}
	}()
	if b.status != nil {
		go func() {
			if err := b.status.serve(); err != nil {
				b.failed <- fmt.Errorf("serve status: %w", err)
			}
		}()
	}
	b.cfg.Log.Info("broker ready", slog.String("data", b.cfg.Data), slog.String("component", "pubsub."+b.cfg.Name),
		slog.String("sync", b.cfg.Sync), slog.String("boot", b.boot))
	return nil
}

// Serve runs until ctx ends (nil after a clean stop) or the broker cannot go on (why).
func (b *Broker) Serve(ctx context.Context) error {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	var failure error
	for failure == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case failure = <-b.failed:
		case <-tick.C:
			b.guard()
			failure = b.health()
		}
	}
	b.Close()
	return failure
}

// health says whether JetStream still works; it switches itself off for good when a write fails for want of space.
func (b *Broker) health() error {
	if !b.nats.JetStreamEnabled() {
		return fmt.Errorf("%w: jetstream stopped on %s: %s", ErrDiskFull, b.cfg.Data, b.log.last())
	}
	return nil
}

// guard refuses publishes while the disk is nearly full, before JetStream runs into its end.
func (b *Broker) guard() {
	free, err := b.free(b.cfg.Data)
	if err != nil {
		b.cfg.Log.Error("disk guard", slog.Any("error", err))
		return
	}
	full := free < b.cfg.MinFree
	if was := b.store.full.Swap(full); was != full {
		level := slog.LevelInfo
		if full {
			level = slog.LevelError
		}
		b.cfg.Log.Log(context.Background(), level, "disk space: publishes refused or taken again", slog.Bool("refused", full),
			slog.Uint64("free_bytes", free), slog.Uint64("needed_bytes", b.cfg.MinFree), slog.String("data", b.cfg.Data))
	}
}

// Close ends subscriptions after what they hold is answered (Config.Drain at most), stops taking calls, and closes the store.
func (b *Broker) Close() {
	b.service.drain()
	done := make(chan struct{})
	go func() {
		b.grpc.GracefulStop()
		close(done)
	}()
	limit := time.NewTimer(b.cfg.Drain + 2*time.Second)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		b.grpc.Stop()
	}
	b.release()
	b.cfg.Log.Info("broker stopped")
}

// release gives back whatever start took, in reverse order. The order matters: the folder's lock goes last.
func (b *Broker) release() {
	if b.socket != nil {
		_ = b.socket.Close() // GracefulStop has closed it in the usual case
	}
	if b.status != nil {
		b.status.close()
	}
	if b.conn != nil {
		if err := b.conn.FlushTimeout(2 * time.Second); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.cfg.Log.Warn("flush acknowledgements", slog.Any("error", err))
		}
		b.conn.Close()
	}
	if b.nats != nil {
		b.nats.Shutdown()
		b.nats.WaitForShutdown()
	}
	if b.lock != nil {
		unlockFolder(b.lock)
	}
}

// listenUnix takes a socket path, unless a living process answers there; what a killed broker left behind is removed.
func listenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("make socket folder: %w", err)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("%w: another process serves %s", ErrInUse, path)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove stale socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
