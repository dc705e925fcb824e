package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/config"
)

type base struct {
	Addr  string        `env:"SIDECART_ADDR" envDefault:"127.0.0.1:8080" doc:"Where it listens"`
	Token config.Secret `env:"SIDECART_TOKEN,required"`
}

// Base is exported, as embedded structs of configurations are.
type Base base

// Validate refuses an address without a port.
func (b Base) Validate() error {
	if !strings.Contains(b.Addr, ":") {
		return errors.New("SIDECART_ADDR has no port")
	}
	return nil
}

type inherits struct {
	Base
	Wait  time.Duration `env:"SIDECART_WAIT" envDefault:"5s"`
	Names []string      `env:"SIDECART_NAMES"`
}

type validates struct {
	Base
	Count int `env:"SIDECART_COUNT" envDefault:"1"`
	Other struct {
		URL string `env:"URL,notEmpty"`
	} `envPrefix:"SIDECART_OTHER_"`
}

func (c *validates) Validate() error {
	var errs []error
	if c.Count < 1 {
		errs = append(errs, errors.New("SIDECART_COUNT is below 1"))
	}
	if c.Count < 0 {
		errs = append(errs, errors.New("SIDECART_COUNT is below 0"))
	}
	return errors.Join(errs...)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c, err := config.Load[inherits]([]string{"PATH=/bin", "SIDECART_TOKEN=a=b", "SIDECART_NAMES=x,y", "HOME", "=C:", "SIDECART_TEST_DATABASE_URL=x", "SIDECART_DAPR_DIR=y"})
	if err != nil || c.Addr != "127.0.0.1:8080" || c.Wait != 5*time.Second || c.Token.Reveal() != "a=b" || !slices.Equal(c.Names, []string{"x", "y"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func faults(err error) []string {
	if e, ok := errors.AsType[*config.Error](err); ok {
		return e.Faults
	}
	return nil
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load[inherits]([]string{"SIDECART_WAIT=soon", "SIDECART_ADR=x", "SIDECART_Z=1", "OTHER=1"})
	want := []string{"SIDECART_ADR is not a setting of this program", "SIDECART_Z is not a setting of this program",
		"SIDECART_TOKEN is required", `SIDECART_WAIT does not parse: unable to parse duration: time: invalid duration "soon"`}
	if got := faults(err); !slices.Equal(got, want) {
		t.Errorf("faults %q", got)
	}
	_, err = config.Load[validates]([]string{"SIDECART_TOKEN=t", "SIDECART_OTHER_URL=u", "SIDECART_ADDR=x", "SIDECART_COUNT=-1", "SIDECART_Q=1"})
	want = []string{"SIDECART_Q is not a setting of this program", "SIDECART_ADDR has no port", "SIDECART_COUNT is below 1", "SIDECART_COUNT is below 0"}
	if got := faults(err); !slices.Equal(got, want) {
		t.Errorf("faults %q", got)
	}
	_, err = config.Load[inherits]([]string{"SIDECART_TOKEN=t", "SIDECART_ADDR=x"})
	if got := faults(err); !slices.Equal(got, []string{"SIDECART_ADDR has no port"}) {
		t.Errorf("a promoted Validate: %q", got)
	}
	_, err = config.Load[validates]([]string{"SIDECART_TOKEN=t", "SIDECART_OTHER_URL="})
	if got := faults(err); !slices.Equal(got, []string{"SIDECART_OTHER_URL must not be empty"}) {
		t.Errorf("empty: %q", got)
	}
}

// TestOwnEnvironmentIsNotRead sets a variable of the process, so it is not parallel.
func TestOwnEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("SIDECART_TOKEN", "of the process")
	if c, err := config.Load[inherits](nil); err == nil {
		t.Errorf("read %+v", c)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range config.Describe[validates]() {
		got = append(got, fmt.Sprint(f.Key, " ", f.Type, " ", f.Default, " ", f.Required, " ", f.Secret, " ", f.Doc))
	}
	want := []string{
		"SIDECART_ADDR string 127.0.0.1:8080 false false Where it listens", "SIDECART_TOKEN config.Secret  true true ",
		"SIDECART_COUNT int 1 false false ", "SIDECART_OTHER_URL string  true false ",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	type holder struct {
		Public config.Secret
		hidden config.Secret
	}
	h := holder{config.NewSecret("hunter2"), config.NewSecret("hunter2")}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", h.Public, "holder", h)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", h.Public, "holder", h)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, h.Public)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, &h)
	}
	data, err := json.Marshal(map[string]any{"h": h, "s": h.Public, "p": &h.hidden})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	if text := out.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") || !strings.Contains(text, "[redacted]") {
		t.Error(text)
	}
	if h.Public.Reveal() != "hunter2" || (config.Secret{}).Reveal() != "" || (config.Secret{}).String() != "" || !(config.Secret{}).Empty() {
		t.Error("reveal")
	}
}
