package broker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// lockName is the file in the data folder that holds the running broker's lock and process id.
const lockName = "broker.lock"

// lockFolder keeps a second broker off the folder. The lock goes with the process, however it ends.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := tryLock(f); err != nil {
		holder, readErr := os.ReadFile(path)
		if readErr != nil {
			holder = nil
		}
		_ = f.Close() // the lock's error is the one to tell
		return nil, fmt.Errorf("%w: %s is used by the broker with process id %q", ErrInUse, dir, strings.TrimSpace(string(holder)))
	}
	if err := f.Truncate(0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	return f, nil
}

// unlockFolder ends the lock at once, even if a process that is being forked this moment holds a copy of the file.
func unlockFolder(f *os.File) {
	_ = unlock(f) // closing does it too, in nearly every case
	_ = f.Close()
}

// startServer runs JetStream in this process, without a port, and checks that it recovered all that lies in the folder.
func startServer(cfg Config, log *natsLog) (*server.Server, *nats.Conn, error) {
	streams, err := storedStreams(cfg.Data)
	if err != nil {
		return nil, nil, err
	}
	opts := &server.Options{
		ServerName: cfg.Name, DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 4 << 20, MaxPending: 256 << 20,
		JetStream: true, StoreDir: cfg.Data, JetStreamMaxStore: 1 << 50, JetStreamMaxMemory: 64 << 20, DisableJetStreamBanner: true,
	}
	if cfg.Sync == SyncAlways {
		opts.SyncAlways = true
	} else {
		opts.SyncInterval, err = time.ParseDuration(cfg.Sync)
		if err != nil {
			return nil, nil, fmt.Errorf("sync: %w", err)
		}
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, nil, fmt.Errorf("jetstream: %w", err)
	}
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()
	stop := func() { ns.Shutdown(); ns.WaitForShutdown() }
	if !ns.ReadyForConnections(30*time.Second) || !ns.JetStreamEnabled() {
		stop()
		return nil, nil, fmt.Errorf("%w: jetstream did not start on %s: %s", ErrDamaged, cfg.Data, log.last())
	}
	if err := checkRecovered(ns, cfg.Data, streams, log); err != nil {
		stop()
		return nil, nil, err
	}
	nc, err := nats.Connect("", nats.InProcessServer(ns), nats.Name("sidecart broker"), nats.NoReconnect())
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("connect to jetstream: %w", err)
	}
	return ns, nc, nil
}

// storedStreams lists the streams whose folders lie in the store, before the server has touched them.
func storedStreams(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "jetstream", server.DEFAULT_GLOBAL_ACCOUNT, "streams"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	var names []string
	for _, e := range entries {
		// Names that token cannot have written (".tmp" leftovers of the server) are no streams of ours.
		if e.IsDir() && strings.HasPrefix(e.Name(), streamPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkRecovered refuses to go on without a stream that lies on disk: JetStream itself logs such a stream and goes on, and
// the next publish would begin an empty one in its place. Events that it knows to be lost inside a stream are logged, and shown in the status.
func checkRecovered(ns *server.Server, dir string, want []string, log *natsLog) error {
	details, err := streamDetails(ns)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, d := range details {
		have[d.Name] = true
		if d.State.Lost != nil && len(d.State.Lost.Msgs) > 0 {
			log.log.Error("events were lost on disk", slog.String("topic", topicOf(d.Name)), slog.Int("events", len(d.State.Lost.Msgs)))
		}
	}
	var missing []string
	for _, name := range want {
		if !have[name] {
			missing = append(missing, topicOf(name))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: topics %s in %s cannot be read (%s); put the folder back from a copy, or move it away to begin anew without their events",
			ErrDamaged, strings.Join(missing, ", "), dir, log.last())
	}
	return nil
}

func streamDetails(ns *server.Server) ([]server.StreamDetail, error) {
	js, err := ns.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Consumer: true, Config: true, Limit: 10_000})
	if err != nil {
		return nil, fmt.Errorf("read jetstream state: %w", err)
	}
	var out []server.StreamDetail
	for _, a := range js.AccountDetails {
		out = append(out, a.Streams...)
	}
	return out, nil
}

// natsLog passes the server's log on and keeps its last warnings for error messages.
type natsLog struct {
	log   *slog.Logger
	fatal chan<- error // told once the store cannot be written
	mu    sync.Mutex
	tail  []string
}

// writeFailures are the words with which the server says that a stream cannot be written any more. It refuses the
// stream's events from then on without answering their publishers, and only a new start of the server brings it back.
var writeFailures = []string{"ritical write error", "will be DISABLED"}

func (l *natsLog) keep(msg string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, msg)
	if len(l.tail) > 3 {
		l.tail = l.tail[1:]
	}
}

func (l *natsLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tail) == 0 {
		return "no message"
	}
	return strings.Join(l.tail, "; ")
}

func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLog) Debugf(string, ...any)           {}
func (l *natsLog) Tracef(string, ...any)           {}

func (l *natsLog) Warnf(format string, v ...any) {
	msg := strings.TrimSpace(fmt.Sprintf(format, v...))
	l.keep(msg)
	l.log.Warn(msg)
}

func (l *natsLog) Errorf(format string, v ...any) {
	msg := strings.TrimSpace(fmt.Sprintf(format, v...))
	l.keep(msg)
	l.log.Error(msg)
	for _, words := range writeFailures {
		if !strings.Contains(msg, words) {
			continue
		}
		err := fmt.Errorf("%w: %s", errWrite, msg)
		if strings.Contains(msg, "no space left") {
			err = fmt.Errorf("%w: %s", ErrDiskFull, msg)
		}
		select {
		case l.fatal <- err:
		default: // one reason is enough
		}
	}
}

func (l *natsLog) Fatalf(format string, v ...any) { l.Errorf(format, v...) }
