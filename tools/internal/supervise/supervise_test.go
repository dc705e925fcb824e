package supervise

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBackoffGrowsAndStartsAnewAfterAHealthyRun(t *testing.T) {
	t.Parallel()
	b := Backoff{}.withDefaults()
	var pauses []time.Duration
	var last time.Duration
	for range 9 {
		last = b.next(last, time.Second)
		pauses = append(pauses, last)
	}
	ms := time.Millisecond
	want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10000 * ms, 10000 * ms}
	if !slices.Equal(pauses, want) {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
	if got := b.next(last, 10*time.Second); got != 100*ms {
		t.Errorf("after a healthy run the pause is %v", got)
	}
}

func TestCrashLoopIsReportedSlowedAndNeverGivenUp(t *testing.T) {
	t.Parallel()
	report := &lockedBuffer{}
	starts := make(chan int, 100)
	s, err := New(Config{
		Name: "cart", Argv: child("crash"), Env: withRole("exec"), Report: report,
		Backoff: Backoff{Min: time.Millisecond, Max: 4 * time.Millisecond},
		Started: func(pid int) { starts <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range 6 {
		<-starts
	}
	cancel()
	<-ended

	again := regexp.MustCompile(`exit code 3 after \S+; it starts again in (\S+);`)
	var pauses []string
	for _, m := range again.FindAllStringSubmatch(report.String(), 5) {
		pauses = append(pauses, m[1])
	}
	if want := []string{"1ms", "2ms", "4ms", "4ms", "4ms"}; !slices.Equal(pauses, want) {
		t.Errorf("pauses %v, want %v in\n%s", pauses, want, report)
	}
	for _, want := range []string{"cart | about to fall\n", "cart | boom\n"} {
		if strings.Count(report.String(), want) < 5 {
			t.Errorf("%q is not in every report:\n%s", want, report)
		}
	}
}

func TestRestartCutsThePauseShort(t *testing.T) {
	t.Parallel()
	started := make(chan int, 4)
	s, err := New(Config{
		Argv: child("crash"), Env: withRole("exec"),
		Backoff: Backoff{Min: time.Hour, Max: time.Hour},
		Started: func(pid int) { started <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-started
	s.Restart()
	<-started
	cancel()
	if err := <-ended; err != nil {
		var code *ExitError
		if !errors.As(err, &code) {
			t.Errorf("stopped with %v", err)
		}
	}
}

func TestAProcessThatTurnsDeafIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	out, pids := &lockedBuffer{}, make(chan int, 100)
	sup, err := New(Config{Name: "deaf", Argv: child("listen-" + address), Env: withRole("exec"), Report: out, Listens: address, Deaf: 300 * time.Millisecond,
		Backoff: Backoff{Min: time.Millisecond}, Started: func(pid int) { pids <- pid }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sup.Run(ctx) }()
	for range 3 { // the first, and those that come after deaf ones
		select {
		case <-pids:
		case <-time.After(10 * time.Second):
			t.Fatalf("the deaf one is not replaced; the supervisor said %q", out)
		}
	}
	cancel()
	<-ended
	if !strings.Contains(out.String(), "takes no connections at "+address) {
		t.Errorf("said %q", out)
	}
}

func TestACommandThatIsMissingIsTriedAgain(t *testing.T) {
	t.Parallel()
	report := &lockedBuffer{}
	path := filepath.Join(t.TempDir(), "cart")
	started := make(chan int, 1)
	s, err := New(Config{
		Argv: []string{path, "child-serve"}, Env: withRole("exec"), Report: report,
		Backoff: Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond},
		Started: func(pid int) { started <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	eventually(t, 10*time.Second, func() error {
		if !strings.Contains(report.String(), "could not be started") {
			return errors.New("no report")
		}
		return nil
	})
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Fatal(err)
	}
	<-started
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestTailKeepsTheLastLines(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	tl := newTail(3)
	out := tl.stream(failing{full})
	errs := tl.stream(nil)
	for _, p := range []string{"a\nb", "c\n", "d\r\n\n", strings.Repeat("x", 3*lineBytes), "\nhal"} {
		if n, err := out.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("a failing output reached the process: %d, %v", n, err)
		}
	}
	if _, err := errs.Write([]byte("panic:")); err != nil {
		t.Fatal(err)
	}
	want := []string{strings.Repeat("x", lineBytes), "hal", "panic:"}
	if got := tl.lines(); !slices.Equal(got, want) {
		t.Errorf("lines %q", got)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestLogMakesWayWhenFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "logs", "cart.log")
	for range 3 { // it goes on where another process stopped
		l, err := OpenLog(path, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"one\n", "two\n"} {
			if _, err := l.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{path: "one\ntwo\n", path + ".1": "one\ntwo\n"} {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
}

func TestNameOfASidecar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"/bin/daprd", "--app-id", "cart", "--app-port", "80"}, "cart.daprd"},
		{[]string{"/bin/daprd", "-app-id=cart"}, "cart.daprd"},
		{[]string{"/bin/daprd", "--app-id", "../x"}, "daprd"},
		{[]string{"/bin/daprd", "--app-id"}, "daprd"},
		{[]string{"/srv/cart", "serve"}, "cart"},
	} {
		if got := nameOf(c.argv); got != c.want {
			t.Errorf("%v is named %q, want %q", c.argv, got, c.want)
		}
	}
}
