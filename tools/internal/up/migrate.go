package up

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// migrate brings every service's database to the schema of its program.
func (r *runner) migrate(ctx context.Context) error {
	begin := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, a := range r.shop.Manifest.Apps {
		if a.HasDatabase() {
			g.Go(func() error { return Migrate(ctx, r.shop, a) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.out.say("databases are up to date (%s)", time.Since(begin).Round(100*time.Millisecond))
	return nil
}

// Migrate runs one service's `migrate`, whose output goes into its log folder.
func Migrate(ctx context.Context, s shop.Shop, a shop.App) error {
	argv, err := s.Command(a)
	if err != nil {
		return err
	}
	env, err := s.AppEnv(a)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], "migrate")...)
	cmd.Dir = s.Layout.Data
	cmd.Env = cleanEnv("APP_ID=" + a.AppID)
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	_ = os.WriteFile(s.Layout.Log(a.AppID+".migrate"), out, 0o600) // the error below holds what matters
	if err != nil {
		return fmt.Errorf("migrate %s: %w\n%s", a.AppID, err, lastLines(string(out), 8))
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
