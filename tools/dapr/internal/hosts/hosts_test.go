package hosts

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/dapr/components-contrib/nameresolution"
	"github.com/dapr/components-contrib/nameresolution/sqlite"
	"github.com/dapr/kit/logger"
)

func start(t testing.TB, make func(logger.Logger) nameresolution.Resolver, file, app string, port int) nameresolution.Resolver {
	t.Helper()
	r := make(logger.NewLogger("test"))
	err := r.Init(context.Background(), nameresolution.Metadata{
		Instance:      nameresolution.Instance{AppID: app, Address: "127.0.0.1", DaprInternalPort: port},
		Configuration: map[string]string{"connectionString": file, "cleanupInterval": "0", "updateInterval": "30s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func resolve(t *testing.T, r nameresolution.Resolver, app string, times int) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for range times {
		address, err := r.ResolveID(t.Context(), nameresolution.ResolveRequest{ID: app})
		if err != nil {
			t.Fatal(err)
		}
		seen[address]++
	}
	return seen
}

// All replicas are called, the originals' among them; those that come or leave are noticed after a second and not before.
func TestReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hosts.db")
	now := time.Now()
	caller := start(t, New, file, "gateway", 1)
	caller.(*resolver).now = func() time.Time { return now }
	if _, err := caller.ResolveID(t.Context(), nameresolution.ResolveRequest{ID: "cart"}); !errors.Is(err, sqlite.ErrNoHost) {
		t.Fatalf("nobody is there yet: %v", err)
	}
	start(t, New, file, "cart", 2)
	second := start(t, sqlite.NewResolver, file, "cart", 3)
	if seen := resolve(t, caller, "cart", 200); len(seen) != 2 || seen["127.0.0.1:2"] == 0 || seen["127.0.0.1:3"] == 0 {
		t.Errorf("two replicas: %v", seen)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if seen := resolve(t, caller, "cart", 200); len(seen) != 2 {
		t.Errorf("within the second the old answer stands: %v", seen)
	}
	now = now.Add(fresh)
	if seen := resolve(t, caller, "cart", 200); len(seen) != 1 || seen["127.0.0.1:2"] == 0 {
		t.Errorf("one has left: %v", seen)
	}
}

func BenchmarkResolve(b *testing.B) {
	for name, make := range map[string]func(logger.Logger) nameresolution.Resolver{"original": sqlite.NewResolver, "hosts": New} {
		b.Run(name, func(b *testing.B) {
			r := start(b, make, filepath.Join(b.TempDir(), "hosts.db"), "cart", 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := r.ResolveID(context.Background(), nameresolution.ResolveRequest{ID: "cart"}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
