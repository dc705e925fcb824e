// Package doctor looks for what keeps a shop from starting or serving on this machine, and says what to do about each.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sidecart/sidecart/tools/internal/daprdir"
	"github.com/sidecart/sidecart/tools/internal/infra"
	"github.com/sidecart/sidecart/tools/internal/pgserver"
	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/status"
	"github.com/sidecart/sidecart/tools/internal/supervise"
)

// Finding is one thing that was looked at.
type Finding struct {
	What   string
	Detail string
	Advice string // what to do; "" when all is well
	Warn   bool   // worth knowing, and in nobody's way
}

func (f Finding) mark() string {
	switch {
	case f.Advice == "":
		return "ok  "
	case f.Warn:
		return "note"
	default:
		return "BAD "
	}
}

// ErrFound ends the command with a failure when something is in the way.
var ErrFound = errors.New("something needs your attention")

// The free space below which a shop does not start well, and below which a person should know.
const (
	tooLittle = 512 << 20
	little    = 3 << 30
)

// Run looks at everything and prints it.
func Run(ctx context.Context, l shop.Layout, out io.Writer) error {
	findings := machine(ctx, l)
	m, err := shop.ReadManifest(l.Manifest())
	if err != nil {
		findings = append(findings, Finding{What: "dapr.yaml", Detail: err.Error(), Advice: "mend the file: Dapr ignores what it does not know"})
	} else {
		findings = append(findings, Finding{What: "dapr.yaml", Detail: fmt.Sprintf("%d services", len(m.Apps))})
		findings = append(findings, running(ctx, l, m)...)
	}
	bad := false
	for _, f := range findings {
		fmt.Fprintf(out, "%s  %-19s %s\n", f.mark(), f.What, f.Detail)
		if f.Advice != "" {
			fmt.Fprintf(out, "      %-19s → %s\n", "", f.Advice)
			bad = bad || !f.Warn
		}
	}
	if bad {
		return ErrFound
	}
	return nil
}

// machine looks at what must be there before anything starts.
func machine(ctx context.Context, l shop.Layout) []Finding {
	findings := []Finding{program(ctx, "Go", "install Go as go.mod names it", "go", "version")}
	cc := program(ctx, "C compiler", "install one (Debian: apt-get install gcc libc6-dev)", "cc", "--version")
	if cc.Advice != "" {
		cc = program(ctx, "C compiler", cc.Advice, "gcc", "--version")
	}
	findings = append(findings, cc)
	if version := pgserver.Installed(ctx); version != "" {
		findings = append(findings, Finding{What: "PostgreSQL", Detail: version + " of this machine"})
	} else {
		findings = append(findings, Finding{
			What: "PostgreSQL", Detail: "none on this machine", Warn: true,
			Advice: "nothing to do: the first start fetches one (10 MB); or install PostgreSQL",
		})
	}
	if dir := daprdir.Present(); dir != "" {
		findings = append(findings, Finding{What: "Dapr", Detail: dir})
	} else {
		findings = append(findings, Finding{
			What: "Dapr", Detail: "none on this machine", Warn: true,
			Advice: "nothing to do: the first start builds it from the Go module proxy, once, in about six minutes on two cores",
		})
	}
	findings = append(findings, servers(ctx, l)...)
	disks := l.Disks()
	if len(disks) == 0 {
		disks = []string{l.Data} // nothing was started here yet
	}
	for _, dir := range append(disks, os.TempDir()) {
		findings = append(findings, space(dir))
	}
	return append(findings, writable(l.Data))
}

// servers looks for what the profiles are made of. What this shop's profile lacks is in the way; what others lack is worth knowing.
func servers(ctx context.Context, l shop.Layout) (findings []Finding) {
	findings = append(findings, Finding{What: "profile", Detail: cmp.Or(l.Profile, shop.Embedded)})
	for _, profile := range shop.Profiles() {
		found, err := infra.Look(ctx, profile)
		if err != nil {
			findings = append(findings, Finding{What: "profile " + profile, Detail: strings.ReplaceAll(err.Error(), "\n", "; "),
				Advice: infra.InstallCommand(profile), Warn: profile != l.Profile})
			continue
		}
		var names []string
		for _, f := range found {
			names = append(names, f.Server+" "+f.Detail)
		}
		if len(names) > 0 {
			findings = append(findings, Finding{What: "profile " + profile, Detail: strings.Join(names, "; ")})
		}
	}
	return findings
}

func program(ctx context.Context, what, advice string, argv ...string) Finding {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		return Finding{What: what, Detail: err.Error(), Advice: advice}
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return Finding{What: what, Detail: line}
}

// space looks at the disk of a folder.
func space(dir string) Finding {
	free := shop.FreeSpace(dir)
	f := Finding{What: "disk space", Detail: fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), dir)}
	if free < little {
		f.Advice, f.Warn = "free some space on the disk that holds "+dir, free >= tooLittle
	}
	return f
}

// writable looks whether files can be made in the state folder, or, if there is none yet, in the one that it will be made in.
func writable(dir string) Finding {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return Finding{What: "state folder", Detail: err.Error(), Advice: "make it writable, or choose another with --data"}
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	return Finding{What: "state folder", Detail: dir + " can be written"}
}

// running looks at the shop itself: its processes if it runs, its ports if it does not.
func running(ctx context.Context, l shop.Layout, m shop.Manifest) []Finding {
	report, err := status.Get(ctx, l)
	if errors.Is(err, shop.ErrNotRunning) {
		return append(leftovers(l), ports(l, m)...)
	}
	if err != nil {
		return []Finding{{What: "shop", Detail: err.Error(), Advice: "stop it with `make stop` and start it again"}}
	}
	findings := []Finding{{What: "shop", Detail: fmt.Sprintf("%s, pid %d", report.Phase, report.Shop.Tool.PID)}}
	for _, p := range report.Processes {
		f := Finding{What: p.Name, Detail: fmt.Sprintf("pid %d, %s", p.PID, p.Health)}
		if p.Health != "ok" {
			f.Advice = fmt.Sprintf("read `bin/sidecart logs %s`", p.Name)
			if p.LastEnd != "" {
				f.Detail += "; it last " + p.LastEnd
			}
		}
		findings = append(findings, f)
	}
	return append(findings, watched(ctx, l, report.Shop.Services)...)
}

func leftovers(l shop.Layout) []Finding {
	states, err := supervise.List(l.Processes())
	if err != nil {
		return []Finding{{What: "shop", Detail: err.Error(), Advice: "look at " + l.Processes()}}
	}
	var names []string
	for _, s := range states {
		if s.Alive {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		return []Finding{{
			What: "shop", Detail: "it does not run, but these do: " + strings.Join(names, ", "), Warn: true,
			Advice: "`make stop` ends what a killed tool left; the next start does so too",
		}}
	}
	return []Finding{{What: "shop", Detail: "it does not run"}}
}

// ports asks for the default ports, which the next start will want.
func ports(l shop.Layout, m shop.Manifest) []Finding {
	taken := proc.Taken(m.Defaults(l.Profile, len(l.Simulators())))
	if len(taken) == 0 {
		return []Finding{{What: "ports", Detail: "all free"}}
	}
	var findings []Finding
	for _, t := range taken {
		findings = append(findings, Finding{
			What: "ports", Detail: t.String(), Warn: true,
			Advice: "end that process, or start the shop beside it: make run ARGS=\"--port-offset 20\"",
		})
	}
	return findings
}
