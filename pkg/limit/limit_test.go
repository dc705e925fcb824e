package limit_test

import (
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/limit"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := start
	l := limit.New[string](limit.Rate{PerSecond: 2, Burst: 3}, func() time.Time { return now })
	for range 3 {
		if wait := l.Take("a"); wait != 0 {
			t.Errorf("waits %s", wait)
		}
	}
	for range 10 { // who is refused pays nothing
		if wait := l.Take("a"); wait != 500*time.Millisecond {
			t.Errorf("waits %s", wait)
		}
	}
	if wait := l.Take("b"); wait != 0 {
		t.Errorf("another waits %s", wait)
	}
	now = now.Add(500 * time.Millisecond)
	if wait := l.Take("a"); wait != 0 {
		t.Errorf("waits %s", wait)
	}
}

// However many addresses come, what is remembered is bounded, and whoever is being limited stays so while there is room.
func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	now := start
	l := limit.New[netip.Addr](limit.Rate{PerSecond: 1, Burst: 1}, func() time.Time { return now })
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range 200_000 {
		if i%50_000 == 0 {
			now = now.Add(time.Second)
		}
		if wait := l.Take(address(i)); wait != 0 {
			t.Fatalf("%d waits %s", i, wait)
		}
	}
	if wait := l.Take(address(199_999)); wait == 0 {
		t.Error("the last one is forgotten")
	}
	if n := l.Len(); n > 120_000 {
		t.Errorf("remembers %d", n)
	}
}

func TestLimiterConcurrently(t *testing.T) {
	t.Parallel()
	l := limit.New[int](limit.Rate{PerSecond: 1, Burst: 100}, func() time.Time { return start })
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if l.Take(1) == 0 {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d taken", taken.Load())
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct{ peer, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"}, // a stranger's word
		{"10.1.1.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.1.1.1:1", "6.6.6.6, 198.51.100.1, 10.2.2.2", "198.51.100.1"},
		{"10.1.1.1:1", "nonsense", "10.1.1.1"},
		{"10.1.1.1:1", "198.51.100.1, nonsense", "10.1.1.1"},
		{"10.1.1.1:1", "", "10.1.1.1"},
		{"[fd00::1]:1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"[2001:db8:1:2:ffff::9]:1", "", "2001:db8:1:2::"},
		{"[::ffff:192.0.2.7]:1", "", "192.0.2.7"},
		{"@", "", "invalid IP"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = tc.peer
		if tc.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tc.forwarded)
		}
		if got := limit.Client(r, proxies).String(); got != tc.want {
			t.Errorf("%s via %q: %s, want %s", tc.peer, tc.forwarded, got, tc.want)
		}
	}
}
