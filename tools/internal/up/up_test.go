package up_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

func TestShopOfTwoServices(t *testing.T) {
	t.Parallel()
	twoServices(t, shop.Embedded)
}

func twoServices(t *testing.T, profile string) {
	t.Helper()
	r := newSiteOf(t, profile).up()

	t.Log("one service reaches the other, its actors and its events through real sidecars")
	var who identity
	if err := r.sidecar("cart", "GET", "/v1.0/invoke/inventory/method/whoami", nil, &who); err != nil {
		t.Error(err)
	}
	var turn struct{ Actor string }
	eventually(t, 20*time.Second, func() error {
		return r.sidecar("cart", "PUT", "/v1.0/actors/sku/A-1/method/hold", nil, &turn)
	})
	if turn.Actor != "A-1" {
		t.Errorf("the turn was of actor %q", turn.Actor)
	}
	r.publish("first")
	if err := r.sidecar("cart", "POST", "/v1.0/state/carts", []map[string]any{{"key": "k", "value": "v"}}, nil); err != nil {
		t.Error(err)
	}
	if err := r.sidecar("cart", "GET", "/v1.0/secrets/secretstore/carts-connection", nil, nil); err == nil {
		t.Error("an app may read the components' secrets")
	}
	if err := r.sidecar("inventory", "GET", "/v1.0/state/carts/k", nil, nil); err == nil {
		t.Error("inventory may use the carts' store")
	}
	if err := r.sidecar("cart", "POST", "/v1.0/publish/pubsub/inventory", "forged", nil); err == nil {
		t.Error("cart may publish inventory's topic")
	}

	// resiliency.yaml: what comes too early comes again and is no dead letter; what is dropped is one at once.
	if n := r.send("early", "/events"); n != 7 {
		t.Errorf("an event that is to come again was refused %d times, want 7", n)
	}
	if n := r.send("poison", "/dead"); n != 7+1 {
		t.Errorf("an event that is dropped was delivered %d times before it became a dead letter, want 1", n-7)
	}

	r.refusesSecond()
	r.survivesKills()
	r.restarts()

	ids := r.pids()
	r.interrupt()
	if err := gone(ids); err != nil {
		t.Error(err)
	}
	if _, running, err := shop.ReadState(r.layout); err != nil || running {
		t.Errorf("after the stop the state says running=%v, %v", running, err)
	}
}

// publish sends an event from inventory and waits until cart has it.
func (r *running) publish(text string) {
	r.t.Helper()
	r.send(text, "/events")
}

// send publishes an event and waits until cart got it on a route. It returns how often cart refused one so far.
func (r *running) send(text, route string) (refusals int) {
	r.t.Helper()
	eventually(r.t, 30*time.Second, func() error {
		return r.sidecar("inventory", "POST", "/v1.0/publish/pubsub/inventory", text, nil)
	})
	eventually(r.t, 40*time.Second, func() error {
		var got struct {
			Events   []string
			Refusals int
		}
		if err := r.sidecar("cart", "GET", "/v1.0/invoke/cart/method/events", nil, &got); err != nil {
			return err
		}
		if !slices.Contains(got.Events, fmt.Sprintf("%s %q", route, text)) {
			return fmt.Errorf("cart has %v, not %q", got.Events, text)
		}
		refusals = got.Refusals
		return nil
	})
	return refusals
}

func (r *running) refusesSecond() {
	r.t.Helper()
	out, err := r.command("up", "--free-ports").CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprintf("runs already (pid %d", r.cmd.Process.Pid)) {
		r.t.Errorf("a second start: %v\n%s", err, out)
	}
}

// survivesKills kills each kind of process once and waits until its work is done again.
func (r *running) survivesKills() {
	r.t.Helper()
	for _, name := range append(shop.Servers(r.layout.Profile), "inventory", "inventory.daprd", "cart.daprd", "placement", "postgres") {
		r.t.Log("kill " + name)
		before := r.kill(name)
		eventually(r.t, 40*time.Second, func() error {
			var turn identity
			if err := r.sidecar("cart", "PUT", "/v1.0/actors/sku/A-1/method/hold", nil, &turn); err != nil {
				return fmt.Errorf("actor after the death of %s: %w", name, err)
			}
			if turn.PID == before {
				return errors.New("the dead process answers")
			}
			return r.sidecar("cart", "POST", "/v1.0/state/carts", []map[string]any{{"key": "k", "value": name}}, nil)
		})
		r.publish("after the death of " + name)
	}
	r.t.Log("kill dapr run: everything below it ends and comes again")
	r.allComeAgain(func() { r.kill("dapr") })
	r.t.Log("kill a supervisor: so does everything")
	r.allComeAgain(func() {
		st, err := supervise.Read(r.layout.Processes(), "cart")
		if err := errors.Join(err, syscall.Kill(st.WrapperPID, syscall.SIGKILL)); err != nil {
			r.t.Fatal(err)
		}
	})
	for _, want := range []string{"inventory (pid", "postgres ended", "the supervisor of cart is gone"} {
		if !strings.Contains(r.out.String(), want) {
			r.t.Errorf("nothing was said about %q:\n%s", want, r.out)
		}
	}
}

// allComeAgain waits until other processes do the work of all services and sidecars, and events flow.
func (r *running) allComeAgain(after func()) {
	r.t.Helper()
	before := map[string]int{}
	for _, name := range []string{"cart", "cart.daprd", "inventory", "inventory.daprd"} {
		before[name] = supervisedPID(r.t, r, name)
	}
	after()
	eventually(r.t, 40*time.Second, func() error {
		for name, pid := range before {
			st, err := supervise.Read(r.layout.Processes(), name)
			if err != nil || !st.Alive || st.Phase != supervise.PhaseRunning || st.ChildPID == pid {
				return fmt.Errorf("%s is not back: %+v, %w", name, st, err)
			}
		}
		return nil
	})
	r.publish("again, " + fmt.Sprint(before))
}

func (r *running) kill(name string) int {
	r.t.Helper()
	if name == "postgres" {
		id, err := pgserver.Find(r.layout.Postgres())
		if err != nil {
			r.t.Fatalf("no Postgres is there to be killed: %v\n%s", err, r.out)
		}
		for _, id := range append(proc.WorkingIn(filepath.Join(r.layout.Postgres(), "data")), id) {
			id.Signal(syscall.SIGKILL)
		}
		return 0
	}
	pid := supervisedPID(r.t, r, name)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	return pid
}

// restarts changes a service's source and has it rebuilt beside its sidecar.
func (r *running) restarts() {
	r.t.Helper()
	source := filepath.Join(r.layout.Root, "services", "inventory", "main.go")
	raw, err := os.ReadFile(source)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(source, bytes.ReplaceAll(raw, []byte(`"one"`), []byte(`"two"`)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if out, err := r.command("restart", "inventory").CombinedOutput(); err != nil {
		r.t.Fatalf("restart: %v\n%s", err, out)
	}
	var who identity
	eventually(r.t, 10*time.Second, func() error {
		return r.sidecar("cart", "GET", "/v1.0/invoke/inventory/method/whoami", nil, &who)
	})
	if who.Version != "two" {
		r.t.Errorf("after the restart version %q runs", who.Version)
	}
	if out, err := r.command("restart", "cart.daprd").CombinedOutput(); err != nil {
		r.t.Errorf("restart cart.daprd: %v\n%s", err, out)
	}
	if err := r.sidecar("cart", "GET", "/v1.0/invoke/inventory/method/whoami", nil, &who); err != nil {
		r.t.Errorf("a sidecar that was restarted: %v", err)
	}
	before, err := pgserver.Find(r.layout.Postgres())
	if err != nil {
		r.t.Fatal(err)
	}
	if out, err := r.command("restart", "postgres").CombinedOutput(); err != nil {
		r.t.Fatalf("restart postgres: %v\n%s", err, out)
	}
	if now, err := pgserver.Find(r.layout.Postgres()); err != nil || now == before {
		r.t.Errorf("after the restart %v runs, before %v: %v", now, before, err)
	}
}

func TestKilledToolBlocksNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.up()
	if err := r.sidecar("cart", "POST", "/v1.0/state/carts", []map[string]any{{"key": "kept", "value": "yes"}}, nil); err != nil {
		t.Fatal(err)
	}
	ids := r.pids()
	_ = r.cmd.Process.Kill()
	r.waitEnd()

	again := s.up()
	if err := gone(ids); err != nil {
		t.Error(err)
	}
	var kept string
	if err := again.sidecar("cart", "GET", "/v1.0/state/carts/kept", nil, &kept); err != nil || kept != "yes" {
		t.Errorf("the state kept %q, %v", kept, err)
	}
	t.Log("whoever read what the tool prints goes away: the tool stays, although it has something to say")
	_ = again.pipe.Close()
	cart := again.kill("cart")
	eventually(t, 20*time.Second, func() error {
		if now := supervisedPID(t, again, "cart"); now == 0 || now == cart {
			return errors.New("cart does not come back")
		}
		out, err := s.command("status").CombinedOutput()
		if err != nil {
			return fmt.Errorf("status: %w: %s", err, out)
		}
		return nil
	})
	out, err := s.command("status").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "inventory.daprd") {
		t.Errorf("status: %v\n%s", err, out)
	}
	ids = again.pids()
	if out, err := s.command("down").CombinedOutput(); err != nil {
		t.Errorf("down: %v\n%s", err, out)
	}
	again.waitEnd()
	if err := gone(ids); err != nil {
		t.Error(err)
	}
}

func TestShopsBesideEachOtherNeverMeet(t *testing.T) {
	t.Parallel()
	var shops [2]*running
	for i := range shops {
		shops[i] = newSite(t).up()
	}
	for _, r := range shops {
		own := supervisedPID(t, r, "inventory")
		for range 100 {
			var who identity
			if err := r.sidecar("cart", "GET", "/v1.0/invoke/inventory/method/whoami", nil, &who); err != nil || who.PID != own {
				t.Fatalf("process %d answers, %v; the shop's own is %d", who.PID, err, own)
			}
		}
	}
	for _, r := range shops {
		r.interrupt()
	}
}

func supervisedPID(t *testing.T, r *running, name string) int {
	t.Helper()
	st, err := supervise.Read(r.layout.Processes(), name)
	if err != nil {
		t.Fatal(err)
	}
	return st.ChildPID
}

func TestFailedStartSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	broken := "package main\n\nfunc main() { undefined() }\n"
	if err := os.WriteFile(filepath.Join(s.layout.Root, "services", "cart", "main.go"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.command("up", "--free-ports").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "undefined") {
		t.Errorf("a service that does not compile: %v\n%s", err, out)
	}
	if left, err := supervise.List(s.layout.Processes()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if ids := proc.WorkingIn(filepath.Join(s.layout.Postgres(), "data")); len(ids) != 0 {
		t.Errorf("postgres runs: %v", ids)
	}
}

// Ctrl-C at any moment of the start ends all that was started, and the next start takes up from there.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	runs := func(name string) func(*running) bool {
		return func(*running) bool {
			st, err := supervise.Read(s.layout.Processes(), name)
			return err == nil && st.Alive && st.ChildPID != 0
		}
	}
	says := func(text string) func(*running) bool {
		return func(r *running) bool { return strings.Contains(r.out.String(), text) }
	}
	for _, moment := range []struct {
		name string
		come func(*running) bool
	}{
		{"the folders are made", func(*running) bool { _, err := os.Stat(s.layout.StateFile()); return err == nil }},
		{"the database is made", says("preparing the private postgres")},
		{"the servers start", runs("scheduler")},
		{"the databases are brought up to date", says("services built")},
		{"dapr starts", runs("dapr")},
		{"the first service starts", runs("cart.daprd")},
		{"the second service starts", runs("inventory")},
	} {
		r := s.start()
		eventually(t, time.Minute, func() error {
			if !moment.come(r) {
				return fmt.Errorf("%s: it does not come to that:\n%s", moment.name, r.out)
			}
			return nil
		})
		r.interrupt()
		if strings.Contains(r.out.String(), "The shop serves") {
			t.Errorf("%s: too late", moment.name)
		}
		if left := s.left(); len(left) > 0 {
			t.Errorf("interrupted when %s: still there: %s\n%s", moment.name, strings.Join(left, "\n"), r.out)
		}
	}
	r := s.up()
	r.interrupt()
}
