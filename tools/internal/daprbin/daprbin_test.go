package daprbin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestInstalledProgramsAreTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		install        func(t *testing.T, root string)
		runtime, cli   string // directories under the root, or "cache"
		version, built string
	}{
		"all on PATH": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin2", "1.18.4", everything)
				installCLI(t, root+"/bin1", "1.17.0")
			}, "bin2", "bin1", "1.18.4", "",
		},
		"PATH before home": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/home/.dapr/bin", "1.18.4", everything)
				installRuntime(t, root+"/bin1", "1.18.1", everything)
				installCLI(t, root+"/bin1", "1.16.5")
			}, "bin1", "bin1", "1.18.1", "",
		},
		"as dapr init leaves it": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/home/.dapr/bin", "1.18.2", everything)
				installCLI(t, root+"/bin2", "1.18.0")
			}, "home/.dapr/bin", "bin2", "1.18.2", "",
		},
		"an old one first on PATH": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.17.9", everything)
				installRuntime(t, root+"/bin2", "1.18.3", everything)
				installCLI(t, root+"/bin1", "1.12.0")
				installCLI(t, root+"/bin2", "1.16.5")
			}, "bin2", "bin2", "1.18.3", "",
		},
		"no command line": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.18.1", everything)
			}, "bin1", "cache", "1.18.1", "daprcli",
		},
		"no runtime": {
			func(t *testing.T, root string) { installCLI(t, root+"/bin1", "1.16.5") },
			"cache", "bin1", "1.18.1", "dapr",
		},
		"nothing": {
			func(*testing.T, string) {}, "cache", "cache", "1.18.1", "dapr daprcli",
		},
		"too new": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.19.0", everything)
				installCLI(t, root+"/bin1", "2.0.0")
			}, "cache", "cache", "1.18.1", "dapr daprcli",
		},
		"built without the components we need": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.18.1", "# "+neededPackages[1])
				installCLI(t, root+"/bin1", "1.16.5")
			}, "cache", "bin1", "1.18.1", "dapr",
		},
		"daprd alone": {
			func(t *testing.T, root string) {
				script(t, root+"/bin1/daprd", "echo 1.18.1\n"+everything)
				installCLI(t, root+"/bin1", "1.16.5")
			}, "cache", "bin1", "1.18.1", "dapr",
		},
		"not executable": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.18.1", everything)
				if err := os.Chmod(root+"/bin1/scheduler", 0o644); err != nil {
					t.Fatal(err)
				}
				installCLI(t, root+"/bin1", "1.16.5")
			}, "cache", "bin1", "1.18.1", "dapr",
		},
		"broken": {
			func(t *testing.T, root string) {
				installRuntime(t, root+"/bin1", "1.18.1; exit 1", everything)
				script(t, root+"/bin1/dapr", "exit 1")
			}, "cache", "cache", "1.18.1", "dapr daprcli",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "")
			c.install(t, m.root)
			b := m.ensure(t)
			place := func(dir string) string {
				if dir != "cache" {
					return filepath.Join(m.root, dir)
				}
				found, err := readSources(m.SourceDir)
				if err != nil {
					t.Fatal(err)
				}
				return filepath.Join(m.CacheDir, "dapr", found.key())
			}
			if got := filepath.Dir(b.Daprd); got != place(c.runtime) || filepath.Dir(b.Scheduler) != got {
				t.Errorf("runtime from %s and %s, want %s", got, b.Scheduler, place(c.runtime))
			}
			if got := filepath.Dir(b.CLI); got != place(c.cli) {
				t.Errorf("command line from %s, want %s", got, place(c.cli))
			}
			if b.Version != c.version {
				t.Errorf("version %q, want %q", b.Version, c.version)
			}
			if got := strings.Join(m.builds(t), " "); got != c.built || b.Built != (c.built != "") {
				t.Errorf("built %q (%v), want %q", got, b.Built, c.built)
			}
		})
	}
}

func TestASecondCallBuildsNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	first := m.ensure(t)
	second := m.ensure(t)
	if got := len(m.builds(t)); got != 2 || second.Built {
		t.Errorf("%d builds, the second call built: %v", got, second.Built)
	}
	second.Built = first.Built
	if first != second {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func TestAChangedModuleIsBuiltAnew(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	first := m.ensure(t)
	path := filepath.Join(m.SourceDir, "dapr/cmd/daprd/main.go")
	if err := os.WriteFile(path, []byte("package main // changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if second := m.ensure(t); second.Daprd == first.Daprd {
		t.Errorf("%s is used for other sources", second.Daprd)
	}
}

func TestTwoBuildersBuildOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	var wait sync.WaitGroup
	var mu sync.Mutex
	built := 0
	for range 4 {
		wait.Go(func() {
			opt := m.Options
			opt.Progress = nil
			b, err := Ensure(t.Context(), opt)
			if err != nil {
				t.Error(err)
				return
			}
			if ok := isProgram(b.Daprd) && isProgram(b.CLI); !ok {
				t.Errorf("got %+v", b)
			}
			mu.Lock()
			defer mu.Unlock()
			if b.Built {
				built++
			}
		})
	}
	wait.Wait()
	if got := strings.Join(m.builds(t), " "); got != "dapr daprcli" {
		t.Errorf("built %q", got)
	}
	if built == 0 {
		t.Error("nobody says that it built")
	}
}

func TestABuildThatIsCutOffLeavesNothingBroken(t *testing.T) {
	t.Parallel()
	// The build has written one program and half of another when it hangs.
	m := newMachine(t, `printf '#!/bin/sh\n' > ${out}daprd; chmod +x ${out}daprd; : > `+"$PWD/../../begun"+`; sleep 1000 & wait`)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Ensure(ctx, m.Options)
		ended <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(m.root, "begun")); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("ended with %v", err)
		case <-tick.C:
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	onlyLocksIn(t, m.CacheDir)

	// What a killed builder leaves is cleared by the next one.
	cache := filepath.Dir(firstMatch(t, filepath.Join(m.CacheDir, "dapr", "*", ".lock")))
	script(t, filepath.Join(cache, stagingPrefix+"1", "daprd"), "exit 1")
	script(t, m.Go, fmt.Sprintf(fakeGo, m.root, ""))
	if b := m.ensure(t); !b.Built {
		t.Error("nothing was built")
	}
	if left, _ := filepath.Glob(filepath.Join(cache, stagingPrefix+"*")); left != nil {
		t.Errorf("%v is left behind", left)
	}
}

// onlyLocksIn holds that nothing else is there.
func onlyLocksIn(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != ".lock" {
			t.Errorf("%s is left behind", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func firstMatch(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

func TestAFailedBuildSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ during, want string }{
		"the compiler complains": {`echo 'x.go:1:1: no space left on device' >&2; exit 1`, "no space left on device"},
		"it does not answer":     {`for p in daprd placement scheduler; do printf '#!/bin/sh\nexit 7\n' > $out$p; chmod +x $out$p; done; exit 0`, "does not answer"},
		"another version":        {`for p in daprd placement scheduler; do printf '#!/bin/sh\necho 1.18.7\n' > $out$p; chmod +x $out$p; done; exit 0`, "is v1.18.7 and should be v1.18.1"},
		"nothing comes out":      {`exit 0`, "made no [daprd placement scheduler]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, c.during)
			_, err := Ensure(t.Context(), m.Options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want it to say %q", err, c.want)
			}
			onlyLocksIn(t, m.CacheDir)
		})
	}
}

func TestAMachineWithoutGoIsToldWhatToInstall(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	m.Go = ""
	_, err := Ensure(t.Context(), m.Options)
	if !errors.Is(err, errNoGo) {
		t.Errorf("the error is %v", err)
	}
	script(t, filepath.Join(m.root, "bin2", "go"), fmt.Sprintf(fakeGo, m.root, ""))
	if b := m.ensure(t); !b.Built {
		t.Error("the go command in Path is not used")
	}
}

func TestProgressTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	m := &meter{cpus: 2, now: func() time.Time { return now }, begin: now}
	m.phase("fetching", 0)
	now = now.Add(7 * time.Second)
	m.step()
	if got, want := m.line(), "  0:07: fetching, 1 fetched"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	m.phase("compiling", 2000)
	for range 99 {
		m.step()
	}
	now = now.Add(time.Second)
	// 1901 packages of 90 ms on two processors, and linking.
	if got, want := m.line(), "  0:08: compiling, 99 of 2000 packages, about 3:11 left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for range 901 {
		m.step()
	}
	now = now.Add(99 * time.Second)
	// As fast as so far: 100 s for the other half.
	if got, want := m.line(), "  1:47: compiling, 1000 of 2000 packages, about 2:00 left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for range 1000 {
		m.step()
	}
	if got, want := m.line(), "  1:47: compiling, 2000 packages done, linking"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAPersonSeesTheBuild(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	m.ensure(t)
	for _, want := range []string{
		"building Dapr 1.18.1 (daprd, placement, scheduler) from source", "built Dapr 1.18.1",
		"building the Dapr command line 1.16.5 from source", "built the Dapr command line 1.16.5",
	} {
		if !strings.Contains(m.log.String(), want) {
			t.Errorf("%q is not in\n%s", want, m.log)
		}
	}
}
