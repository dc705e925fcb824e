package broker

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// bench is a watchdog on a report that the test writes and a clock that it sets.
type bench struct {
	t     *testing.T
	w     *Watchdog
	r     Report
	err   error
	now   time.Time
	bumps int
}

func newBench(t *testing.T, expected ...Subscription) *bench {
	b := &bench{t: t, now: time.Unix(1_000_000, 0), r: Report{Boot: "one"}}
	b.w = &Watchdog{
		Status:   func(context.Context) (Report, error) { return b.r, b.err },
		Bump:     func() (int, error) { b.bumps++; return b.bumps, nil },
		Expected: expected, Grace: 10 * time.Second, MaxPause: time.Minute,
	}
	return b
}

// seconds lets time pass, with a look each second, and checks how often the generation was bumped meanwhile.
func (b *bench) seconds(n, bumps int) {
	b.t.Helper()
	before := b.bumps
	for range n {
		b.now = b.now.Add(time.Second)
		if err := b.w.Look(b.t.Context(), b.now); err != nil {
			b.t.Fatal(err)
		}
	}
	if got := b.bumps - before; got != bumps {
		b.t.Fatalf("%d bumps in %d s, want %d", got, n, bumps)
	}
}

func (b *bench) peers(apps ...string) {
	b.r.Peers, b.r.Pulls = nil, nil
	for i, app := range apps {
		b.r.Peers = append(b.r.Peers, Peer{ID: uint64(i + 1), App: app})
	}
}

func (b *bench) pull(peer uint64, topic string) {
	b.r.Pulls = append(b.r.Pulls, Pull{App: b.r.Peers[peer-1].App, Topic: topic, Peer: peer})
}

func TestWatchdogRestsWhileAllIsWell(t *testing.T) {
	t.Parallel()
	b := newBench(t, Subscription{"order", "checkout"})
	b.peers("order", "web")
	b.pull(1, "checkout")
	b.seconds(100, 0)
}

func TestWatchdogBumpsAtOnceAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.peers("order")
	b.pull(1, "checkout")
	b.seconds(3, 0)
	b.err = errors.New("connection refused")
	b.seconds(20, 0)
	b.err = nil
	b.r.Boot = "two"
	b.peers()
	b.seconds(1, 1)
	b.seconds(9, 0)
	b.peers("order")
	b.pull(1, "checkout")
	b.seconds(100, 0)
}

func TestWatchdogBumpsAgainWhenAnAppStaysAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.peers("order")
	b.pull(1, "checkout")
	b.seconds(3, 0)
	b.r.Boot = "two"
	b.peers()
	b.seconds(1, 1)
	b.seconds(11, 1)
	b.seconds(21, 1)   // after 20 s
	b.seconds(41, 1)   // after 40 s
	b.seconds(3600, 0) // the app is gone for good
}

func TestWatchdogBumpsForALostSubscription(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.peers("order", "order")
	b.pull(1, "checkout")
	b.pull(2, "checkout")
	b.seconds(3, 0)
	b.peers("order", "order")
	b.pull(2, "checkout") // one of two instances lost its stream, its connection lives
	b.seconds(10, 0)
	b.seconds(1, 1)
	b.pull(1, "checkout")
	b.seconds(100, 0)
}

func TestWatchdogLetsAStoppedAppRest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.peers("order", "stock")
	b.pull(1, "checkout")
	b.pull(2, "checkout")
	b.seconds(3, 0)
	b.peers("order")
	b.pull(1, "checkout")
	b.seconds(1000, 0)
	b.peers("order", "stock") // it comes back and fails to subscribe
	b.pull(1, "checkout")
	b.seconds(11, 1)
}

func TestWatchdogWaitsForWhatItWasTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, Subscription{"order", "checkout"}, Subscription{"mail", "order"})
	up := false
	b.w.Live = func(app string) bool { return app == "order" || up }
	b.peers("order")
	b.seconds(10, 0)
	b.seconds(1, 1)
	b.pull(1, "checkout")
	b.seconds(100, 0)
	up = true
	b.seconds(11, 1)
}

func TestWatchdogBumpsForAnUnknownSidecar(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.peers("")
	b.seconds(5, 0)
	b.peers() // daprd's discovery comes and goes
	b.seconds(50, 0)
	b.peers("")
	b.seconds(11, 1)
}

func TestWatchdogSaysWhenItCannotBump(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.seconds(1, 0)
	broken := errors.New("read-only file system")
	b.w.Bump = func() (int, error) { return 0, broken }
	b.r.Boot = "two"
	for range 2 { // and tries again at the next look
		if err := b.w.Look(t.Context(), b.now); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
	}
}

// The real thing: a broker that is restarted, a status over a socket, a component file.
func TestWatchdogBumpsTheComponentOfARestartedBroker(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cfg := config(t, dir)
	path := filepath.Join(dir, "pubsub.yaml")
	component := Component{Name: "pubsub", Socket: "b"}
	bumped := make(chan int, 10)
	bump := func() (int, error) {
		n, err := Bump(path, component)
		bumped <- n
		return n, err
	}
	if _, err := bump(); err != nil {
		t.Fatal(err)
	}
	if n := <-bumped; n != 1 {
		t.Fatalf("first generation %d", n)
	}
	b := start(t, cfg)
	introduce(t, dir, "order").subscribe("checkout")
	looked := make(chan Report, 1)
	w := &Watchdog{
		Status: func(ctx context.Context) (Report, error) {
			r, err := Status(ctx, cfg.Status)
			if err == nil {
				select {
				case looked <- r:
				default:
				}
			}
			return r, err
		},
		Bump: bump, Every: 10 * time.Millisecond, Grace: time.Minute,
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-looked
	b.Close()
	start(t, cfg)
	if n := <-bumped; n != 2 {
		t.Fatalf("generation %d", n)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
