//go:build redis

package daprtest_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/testkit"
)

const redisState = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: carts
spec:
  type: state.redis
  version: v1
  metadata:
    - name: redisHost
      value: %q
    - name: redisMaxRetries
      value: "-1"
`

// The store of the profiles standard and kafka keeps the same promises.
func TestStateInRedis(t *testing.T) {
	t.Parallel()
	component := fmt.Sprintf(redisState, startRedis(t))
	checkState(t, daprtest.Start(t, daprtest.Options{AppID: "cart", Resources: map[string]string{"carts.yaml": component}}), false)
}

// startRedis runs one for this test alone.
func startRedis(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = l.Close()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	testkit.Eventually(t, 10*time.Second, func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return address
}
