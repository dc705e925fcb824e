package doctor_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/tools/internal/doctor"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// repository is a folder with a dapr.yaml of one service on the given port.
func repository(t *testing.T, port int, spoil string) shop.Layout {
	t.Helper()
	real, err := os.ReadFile("../../../dapr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	common, _, _ := strings.Cut(string(real), "\napps:\n")
	app := fmt.Sprintf(`
apps:
  - appID: cart
    appDirPath: services/cart
    appPort: %d
    daprHTTPPort: 30001
    daprGRPCPort: 30002
    daprInternalGRPCPort: 30003
    metricsPort: 30004
    command: ["${bin}/cart"]
`, port)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dapr.yaml"), []byte(common+app+spoil), 0o600); err != nil {
		t.Fatal(err)
	}
	return shop.Layout{Root: dir, Data: filepath.Join(dir, ".data")}
}

func TestNamesWhoHoldsAPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	var out bytes.Buffer
	if err := doctor.Run(t.Context(), repository(t, port, ""), &out); errors.Is(err, doctor.ErrFound) {
		t.Errorf("a taken port counts as a failure of this machine:\n%s", &out)
	}
	want := fmt.Sprintf("port %d is held by doctor.test (pid %d)", port, os.Getpid())
	for _, text := range []string{want, "--port-offset", "it does not run", "1 services", "Go "} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in\n%s", text, &out)
		}
	}
}

func TestFindsATypo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := doctor.Run(t.Context(), repository(t, 30005, "    comand: [x]\n"), &out)
	if !errors.Is(err, doctor.ErrFound) || !strings.Contains(out.String(), "comand") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestFindsAFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	l := repository(t, 30006, "")
	l.Data = "/proc" // nobody makes files there
	var out bytes.Buffer
	if err := doctor.Run(t.Context(), l, &out); !errors.Is(err, doctor.ErrFound) || !strings.Contains(out.String(), "BAD   state folder") {
		t.Errorf("%v\n%s", err, &out)
	}
	l.Data = filepath.Join(t.TempDir(), "not", "yet")
	out.Reset()
	if err := doctor.Run(t.Context(), l, &out); err != nil || !strings.Contains(out.String(), "ok    state folder") {
		t.Errorf("a folder that is to be made: %v\n%s", err, &out)
	}
}
