package boot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/config"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/pkg/testkit"
)

type settings struct {
	boot.Base
	Greeting string        `env:"SIDECART_GREETING" envDefault:"hello" doc:"What it says"`
	Key      config.Secret `env:"SIDECART_KEY" doc:"What it hides"`
}

// buffer can be read while the program writes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// program listens on a free port and sends its address to up.
func program(up chan<- string, sets ...pg.Migrations) boot.Program[settings] {
	return boot.Program[settings]{
		Name: "greeter", Title: "Greeter", Version: "1.2.3", Migrations: sets,
		Build: func(_ context.Context, p *boot.Process, c settings) error {
			listener := p.Server().Listen(c.HTTPAddr)
			p.Check("mood", func(context.Context) error { return nil })
			p.Add("http", listener)
			p.Add("announce", run.Func("announce", func(context.Context) error { up <- listener.Addr(); return nil }))
			return nil
		},
	}
}

var environ = []string{"APP_API_TOKEN=t0ken", "SIDECART_HTTP_ADDR=127.0.0.1:0", "SIDECART_DRAIN=0s", "DAPR_HTTP_PORT=1"}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("dapr-api-token", token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// serve runs the program until the test's check is done, and returns its log.
func serve(t *testing.T, p boot.Program[settings], up <-chan string, environ []string, check func(base string)) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, complaints buffer
	done := make(chan int, 1)
	go func() { done <- p.Run(ctx, []string{"serve"}, environ, &out, &complaints) }()
	select {
	case addr := <-up:
		check("http://" + addr)
	case code := <-done:
		t.Fatalf("ended with %d: %s", code, complaints.String())
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("ended with %d: %s", code, complaints.String())
	}
	return out.String()
}

func TestServe(t *testing.T) {
	t.Parallel()
	up := make(chan string, 1)
	metrics := fmt.Sprint("127.0.0.1:", testkit.FreePort(t))
	log := serve(t, program(up), up, append(environ, "SIDECART_METRICS_ADDR="+metrics), func(base string) {
		if code, body := get(t, base+"/healthz", ""); code != 200 || !strings.Contains(body, `"version":"1.2.3"`) {
			t.Errorf("healthz: %d %s", code, body)
		}
		code, body := get(t, base+"/readyz", "")
		var ready httpx.Readiness
		if err := json.Unmarshal([]byte(body), &ready); err != nil || code != 503 || ready.Dependencies["mood"] != "ok" || ready.Dependencies["sidecar"] != "failed" {
			t.Errorf("readyz without a sidecar: %d %s", code, body)
		}
		if code, _ := get(t, base+"/openapi.json", "wrong"); code != 401 {
			t.Errorf("a stranger got %d", code)
		}
		if code, body := get(t, base+"/openapi.json", "t0ken"); code != 200 || !strings.Contains(body, "Greeter") {
			t.Errorf("openapi: %d %s", code, body)
		}
		if code, body := get(t, "http://"+metrics+"/metrics", ""); code != 200 || !strings.Contains(body, `build_info{service="greeter",version="1.2.3"} 1`) ||
			!strings.Contains(body, `http_server_request_duration_seconds_count{method="GET",route="/openapi.json",status="200"} 1`) {
			t.Errorf("metrics: %d %s", code, body)
		}
	})
	for _, want := range []string{`"msg":"starting"`, `"msg":"stopped"`, `"service":"greeter"`, `"route":"/openapi.json"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log:\n%s", want, log)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	up := make(chan string, 1)
	p := program(up)
	broken := p
	broken.Build = func(context.Context, *boot.Process, settings) error { return errors.New("no wire") }
	taken := fmt.Sprint("127.0.0.1:", testkit.FreePort(t))
	busy := httpx.Listen(taken, http.NotFoundHandler())
	if err := busy.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Stop(context.Background()) })
	with := func(more ...string) []string { return append(environ[:len(environ):len(environ)], more...) }
	for name, tc := range map[string]struct {
		program boot.Program[settings]
		args    []string
		environ []string
		code    int
		says    []string
	}{
		"unknown command":  {p, []string{"fly"}, environ, 2, []string{"usage: greeter [serve | migrate | check-config]"}},
		"too many":         {p, []string{"serve", "now"}, environ, 2, []string{"usage"}},
		"unknown setting":  {p, nil, with("SIDECART_GREETNG=x", "SIDECART_TRACE_RATE=2", "SIDECART_LOG_LEVEL=loud"), 2, []string{"SIDECART_GREETNG", "SIDECART_LOG_LEVEL"}},
		"bounds":           {p, nil, with("SIDECART_TRACE_RATE=2", "SIDECART_DATABASE_CONNS=0"), 2, []string{"SIDECART_TRACE_RATE", "SIDECART_DATABASE_CONNS"}},
		"no app token":     {p, nil, environ[1:], 1, []string{"APP_API_TOKEN is required"}},
		"no database":      {program(up, pg.Migrations{Name: "x", FS: os.DirFS("testdata/migrations")}), nil, environ, 2, []string{"SIDECART_DATABASE_URL is required"}},
		"no keys":          {p, nil, with("SIDECART_JWKS_FILE=/nowhere/jwks.json"), 1, []string{"/nowhere/jwks.json"}},
		"broken build":     {broken, nil, environ, 1, []string{"build: no wire"}},
		"port is taken":    {p, nil, with("SIDECART_HTTP_ADDR=" + taken), 1, []string{"start http", taken}},
		"bad OTLP address": {p, nil, with("SIDECART_OTLP_ENDPOINT=://"), 1, []string{"://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, complaints buffer
			if code := tc.program.Run(t.Context(), tc.args, tc.environ, &out, &complaints); code != tc.code {
				t.Errorf("ended with %d: %s", code, complaints.String())
			}
			for _, want := range tc.says {
				if !strings.Contains(complaints.String(), want) {
					t.Errorf("%q is not in %s", want, complaints.String())
				}
			}
		})
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	var out, complaints buffer
	code := program(nil).Run(t.Context(), []string{"check-config"},
		append(environ[:len(environ):len(environ)], "SIDECART_KEY=hunter2", "SIDECART_DATABASE_URL=postgres://u:hunter2@h/d"), &out, &complaints)
	if code != 0 || strings.Contains(out.String(), "hunter2") {
		t.Errorf("%d %s %s", code, out.String(), complaints.String())
	}
	fields := map[string][]string{}
	for line := range strings.Lines(out.String()) {
		words := strings.Fields(line)
		fields[words[0]] = words[1:]
	}
	if fmt.Sprint(fields["SIDECART_GREETING"]) != "[hello default What it says]" || fmt.Sprint(fields["SIDECART_KEY"]) != "[[redacted] set What it hides]" ||
		fmt.Sprint(fields["SIDECART_DRAIN"][:2]) != "[0s set]" {
		t.Errorf("%s", out.String())
	}
}

func TestMigrateThenServe(t *testing.T) {
	t.Parallel()
	up := make(chan string, 1)
	p := program(up, pg.Migrations{Name: "greeter", FS: os.DirFS("testdata/migrations")})
	env := append(environ[:len(environ):len(environ)], "SIDECART_DATABASE_URL="+testkit.SchemaURL(t))
	var out, complaints buffer
	if code := p.Run(t.Context(), nil, env, &out, &complaints); code != 1 || !strings.Contains(complaints.String(), "the database lacks 1 migrations: run `greeter migrate` first") {
		t.Errorf("before: %d %s", code, complaints.String())
	}
	for _, want := range []string{"greeter: 1 migrations applied\n", "greeter: 0 migrations applied\n"} {
		out, complaints := buffer{}, buffer{}
		if code := p.Run(t.Context(), []string{"migrate"}, env, &out, &complaints); code != 0 || out.String() != want {
			t.Errorf("%d %s %s", code, out.String(), complaints.String())
		}
	}
	serve(t, p, up, env, func(base string) {
		if _, body := get(t, base+"/readyz", ""); !strings.Contains(body, `"database":"ok"`) {
			t.Errorf("readyz: %s", body)
		}
	})
	var none buffer
	if code := program(up).Run(t.Context(), []string{"migrate"}, environ, &none, &complaints); code != 0 || none.String() != "greeter has no database\n" {
		t.Errorf("%d %s", code, none.String())
	}
}

func TestServeWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	up := make(chan string, 1)
	p := program(up, pg.Migrations{Name: "greeter", FS: os.DirFS("testdata/migrations")})
	env := append(environ[:len(environ):len(environ)], fmt.Sprintf("SIDECART_DATABASE_URL=postgres://u@127.0.0.1:%d/x", testkit.FreePort(t)))
	serve(t, p, up, env, func(base string) {
		if code, body := get(t, base+"/readyz", ""); code != 503 || !strings.Contains(body, `"database":"failed"`) {
			t.Errorf("readyz: %d %s", code, body)
		}
		if code, _ := get(t, base+"/healthz", ""); code != 200 {
			t.Errorf("healthz: %d", code)
		}
	})
}
