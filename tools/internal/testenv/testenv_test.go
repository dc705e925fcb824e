package testenv_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/testenv"
)

func TestEnvironmentExitCodeAndCleaning(t *testing.T) {
	tmp := t.TempDir()
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	t.Setenv(testenv.DaprDir, "")
	var out bytes.Buffer
	err := testenv.Run(t.Context(), testenv.Options{
		Command: []string{"sh", "-c", "echo $" + testenv.DatabaseURL + " $" + testenv.DaprDir + "; exit 7"},
		Dapr:    func(context.Context) (string, error) { return "/dapr", nil },
		Stdout:  &out,
		Stderr:  &out,
	})
	var exit testenv.ExitError
	if !errors.As(err, &exit) || exit.Code != 7 {
		t.Errorf("end: %v, want exit code 7", err)
	}
	if got := out.String(); !strings.Contains(got, "postgres://") || !strings.Contains(got, " /dapr\n") {
		t.Errorf("the command saw %q", got)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCommandIsRequired(t *testing.T) {
	t.Parallel()
	if err := testenv.Run(t.Context(), testenv.Options{}); err == nil {
		t.Error("no command, no error")
	}
	if err := testenv.Run(t.Context(), testenv.Options{Command: []string{"/does/not/exist"}, Stderr: &bytes.Buffer{}}); err == nil {
		t.Error("unknown command, no error")
	}
}
