package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// spec says how to run one server and how to know that it works.
type spec struct {
	name  string
	about string // for the person who waits
	argv  []string
	make  func(ctx context.Context) (argv []string, err error) // prepares the server and says how to run it; nil: argv does
	env   []string
	dir   string
	grace time.Duration
	crude bool      // it may be killed when its grace is over: what it holds is gone by then
	out   io.Writer // beside the log; nil: none
	port  string    // the address that it must keep open; "": nobody looks
	ready func(ctx context.Context) error
	then  func(ctx context.Context) error // once, when it is ready; nil: nothing
}

// unit is a server under supervision.
type unit struct {
	spec
	cancel context.CancelFunc
	done   chan struct{}
	served atomic.Bool // it worked once
	err    error
}

// launch starts the server and keeps it running until the unit is stopped.
func (r *runner) launch(s spec) *unit {
	ctx, cancel := context.WithCancel(context.Background())
	u := &unit{spec: s, cancel: cancel, done: make(chan struct{})}
	r.mu.Lock()
	r.units = append(r.units, u)
	r.mu.Unlock()
	go func() {
		defer close(u.done)
		u.err = r.supervise(ctx, s)
	}()
	return u
}

func (r *runner) supervise(ctx context.Context, s spec) error {
	path := r.opt.Layout.Log(s.name)
	log, err := supervise.OpenLog(path, 0)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // written already
	out := io.Writer(log)
	if s.out != nil {
		out = io.MultiWriter(log, s.out)
	}
	sup, err := supervise.New(supervise.Config{
		Name: s.name, Argv: s.argv, Env: s.env, Dir: s.dir, Stdout: out, Stderr: out, Report: io.MultiWriter(r.out, log),
		StateDir: r.opt.Layout.Processes(), LogFile: path, Grace: s.grace, Listens: s.port,
	})
	if err != nil {
		return err
	}
	return sup.Run(ctx)
}

func (u *unit) stop() error {
	u.cancel()
	<-u.done
	var bad *supervise.ExitError // no fault of one that was told to stop in the middle of its start
	if u.err == nil || errors.Is(u.err, context.Canceled) || (u.crude || !u.served.Load()) && errors.As(u.err, &bad) {
		return nil
	}
	return fmt.Errorf("%s: %w", u.name, u.err)
}

// hopelessError says that waiting longer is of no use.
type hopelessError struct{ error }

// await returns when the server works. A server that died instead is not waited for: the caller learns why.
func (r *runner) await(ctx context.Context, u *unit) error {
	begin := time.Now()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		err := u.ready(ctx)
		if err == nil {
			u.served.Store(true)
			r.out.say("%s (%s)", u.about, time.Since(begin).Round(100*time.Millisecond))
			return nil
		}
		var hopeless *hopelessError
		if errors.As(err, &hopeless) {
			return err
		}
		if st, stErr := supervise.Read(r.opt.Layout.Processes(), u.name); stErr == nil && st.LastEnd != "" {
			return fmt.Errorf("%s %s; its log is %s", u.name, st.LastEnd, r.opt.Layout.Log(u.name))
		}
		select {
		case <-u.done:
			return fmt.Errorf("%s: %w", u.name, u.err)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (%w): %w; its log is %s", u.name, err, ctx.Err(), r.opt.Layout.Log(u.name))
		case <-tick.C:
		}
	}
}

// answers is ready when a GET gives a 2xx.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := get(ctx, url)
		return err
	}
}

// get returns the body of a 2xx answer.
func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // the process may be replaced by another on the same port
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answers %s %s", url, res.Status, body)
	}
	return body, err
}

// listens is ready when a port takes connections.
func listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// cleanEnv is the tool's environment without what belongs to it or to Dapr: services refuse settings that they do not know. All that
// runs lives on a few MiB of heap: collected at Go's own pace it would be marked many times a second, for memory that nobody misses.
// An environment that says otherwise is heeded.
func cleanEnv(more ...string) []string {
	env := []string{"GOGC=300"}
	for _, kv := range os.Environ() {
		if !hasPrefix(kv, "SIDECART_", "DAPR_", "APP_ID=", "APP_PORT=", "APP_API_TOKEN=", "APP_PROTOCOL=") {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

// servers are the parts that every sidecar needs, in no order. Everything listens on this machine only.
func (r *runner) servers() []spec {
	l, port := r.opt.Layout, r.shop.Ports.Of
	at := shop.Local
	hostIP := cleanEnv("DAPR_HOST_IP=127.0.0.1")
	return append(r.profileServers(), []spec{
		{
			name: "placement", about: "placement", env: hostIP, port: at(port(shop.PlacementPort)),
			argv: []string{
				r.dapr + "/placement", "--port", num(port(shop.PlacementPort)), "--listen-address", "127.0.0.1",
				"--healthz-port", num(port(shop.PlacementHealthPort)), "--healthz-listen-address", "127.0.0.1",
				"--metrics-port", num(port(shop.PlacementMetricsPort)), "--metrics-listen-address", "127.0.0.1",
				"--initial-cluster", "dapr-placement-0=" + at(port(shop.PlacementRaftPort)),
			},
			ready: answers(shop.URL(port(shop.PlacementHealthPort)) + "/healthz"),
		},
		{
			// Frozen for longer than its lease, the scheduler closes its port to begin anew, and waits without end for sidecars that came
			// back meanwhile to hang up (Dapr 1.18.1).
			name: "scheduler", about: "scheduler", env: hostIP, port: at(port(shop.SchedulerPort)),
			argv: []string{
				r.dapr + "/scheduler", "--port", num(port(shop.SchedulerPort)), "--listen-address", "127.0.0.1",
				"--healthz-port", num(port(shop.SchedulerHealthPort)), "--healthz-listen-address", "127.0.0.1",
				"--metrics-port", num(port(shop.SchedulerMetricsPort)), "--metrics-listen-address", "127.0.0.1",
				"--override-broadcast-host-port", at(port(shop.SchedulerPort)),
				// etcd refuses data whose member had another address, and jobs are set again by their owners at start.
				"--etcd-data-dir", l.Scheduler() + "/" + num(port(shop.SchedulerPeerPort)),
				"--etcd-client-port", num(port(shop.SchedulerClientPort)), "--etcd-client-listen-address", "127.0.0.1",
				"--etcd-initial-cluster", "dapr-scheduler-server-0=" + shop.URL(port(shop.SchedulerPeerPort)),
				"--etcd-initial-election-tick-advance",
			},
			ready: answers(shop.URL(port(shop.SchedulerHealthPort)) + "/healthz"),
		},
	}...)
}

// paymentSimulator is the one that sends notifications to the shop.
const paymentSimulator = "braintree"

// simulators stand in for the providers outside.
func (r *runner) simulators() ([]spec, error) {
	state, err := r.shop.Describe()
	if err != nil {
		return nil, err
	}
	var specs []spec
	for _, sim := range r.opt.Layout.Simulators() {
		address := shop.Local(r.shop.Ports.Of(sim.Port))
		argv := []string{sim.Binary(r.opt.Layout), "--listen", address, "--data", sim.Data(r.opt.Layout)}
		if sim.Name == paymentSimulator && state.Gateway != "" {
			argv = append(argv, "--webhook-url", state.Gateway+"/v1/webhooks/braintree")
		}
		specs = append(specs, spec{
			name: sim.Name + "-simulator", about: "simulator of " + sim.Name, env: cleanEnv(),
			argv: argv, ready: listens(address),
		})
	}
	return specs, nil
}
