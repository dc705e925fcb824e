package control_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/control"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

func layout(t *testing.T) shop.Layout {
	t.Helper()
	dir := t.TempDir()
	l := shop.Layout{Root: dir, Data: filepath.Join(dir, ".data")}
	if err := l.Prepare(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLogsBeginsWithTheLastLines(t *testing.T) {
	t.Parallel()
	l := layout(t)
	if err := os.WriteFile(l.Log("cart"), []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := control.Logs(t.Context(), l, "cart", 2, false, &out); err != nil || out.String() != "two\nthree\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	for _, name := range []string{"card", ""} {
		err := control.Logs(t.Context(), l, name, 2, false, &out)
		if err == nil || !strings.Contains(err.Error(), "here is: postgres, cart") {
			t.Errorf("%q, an unknown name: %v, want the names there are", name, err)
		}
	}
}

// lines passes on what is written, by chunks.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestLogsFollowsIntoTheNextFile(t *testing.T) {
	t.Parallel()
	l := layout(t)
	path := l.Log("cart")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := make(lines)
	ended := make(chan error, 1)
	go func() { ended <- control.Logs(ctx, l, "cart", 5, true, out) }()
	if got := <-out; got != "old\n" {
		t.Fatalf("begins with %q", got)
	}
	if err := errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte("new\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got != "new\n" {
		t.Errorf("goes on with %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestResetDeletesOnlyAShop(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	precious := t.TempDir()
	if err := control.Reset(t.Context(), shop.Layout{Root: precious, Data: precious}, &out); err == nil {
		t.Error("a folder that is no shop's was deleted")
	}
	l := layout(t)
	if err := control.Reset(t.Context(), l, &out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data is still there: %v", err)
	}
	if err := control.Reset(t.Context(), l, &out); err != nil {
		t.Errorf("a second reset: %v", err)
	}
}

func TestNothingRuns(t *testing.T) {
	t.Parallel()
	l := layout(t)
	var out bytes.Buffer
	if err := control.Down(t.Context(), l, &out); err != nil || !strings.Contains(out.String(), "does not run") {
		t.Errorf("down: %v, %s", err, &out)
	}
	if err := control.Restart(t.Context(), l, "cart", &out); !errors.Is(err, shop.ErrNotRunning) {
		t.Errorf("restart: %v", err)
	}
}
