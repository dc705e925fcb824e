package app

import (
	"testing"
	clock "time"

	"example.com/shop/services/b/internal/b"
)

func TestSleeps(t *testing.T) {
	clock.Sleep(1)
	t.Run("x", func(inner *testing.T) { inner.Skipf("no server") })
}

func helper(tb testing.TB) { tb.SkipNow() }

func BenchmarkX(b *testing.B) { b.Skip() }
