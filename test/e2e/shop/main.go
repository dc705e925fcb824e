package shop

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// startLimit bounds the start of a shop: on a cold cache Dapr and the services are built first.
const startLimit = 25 * time.Minute

// Main is the body of a TestMain: it starts a shop in a temporary folder, hands it to use, runs the tests and stops the shop. When a test
// failed, the shop's logs stay and their place is printed. SIDECART_PROFILE names the shop's profile. While writing tests, SIDECART_E2E_DATA names the state folder of a shop that runs
// already, which is then left running.
func Main(m *testing.M, use func(*Shop), args ...string) {
	os.Exit(run(m, use, args))
}

func run(m *testing.M, use func(*Shop), args []string) int {
	dir, err := os.MkdirTemp("", "sidecart-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the database's user must get through
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	begun := time.Now()
	if running := os.Getenv("SIDECART_E2E_DATA"); running != "" {
		s, err := attach(ctx, running)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		use(s)
		return m.Run()
	}
	s, err := Start(ctx, Options{Data: dir, Args: args})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("a shop of profile %s serves at %s after %.1f s\n", s.Profile(), s.Gateway, time.Since(begun).Seconds())
	use(s)
	code := m.Run()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the shop's logs are in %s/logs\n", dir)
		return code
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 0
}
