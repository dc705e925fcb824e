package daprdir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/daprbin"
	"github.com/sidecart/sidecart/tools/internal/testenv"
)

// emptyMachine has no Dapr anywhere that counts.
func emptyMachine(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("PATH", filepath.Join(home, "bin"))
	t.Setenv(testenv.DaprDir, "")
	return home
}

func program(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPresent(t *testing.T) {
	home := emptyMachine(t)
	if dir := Present(); dir != "" {
		t.Errorf("found %s on an empty machine", dir)
	}
	for _, path := range []string{"cache/sidecart/dapr/1.18.1-abc/daprd", ".dapr/bin/daprd", "bin/daprd"} { // the later, the earlier
		want := filepath.Dir(program(t, filepath.Join(home, path)))
		if dir := Present(); dir != want {
			t.Errorf("found %q, want %q", dir, want)
		}
	}
	t.Setenv(testenv.DaprDir, filepath.Dir(program(t, filepath.Join(home, "named", "daprd"))))
	if dir := Present(); dir != filepath.Join(home, "named") {
		t.Errorf("found %q, want the named one", dir)
	}
}

func TestProgramsOfTwoFoldersComeTogether(t *testing.T) {
	home := emptyMachine(t)
	b := daprbin.Binaries{Version: "1.18.1", CLIVersion: "1.16.5"}
	for name, field := range map[string]*string{"daprd": &b.Daprd, "placement": &b.Placement, "scheduler": &b.Scheduler} {
		*field = program(t, filepath.Join(home, "runtime", name))
	}
	b.CLI = program(t, filepath.Join(home, "cli", "dapr"))
	for range 2 { // the second time finds the links
		dir, err := link(b)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"daprd": b.Daprd, "placement": b.Placement, "scheduler": b.Scheduler, "dapr": b.CLI} {
			if got, err := os.Readlink(filepath.Join(dir, name)); err != nil || got != want {
				t.Errorf("%s leads to %q, %v, want %q", name, got, err, want)
			}
		}
	}
}
