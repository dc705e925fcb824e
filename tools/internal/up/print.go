package up

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// printer writes whole lines for the person at the terminal, each with the time since the start.
type printer struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time
	part  []byte
}

func newPrinter(out io.Writer) *printer { return &printer{out: out, begin: time.Now()} }

func (p *printer) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Write passes complete lines on. It never fails: a closed terminal must not end the shop.
func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.part = append(p.part, b...)
	for {
		line, rest, complete := bytes.Cut(p.part, []byte("\n"))
		if !complete {
			return len(b), nil
		}
		_, _ = fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.begin).Seconds(), line)
		p.part = append([]byte(nil), rest...)
	}
}

// raw writes text without a time.
func (p *printer) raw(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, text)
}

var (
	colour    = regexp.MustCompile("\x1b\\[[0-9;]*m")
	appPrefix = regexp.MustCompile(`^== APP - \S+ == `)
	report    = regexp.MustCompile(`^(sidecart: |    [A-Za-z0-9.-]+ \| )`)
)

// reports picks the supervisors' reports (who died, and its last lines) out of what the dapr CLI prints.
type reports struct {
	out  io.Writer
	part []byte
}

func newReports(out io.Writer) *reports { return &reports{out: out} }

func (r *reports) Write(b []byte) (int, error) {
	r.part = append(r.part, b...)
	for {
		line, rest, complete := bytes.Cut(r.part, []byte("\n"))
		if !complete {
			return len(b), nil
		}
		text := appPrefix.ReplaceAllString(colour.ReplaceAllString(string(line), ""), "")
		if report.MatchString(text) {
			fmt.Fprintln(r.out, strings.TrimPrefix(text, "sidecart: "))
		}
		r.part = append([]byte(nil), rest...)
	}
}

// welcome tells where everything is and how to begin.
func (r *runner) welcome() {
	l := r.opt.Layout
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe shop serves. Ctrl-C stops it; the data stays.\n\n")
	for _, s := range r.state.Services {
		fmt.Fprintf(&b, "  %-12s app %s   sidecar %s\n", s.ID, s.App, s.Sidecar)
	}
	for name, url := range r.state.Simulator {
		fmt.Fprintf(&b, "  %-12s %s (simulator)\n", name, url)
	}
	fmt.Fprintf(&b, "  %-12s %s   logs in %s\n", "postgres", shop.Local(r.shop.Ports.Of(shop.PostgresPort)), l.Logs())
	fmt.Fprintf(&b, "  %-12s %s: %s\n", "profile", l.Profile, strings.Join(shop.Servers(l.Profile), ", "))
	if base := r.state.Gateway; base != "" {
		r.welcomePublic(&b, base)
	}
	r.out.raw(b.String() + "\n")
}

func (r *runner) welcomePublic(b *strings.Builder, base string) {
	token, err := shop.StaffToken(r.opt.Layout, r.shop.Manifest.StaffScopes(), time.Now())
	if err != nil {
		token = "(" + err.Error() + ")"
	}
	if r.state.Shop != "" {
		fmt.Fprintf(b, "\n  shop      %s", r.state.Shop)
	}
	fmt.Fprintf(b, "\n  API       %s   documentation %s/docs\n", base, base)
	fmt.Fprintf(b, "  API key   %s\n", r.shop.Secrets.APIKey)
	fmt.Fprintf(b, "  staff     %s\n            (15 minutes; `bin/sidecart token` makes another)\n\n", token)
	fmt.Fprintf(b, "  curl -s '%s/v1/products?limit=3'\n", base)
	fmt.Fprintf(b, "  curl -s -X POST %s/v1/carts -H 'content-type: application/json' -d '{\"currency\":\"USD\"}'\n", base)
	fmt.Fprintf(b, "  curl -s %s/v1/admin/orders -H 'X-Api-Key: %s'\n", base, r.shop.Secrets.APIKey)
}
