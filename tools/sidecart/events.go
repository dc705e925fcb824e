package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/tools/internal/daprdir"
	"github.com/sidecart/sidecart/tools/internal/eventlog"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// letters is one app's dead letters of one topic.
type letters struct{ topic, app string }

// subscribed lists who takes in what.
func subscribed() []letters {
	return []letters{
		{"catalog", "cart"}, {"catalog", "pricing"}, {"inventory", "cart"}, {"inventory", "catalog"}, {"inventory", "checkout"}, {"inventory", "order"},
		{"pricing", "catalog"}, {"order", "cart"}, {"order", "checkout"}, {"order", "pricing"},
		{"payment", "order"}, {"catalog", "search"}, {"pricing", "search"}, {"inventory", "search"}, {"order", "search"},
	}
}

const wantEvents = "events: want: events replay, events status or events resend, and -h for the flags of each"

// runEvents is three commands about the events of the running shop.
func runEvents(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "status":
			return runEventsStatus(ctx, args[1:])
		case "resend":
			return runEventsResend(ctx, args[1:])
		case "replay":
			return runEventsReplay(ctx, args[1:])
		}
	}
	set, parse := flags("events")
	set.Usage = func() { fmt.Fprintln(set.Output(), wantEvents) }
	if _, err := parse(args, 0, 1); err != nil {
		return err
	}
	return errors.New(wantEvents)
}

func runEventsStatus(ctx context.Context, args []string) error {
	set, parse := flags("events status")
	asJSON := set.Bool("json", false, "for programs")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return err
	}
	report, err := eventlog.Status(ctx, layout, st)
	if err != nil {
		return err
	}
	if *asJSON {
		return report.JSON(os.Stdout)
	}
	return report.Print(os.Stdout)
}

// runEventsResend is for a broker that lost what it held.
func runEventsResend(ctx context.Context, args []string) error {
	set, parse := flags("events resend")
	since := set.Duration("since", 0, "only what was published since so long ago; 0: all that the outboxes keep, which is a week")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return err
	}
	n, err := eventlog.TellAgain(ctx, st.Databases, *since)
	if err == nil {
		fmt.Printf("%d events are told again\n", n)
	}
	return err
}

// runEventsReplay puts dead letters back. What fails again dies again: fix the cause first.
func runEventsReplay(ctx context.Context, args []string) error {
	set, parse := flags("events replay")
	topic := set.String("topic", "", "only the dead letters of this topic")
	app := set.String("app", "", "only those of this service")
	limit := set.Int("max", 0, "how many of each at most; 0: all that are there")
	idle := set.Duration("idle", 0, "when nothing came for so long, there is no more (default 3s; 15s with Kafka, where a reader waits for its turn)")
	layout, err := parse(args, 0)
	if err != nil {
		return err
	}
	st, err := shop.Running(layout)
	if err != nil {
		return err
	}
	if *idle == 0 {
		*idle = 3 * time.Second
		if st.Profile == shop.Kafka {
			*idle = 15 * time.Second
		}
	}
	manifest, err := shop.ReadManifest(layout.Manifest())
	if err != nil {
		return err
	}
	bin, err := daprdir.Find(ctx, layout.Root, os.Stderr)
	if err != nil {
		return err
	}
	client, stop, err := sidecar(ctx, layout, manifest, bin)
	if err != nil {
		return err
	}
	defer stop()
	dapr.SetLogger(stdlog.New(io.Discard, "", 0)) // the SDK reports the end of each stream as an error
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range subscribed() {
		if (*topic != "" && l.topic != *topic) || (*app != "" && l.app != *app) {
			continue
		}
		g.Go(func() error {
			n, err := client.ReplayDead(ctx, daprkit.DeadLetters{Topic: l.topic, AppID: l.app, Max: *limit, Idle: *idle})
			if n > 0 || err != nil {
				fmt.Printf("%s: %d put back\n", daprkit.DeadLetterTopic(l.topic, l.app), n)
			}
			return err
		})
	}
	return g.Wait()
}

// replayer is the app id under which dead letters are read: the broker remembers by it what was taken, and no service bears it.
const replayer = "replay"

// sidecar starts one for this command alone. Its pub/sub component is the shop's own, opened to the replayer.
func sidecar(ctx context.Context, l shop.Layout, m shop.Manifest, bin string) (*daprkit.Client, func(), error) {
	dir, err := os.MkdirTemp("", "sidecart-replay-")
	if err != nil {
		return nil, nil, err
	}
	clean := func() { _ = os.RemoveAll(dir) }
	if err := openPubsub(l, m, dir); err != nil {
		clean()
		return nil, nil, err
	}
	ports := make([]string, 4)
	for i := range ports {
		n, err := proc.FreePort()
		if err != nil {
			clean()
			return nil, nil, err
		}
		ports[i] = strconv.Itoa(n)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "daprd"), "--app-id", replayer, "--resources-path", dir, "--log-level", "error",
		"--dapr-listen-addresses", "127.0.0.1", "--dapr-internal-grpc-listen-address", "127.0.0.1", "--metrics-listen-address", "127.0.0.1",
		"--dapr-http-port", ports[0], "--dapr-grpc-port", ports[1], "--dapr-internal-grpc-port", ports[2], "--metrics-port", ports[3],
		"--dapr-graceful-shutdown-seconds", "1")
	cmd.Env = append(os.Environ(), "DAPR_COMPONENTS_SOCKETS_FOLDER="+l.Sockets(), "DAPR_HOST_IP=127.0.0.1")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		clean()
		return nil, nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		clean()
	}
	if err := ready(ctx, "http://127.0.0.1:"+ports[0]+"/v1.0/healthz/outbound"); err != nil {
		stop()
		return nil, nil, fmt.Errorf("the sidecar for the replay does not start: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	client, err := daprkit.Connect(ctx, daprkit.Config{GRPCAddr: "127.0.0.1:" + ports[1], HTTPAddr: "127.0.0.1:" + ports[0], AppID: replayer}, log)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return client, func() { _ = client.Close(); stop() }, nil
}

// openPubsub writes the shop's rendered component once more, with the replayer among those who may use it and publish, and beside it
// the secret store that it may need.
func openPubsub(l shop.Layout, m shop.Manifest, dir string) error {
	var topics []string
	for _, a := range m.Apps {
		topics = append(topics, a.AppID)
	}
	rendered := shop.Shop{Layout: l}.Pubsub()
	for _, from := range []string{rendered, filepath.Join(l.Resources(), "secretstore.yaml")} {
		raw, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		text := strings.Replace(string(raw), "scopes: [", "scopes: ["+replayer+", ", 1)
		if from == rendered {
			text = strings.Replace(text, "value: "+m.Apps[0].AppID+"=", "value: "+replayer+"="+strings.Join(topics, ",")+";"+m.Apps[0].AppID+"=", 1)
			text = oneByOne(text)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// oneByOne has Redis give out one dead letter after the other: what the replayer holds when it ends would come again only after the
// component's processing time.
func oneByOne(component string) string {
	for name, value := range map[string]string{"queueDepth": "1", "concurrency": "1", "processingTimeout": "5s"} {
		component = regexp.MustCompile(`(- name: `+name+`\n\s+value: ).*`).ReplaceAllString(component, `${1}"`+value+`"`)
	}
	return component
}

// ready waits until an address answers well.
func ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := ping(ctx, url)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func ping(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return errors.New(resp.Status)
	}
	return nil
}
