package up

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// build compiles every service and simulator into the shop's bin folder. Go's cache makes a second time cheap.
func (r *runner) build(ctx context.Context) error {
	begin := time.Now()
	note := time.AfterFunc(4*time.Second, func() {
		r.out.say("building the services; from an empty cache this takes two or three minutes, later a few seconds")
	})
	defer note.Stop()
	var apps []shop.App
	for _, a := range r.shop.Manifest.Apps {
		if built(a) {
			apps = append(apps, a)
		}
	}
	if err := Build(ctx, r.opt.Layout, apps...); err != nil {
		return err
	}
	for _, sim := range r.opt.Layout.Simulators() {
		if err := goBuild(ctx, filepath.Join(r.opt.Layout.Root, "tools"), sim.Binary(r.opt.Layout), "./"+sim.Package); err != nil {
			return err
		}
	}
	r.out.say("services built (%s)", time.Since(begin).Round(100*time.Millisecond))
	return nil
}

// built reports whether the app's program is made by us.
func built(a shop.App) bool { return strings.HasPrefix(a.Command[0], "${bin}/") }

// Build compiles the apps' programs. A running program is replaced, not written over.
func Build(ctx context.Context, l shop.Layout, apps ...shop.App) error {
	if len(apps) == 0 {
		return nil
	}
	packages := make([]string, len(apps))
	for i, a := range apps {
		packages[i] = "./" + filepath.ToSlash(filepath.Clean(a.AppDirPath))
	}
	return goBuild(ctx, l.Root, l.Bin()+string(filepath.Separator), packages...)
}

func goBuild(ctx context.Context, dir, out string, packages ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-buildvcs=false", "-o", out}, packages...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	// Interrupted, go waits for its compilers and clears its folder away; killed, it leaves both behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(packages, " "), err, text)
	}
	return nil
}
