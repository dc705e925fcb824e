package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFullDiskIsNamed(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "server.log")
	old := "an older start\n"
	if err := os.WriteFile(log, []byte(old+"FATAL:  could not write lock file \"postmaster.pid\": No space left on device\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the server ended while starting")
	if err := explain(cause, log, int64(len(old)), "/shop"); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "/shop") {
		t.Errorf("server log with a full disk: %v", err)
	}
	if err := diskFull(fmt.Errorf("mkdir: %w", syscall.ENOSPC), "/shop"); !errors.Is(err, ErrDiskFull) {
		t.Errorf("ENOSPC: %v", err)
	}
	if err := diskFull(cause, "/shop"); !errors.Is(err, cause) || errors.Is(err, ErrDiskFull) {
		t.Errorf("another error: %v", err)
	}
}

func TestExplainQuotesThisStartOnly(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "server.log")
	old := "No space left on device, a week ago\n"
	if err := os.WriteFile(log, []byte(old+"FATAL: today\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := explain(errors.New("ended"), log, int64(len(old)), "/shop")
	if errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "FATAL: today") || strings.Contains(err.Error(), "week") {
		t.Errorf("explained as: %v", err)
	}
}
