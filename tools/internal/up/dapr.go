package up

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

func num(n int) string { return strconv.Itoa(n) }

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// runDapr renders what Dapr reads, starts `dapr run -f`, and returns when every sidecar, every app and the public
// addresses answer.
func (r *runner) runDapr(ctx context.Context) error {
	l := r.opt.Layout
	// The hosts of the last run may have had other ports.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(l.Hosts() + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := r.shop.Render(filepath.Join(r.dapr, "daprd"), r.wrapApp, r.wrapDaprd); err != nil {
		return err
	}
	state, err := r.shop.Describe()
	if err != nil {
		return err
	}
	state.Started = r.state.Started
	r.state = state
	if err := r.setPhase(shop.PhaseStarting); err != nil {
		return err
	}
	u := r.launch(spec{
		name: "dapr", about: fmt.Sprintf("%d services beside their sidecars", len(state.Services)), dir: l.Root,
		// Its sidecars and apps are stopped before it. It hears nothing while it still tells sidecars about themselves.
		grace: 2 * time.Second, crude: true,
		argv:  []string{filepath.Join(r.dapr, "dapr"), "run", "-f", l.DaprYAML()},
		env:   r.daprEnv(),
		out:   newReports(r.out),
		ready: r.serving(state),
	})
	if err := r.await(ctx, u); err != nil {
		return err
	}
	if state.Gateway != "" {
		// It answers 200 as soon as it can send; what a service behind it still lacks is in the body.
		if err := poll(ctx, settle, whole(state.Gateway+"/readyz")); err != nil {
			r.out.say("the shop serves, but not all of it: %v", err)
		}
	}
	return nil
}

// settle is how long the services behind the gateway may take to find each other.
const settle = 30 * time.Second

// whole succeeds when a readiness answer says that nothing is missing.
func whole(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		body, err := get(ctx, url)
		if err != nil {
			return err
		}
		var answer struct{ Status string }
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		if answer.Status != "ready" {
			return fmt.Errorf("%s says %s", url, body)
		}
		return nil
	}
}

// hopeless is how often an app or a sidecar may die while the shop starts.
const hopeless = 4

// dying names the first process that dies again and again: it will not get better by waiting.
func (r *runner) dying() error {
	for _, name := range append(r.appProcesses(true), r.appProcesses(false)...) {
		st, err := supervise.Read(r.opt.Layout.Processes(), name)
		if err == nil && st.Starts >= hopeless && st.LastEnd != "" {
			return fmt.Errorf("%s %s, for the %d. time; its log is %s", name, st.LastEnd, st.Starts, st.LogFile)
		}
	}
	return nil
}

// daprEnv is what the CLI, and through it every sidecar and app, gets.
func (r *runner) daprEnv() []string {
	return cleanEnv(
		"DAPR_HOST_IP=127.0.0.1",
		"DAPR_RUNTIME_PATH="+r.opt.Layout.Runtime(),
		"DAPR_COMPONENTS_SOCKETS_FOLDER="+r.opt.Layout.Sockets(),
		"DAPR_API_TOKEN="+r.shop.Secrets.DaprAPIToken,
		"APP_API_TOKEN="+r.shop.Secrets.AppAPIToken,
	)
}

func (r *runner) wrapApp(name string, argv []string) []string {
	l := r.opt.Layout
	return append([]string{r.opt.Tool, "exec", "--name", name, "--pidfile", l.Processes(), "--log", l.Log(name), "--"}, argv...)
}

func (r *runner) wrapDaprd() []string {
	l := r.opt.Layout
	return []string{r.opt.Tool, "exec", "--pidfile", l.Processes(), "--log-dir", l.Logs(), "--"}
}

// serving is ready when everything of the shop answers. It names all that does not.
func (r *runner) serving(state shop.State) func(context.Context) error {
	type check struct {
		name string
		ask  func(context.Context) error
	}
	var checks []check
	for _, s := range state.Services {
		checks = append(checks,
			check{s.ID, answers(s.App + "/healthz")},
			check{s.ID + "'s sidecar", answers(s.Sidecar + "/v1.0/healthz")})
		if s.Public != "" {
			checks = append(checks, check{s.ID + "'s public address", answers(s.Public + "/readyz")})
		}
	}
	return func(ctx context.Context) error {
		var missing []check
		var names []string
		var last error
		for _, c := range checks {
			if err := c.ask(ctx); err != nil {
				missing, names, last = append(missing, c), append(names, c.name), err
			}
		}
		checks = missing // what answered once is not asked again while starting
		if len(names) == 0 {
			return nil
		}
		if err := r.dying(); err != nil {
			return &hopelessError{err}
		}
		return fmt.Errorf("waiting for %s: %w", strings.Join(names, ", "), last)
	}
}

// seed fills a new shop, once. It goes through the public API, so a shop without one stays as it is. A shop that cannot be
// seeded serves all the same: whoever is to mend it needs it running.
func (r *runner) seed(ctx context.Context) error {
	mark := filepath.Join(r.opt.Layout.Data, "seeded")
	if _, err := os.Stat(mark); err == nil || r.opt.Seed == nil || r.state.Gateway == "" {
		return nil
	}
	begin := time.Now()
	r.out.say("seeding the shop (once)")
	if err := r.opt.Seed(ctx, r.state); err != nil {
		if ctx.Err() == nil {
			r.out.say("the shop is NOT seeded; the next start tries again, and `bin/sidecart seed` does now: %v", err)
		}
		return nil
	}
	r.out.say("seeded (%s)", time.Since(begin).Round(100*time.Millisecond))
	return os.WriteFile(mark, []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// Answers waits until a service and its sidecar answer.
func Answers(ctx context.Context, st shop.State, id string) error {
	for _, s := range st.Services {
		if s.ID != id {
			continue
		}
		for _, ask := range []func(context.Context) error{answers(s.App + "/readyz"), answers(s.Sidecar + "/v1.0/healthz")} {
			if err := poll(ctx, 20*time.Second, ask); err != nil {
				return err
			}
		}
	}
	return nil
}

func poll(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	var last error // of an attempt that was not cut short
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}
