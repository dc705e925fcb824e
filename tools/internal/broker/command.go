package broker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Command is `sidecart broker`: it runs a broker until SIGINT or SIGTERM. Flags are those of Config; -h lists them.
func Command(args []string) error {
	cfg, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil // the flag set has printed its list
	}
	if err != nil {
		return err
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := Open(cfg)
	if err != nil {
		return err
	}
	return b.Serve(ctx)
}

func parseFlags(args []string) (Config, error) {
	var cfg Config
	fs := flag.NewFlagSet("sidecart broker", flag.ContinueOnError)
	fs.StringVar(&cfg.Data, "data", "", "folder of the store (required)")
	fs.StringVar(&cfg.SocketDir, "socket-dir", os.Getenv("DAPR_COMPONENTS_SOCKETS_FOLDER"), "folder of the component's socket, as the sidecars know it")
	fs.StringVar(&cfg.Name, "name", "jetstream-embedded", "socket name; the component type is pubsub.NAME")
	fs.StringVar(&cfg.Status, "status", "", "address of the JSON status: 127.0.0.1:PORT or unix:/path")
	fs.StringVar(&cfg.Sync, "sync", SyncAlways, `"always" (fsync before each answer) or the time between fsyncs`)
	fs.DurationVar(&cfg.MaxAge, "max-age", 0, "events older than this go (default 168h)")
	size(fs, "max-bytes", "size of a topic (default 1GiB)", func(n int64) { cfg.MaxBytes = n })
	size(fs, "min-free", "publishes are refused while the disk has less (default 128MiB)", func(n int64) { cfg.MinFree = uint64(n) })
	fs.DurationVar(&cfg.Dedupe, "dedupe", 0, "how long an event's id is remembered (default 1m)")
	fs.DurationVar(&cfg.AckWait, "ack-wait", 0, "after a broker's death, until events under way come again (default 10s)")
	fs.DurationVar(&cfg.NackDelay, "nack-delay", 0, "first wait before a refused event comes again (default 500ms)")
	fs.IntVar(&cfg.Window, "window", 0, "events under way per subscription and instance (default 32)")
	fs.BoolVar(&cfg.Ordered, "ordered", false, "one event under way per app and topic: order survives redelivery")
	fs.DurationVar(&cfg.Drain, "drain", 0, "at stop, wait for events under way (default 5s)")
	if err := fs.Parse(args); err != nil {
		return cfg, fmt.Errorf("sidecart broker: %w", err)
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("sidecart broker: unexpected argument %q", fs.Arg(0))
	}
	return cfg, nil
}

func size(fs *flag.FlagSet, name, usage string, set func(int64)) {
	fs.Func(name, usage, func(s string) error {
		n, err := parseBytes(s)
		if err != nil {
			return err
		}
		set(n)
		return nil
	})
}
