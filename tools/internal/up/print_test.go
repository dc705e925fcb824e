package up

import (
	"bytes"
	"strings"
	"testing"
)

func TestReportsArePickedFromTheCLI(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := newReports(&out)
	said := "ℹ️  Validating config\n" +
		"\x1b[94m== APP - cart == sidecart: cart (pid 7) ended with exit code 1\x1b[0m\n" +
		"== APP - cart ==     cart | panic: no\n" +
		"sidecart: cart.daprd (pid 8) ended\n" +
		"time=now level=info msg=nothing\n"
	for _, b := range []byte(said) { // as a pipe may deliver it
		if _, err := r.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	want := "cart (pid 7) ended with exit code 1\n    cart | panic: no\ncart.daprd (pid 8) ended\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestPrinterWritesWholeLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(&out)
	p.say("one")
	_, _ = p.Write([]byte("tw"))
	if strings.Contains(out.String(), "tw") {
		t.Error("half a line was written")
	}
	_, _ = p.Write([]byte("o\n"))
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 2 || !strings.HasSuffix(lines[1], "s  two") {
		t.Errorf("got %q", out.String())
	}
}

func TestServicesGetNoSettingOfTheTool(t *testing.T) {
	t.Setenv("SIDECART_TEST_DATABASE_URL", "x")
	t.Setenv("DAPR_HTTP_PORT", "1")
	t.Setenv("KEPT_BY_ALL", "yes")
	t.Setenv("GOGC", "50")
	env := strings.Join(cleanEnv("DAPR_HOST_IP=127.0.0.1"), "\n")
	if strings.Contains(env, "SIDECART_") || strings.Contains(env, "DAPR_HTTP_PORT") {
		t.Errorf("the environment holds settings that are not the services':\n%s", env)
	}
	if !strings.Contains(env, "KEPT_BY_ALL=yes") || !strings.Contains(env, "DAPR_HOST_IP=127.0.0.1") || strings.LastIndex(env, "GOGC=50") < strings.Index(env, "GOGC=300") {
		t.Errorf("the environment lacks something:\n%s", env)
	}
}
