package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Errors that a caller can tell apart.
var (
	ErrInUse    = errors.New("broker: folder or socket is in use")
	ErrDamaged  = errors.New("broker: store is damaged")
	ErrDiskFull = errors.New("broker: disk is full")
	ErrFull     = errors.New("broker: topic is full of events that are not acknowledged")
	ErrTooBig   = errors.New("broker: event is too big")
	errWrite    = errors.New("broker: store cannot be written")
	errName     = errors.New("broker: unusable name")
)

// SyncAlways is the Sync setting that forces each publish to disk before it is acknowledged.
const SyncAlways = "always"

// daprd receives at most 4 MiB per message of a pluggable component; the rest is left for its envelope.
const maxEventLimit = 3 << 20

// Config says where and how the broker keeps events. Zero values of the optional fields mean their defaults.
type Config struct {
	Data      string // folder of the store; made if missing
	SocketDir string // DAPR_COMPONENTS_SOCKETS_FOLDER of the sidecars; made if missing
	Name      string // socket name without ".sock"; the component type is "pubsub." + Name
	Status    string // "127.0.0.1:PORT" or "unix:/path"; "" serves no status

	Sync      string        // SyncAlways (default) or a duration such as "2s" between fsyncs
	MaxAge    time.Duration // events older than this go, acknowledged or not; default 7 days
	MaxBytes  int64         // per topic; beyond it acknowledged events go; default 1 GiB
	MaxEvent  int           // largest event in bytes; default and upper limit 3 MiB
	MinFree   uint64        // publishes are refused while the disk has less; default 128 MiB
	Dedupe    time.Duration // how long a CloudEvents id is remembered per topic; default 1 minute
	AckWait   time.Duration // until events of a broker that was killed are delivered again; default 10 s
	NackDelay time.Duration // first wait after a negative acknowledgement, doubled up to 30 s; default 500 ms
	Window    int           // events under way per subscription and instance; default 32
	Ordered   bool          // one event under way per (app, topic), in order even through redelivery
	Drain     time.Duration // at stop: wait for events under way; default 5 s
	Log       *slog.Logger  // default: discard
}

var socketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// maxSocketPath is what the kernels' sockaddr_un holds, less its end mark (104 on macOS, 108 on Linux).
const maxSocketPath = 103

func (c Config) withDefaults() (Config, error) {
	var faults []error
	if c.Data == "" {
		faults = append(faults, errors.New("the data folder is missing"))
	}
	if c.SocketDir == "" {
		faults = append(faults, errors.New("the socket folder is missing"))
	}
	if !socketName.MatchString(c.Name) {
		faults = append(faults, fmt.Errorf("name %q: want lower-case letters, digits and '-'", c.Name))
	}
	if p := filepath.Join(c.SocketDir, c.Name+".sock"); len(p) > maxSocketPath {
		faults = append(faults, fmt.Errorf("socket path %s has %d bytes, the system allows %d: choose a shorter folder", p, len(p), maxSocketPath))
	}
	if network, path := splitAddr(c.Status); network == "unix" && filepath.Dir(filepath.Clean(path)) == filepath.Clean(c.SocketDir) {
		// daprd asks every socket in its folder for components when it starts, and waits for ever on one that has none.
		faults = append(faults, fmt.Errorf("status socket %s lies in the sidecars' socket folder: put it elsewhere", path))
	}
	setDefault(&c.Sync, SyncAlways)
	setDefault(&c.MaxAge, 7*24*time.Hour)
	setDefault(&c.MaxBytes, 1<<30)
	setDefault(&c.MaxEvent, maxEventLimit)
	setDefault(&c.MinFree, 128<<20)
	setDefault(&c.Dedupe, time.Minute)
	setDefault(&c.AckWait, 10*time.Second)
	setDefault(&c.NackDelay, 500*time.Millisecond)
	setDefault(&c.Window, 32)
	setDefault(&c.Drain, 5*time.Second)
	if c.Sync != SyncAlways {
		if d, err := time.ParseDuration(c.Sync); err != nil || d < 100*time.Millisecond {
			faults = append(faults, fmt.Errorf("sync %q: want %q or a duration of at least 100ms", c.Sync, SyncAlways))
		}
	}
	if c.MaxEvent < 0 || c.MaxEvent > maxEventLimit {
		faults = append(faults, fmt.Errorf("largest event %d: want at most %d bytes", c.MaxEvent, maxEventLimit))
	}
	if c.MaxBytes < 1<<20 {
		faults = append(faults, fmt.Errorf("bytes per topic %d: want at least 1 MiB", c.MaxBytes))
	}
	if c.MaxAge < c.Dedupe {
		faults = append(faults, fmt.Errorf("age limit %s is below the dedupe window %s", c.MaxAge, c.Dedupe))
	}
	if c.Window < 1 || c.AckWait < 0 || c.NackDelay < 0 || c.Drain < 0 {
		faults = append(faults, errors.New("window, ack wait, nack delay and drain must be positive"))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(faults) > 0 {
		return c, fmt.Errorf("broker configuration: %w", errors.Join(faults...))
	}
	return c, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// parseBytes reads "512MiB", "1GiB", "64KiB" or plain bytes.
func parseBytes(s string) (int64, error) {
	n, unit := s, int64(1)
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			n, unit = rest, u
		}
	}
	v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
	if err != nil || v < 0 || v > (1<<62)/unit {
		return 0, fmt.Errorf("%q is no size: want bytes or KiB, MiB, GiB", s)
	}
	return v * unit, nil
}
