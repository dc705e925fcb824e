package infra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Install provides what the servers of the profiles lack on this machine, and leaves alone what is there. Packages of the system need
// root and Debian's apt-get; without, what is missing is named.
func Install(ctx context.Context, profiles []string, out io.Writer) error {
	var missing []string // Debian packages
	var bring []jars
	for _, profile := range profiles {
		for _, name := range programs(profile) {
			switch name {
			case "redis":
				if _, err := findRedis(ctx); err != nil {
					missing = append(missing, "redis-server")
				}
			case "kafka":
				bring = append(bring, kafkaJars)
			case "opensearch":
				bring = append(bring, openSearchJars)
			case "chromium":
				if _, err := findChromium(ctx); err != nil {
					missing = append(missing, "chromium")
				}
			case "nu":
				bring = append(bring, nuJars)
			}
		}
	}
	for _, j := range bring {
		if _, err := j.find(ctx); err != nil {
			missing = append(missing, j.lacks(ctx)...)
		}
	}
	slices.Sort(missing)
	if err := installPackages(ctx, slices.Compact(missing), out); err != nil {
		return err
	}
	for _, j := range bring {
		if err := j.fetch(ctx, out); err != nil {
			return err
		}
	}
	return lookAll(ctx, profiles, out)
}

// lookAll says what each profile now has, once each.
func lookAll(ctx context.Context, profiles []string, out io.Writer) error {
	var errs []error
	said := map[string]bool{}
	for _, profile := range profiles {
		found, err := Look(ctx, profile)
		errs = append(errs, err)
		for _, f := range found {
			if !said[f.Server] {
				said[f.Server] = true
				fmt.Fprintf(out, "%s %s\n", f.Server, f.Detail)
			}
		}
	}
	return errors.Join(errs...)
}

func installPackages(ctx context.Context, packages []string, out io.Writer) error {
	if len(packages) == 0 {
		return nil
	}
	names := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this machine lacks what Debian calls %s, and has no apt-get: install it by its own means", names)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("this machine lacks %s: run this as root, or `sudo apt-get install %s`", names, names)
	}
	fmt.Fprintf(out, "installing %s\n", names)
	for _, args := range [][]string{{"update", "-q"}, append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, lastLines(said, 15))
		}
	}
	for _, name := range packages {
		if name == "redis-server" {
			quiet(ctx, name)
		}
	}
	return nil
}

// quiet stops the server that a package starts for the whole machine: shops run their own. It is not there in a container.
func quiet(ctx context.Context, service string) {
	for _, argv := range [][]string{{"service", service, "stop"}, {"update-rc.d", service, "disable"}} {
		_ = exec.CommandContext(ctx, argv[0], argv[1:]...).Run()
	}
}
