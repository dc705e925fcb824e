package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// smallDisk, when set, makes this program mount a small disk on that folder and become the command that its arguments name.
const smallDisk = "SIDECART_E2E_SMALL_DISK"

const needed = "this test needs root, or a system that lets users have namespaces of their own"

// diskSize holds the databases of a shop and some of their logs.
const diskSize = 500 << 20

func mountAndRun(dir string, argv []string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", diskSize)); err != nil {
		return fmt.Errorf("mount a small disk: %w (%s)", err, needed)
	}
	_ = os.Unsetenv(smallDisk)
	return syscall.Exec(argv[0], argv, os.Environ())
}

// onSmallDisk has a command run where dir is a disk of its own, which nobody else sees and which goes with the command. Root may
// mount; everybody else may in a user namespace.
func onSmallDisk(dir string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		me, err := os.Executable()
		if err != nil {
			panic(err)
		}
		cmd.Args = append([]string{me}, cmd.Args...)
		cmd.Path, cmd.Env = me, append(os.Environ(), smallDisk+"="+dir)
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
		if uid := os.Geteuid(); uid != 0 {
			const mayMount = 21 // CAP_SYS_ADMIN
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
			cmd.SysProcAttr.AmbientCaps = []uintptr{mayMount}
		}
	}
}

// The disk of the private Postgres is full: the shop refuses with a problem that says so, the person at the terminal is told which
// disk it is, and when there is room again the shop goes on. What was sold is still sold, and the books are clean.
func TestDiskFull(t *testing.T) {
	// Nobody else sees the disk, so nobody reaches a socket on it: the path is too long for one, and the server is reached by its port.
	dir := filepath.Join(folder(t), strings.Repeat("far-away-", 10))
	disk := filepath.Join(dir, "postgres")
	if err := os.MkdirAll(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	small, err := shop.Start(ctx, shop.Options{Data: dir, Args: []string{"--no-seed"}, Prepare: onSmallDisk(disk)})
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("%v: %s", err, needed)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := small.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := small.Run(context.WithoutCancel(t.Context()), "reset"); err != nil { // the broker's socket is elsewhere too
			t.Error(err)
		}
	})
	sku := small.Goods(t, "disk", 10_000)
	before, refusal := order(t, small, sku)
	if refusal != nil {
		t.Fatal(refusal)
	}
	ballast := filepath.Join("/proc", fmt.Sprint(small.PIDOfTool()), "root", disk, "ballast")
	fill(t, ballast)
	sold, refused := 0, 0
	shop.Eventually(t, time.Minute, func() error {
		if _, err := order(t, small, sku); err == nil {
			sold++
		} else if refused++; !errors.Is(err, errRefused) {
			t.Error(err)
		}
		if refused < 10 {
			return fmt.Errorf("the full disk refused %d guests", refused)
		}
		return nil
	})
	t.Logf("%d sold and %d refused on a full disk", sold, refused)
	shop.Eventually(t, 30*time.Second, func() error {
		if !small.Said("the disk that holds " + disk) {
			return errors.New("the tool does not say which disk is full")
		}
		return nil
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	small.AwaitHealthy(t, recovery)
	if _, err := order(t, small, sku); err != nil {
		t.Error(err)
	}
	var read orderapi.Order
	small.Must(t, 200, "GET", "/v1/orders/"+before.ID+"?access_token="+before.AccessToken, nil, &read)
	if read.Number != before.Number {
		t.Errorf("order %s became %+v", before.Number, read)
	}
	if out, err := small.Run(t.Context(), "books", "--wait", settle); err != nil {
		t.Errorf("the books are not clean: %v", err)
	} else {
		t.Log(out)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = io.CopyN(f, zeros{}, 64<<10)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// order buys one piece as a guest. Its error is errRefused where a client is told to come again later.
func order(t *testing.T, at *shop.Shop, sku string) (orderapi.Order, error) {
	t.Helper()
	o, refused, err := at.Buy(t.Context(), sku)
	if err != nil || refused == nil {
		return o, err
	}
	t.Logf("%d %s", refused.Status, refused.Body)
	if refused.Status == http.StatusAccepted {
		return o, errRefused
	}
	if err := refused.ProblemDocument(); err != nil {
		return o, err
	}
	if refused.Status != http.StatusServiceUnavailable && refused.Status != http.StatusGatewayTimeout {
		return o, refused.Into(http.StatusCreated, nil)
	}
	return o, errRefused
}

var errRefused = errors.New("refused for now")
