package pgserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sidecart/sidecart/tools/internal/proc"
)

const (
	dataName = "data"
	// sharedHome keeps the data when the tool runs as root inside a folder that its unprivileged account may not enter.
	sharedHome = "/var/lib/sidecart"
	// maxSocketPath is what sockaddr_un holds, less the closing zero.
	maxSocketPath = 107
)

// home is where the data lives, whose it is, and which binaries serve it.
type home struct {
	dir      string // parent of data; the account can enter it
	binaries binaries
	account  *syscall.Credential // nil: the tool's own user
}

func (h home) data() string           { return filepath.Join(h.dir, dataName) }
func (h home) bin(name string) string { return filepath.Join(h.binaries.dir, name) }
func (h home) socketDir(p int) string {
	if len(filepath.Join(h.data(), ".s.PGSQL."+strconv.Itoa(p)+".lock")) > maxSocketPath {
		return ""
	}
	return h.data()
}

// as makes cmd run under the account, in the data folder's parent, with a small environment: the caller's settings
// (PGHOST, PGDATA, locale) must not reach the server.
func (h home) as(cmd *exec.Cmd) {
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "LC_ALL=C", "TZ=UTC"}
	if h.account != nil {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Credential = h.account
	}
}

// own gives path to the account.
func (h home) own(path string) error {
	if h.account == nil {
		return nil
	}
	return os.Chown(path, int(h.account.Uid), int(h.account.Gid))
}

// findHome settles account, binaries and folder. A folder that the account may not enter (a clone below /root) keeps a
// link to one that it may.
func findHome(ctx context.Context, dir string, progress io.Writer) (home, error) {
	account, err := unprivileged()
	if err != nil {
		return home{}, err
	}
	h := home{dir: dir, account: account}
	if target, err := os.Readlink(h.data()); err == nil {
		h.dir = filepath.Dir(target)
	}
	if h.binaries, err = findBinaries(ctx, h, progress); err != nil {
		return home{}, err
	}
	if account == nil || h.dir != dir {
		return h, nil
	}
	if err := h.enter(ctx); !errors.Is(err, os.ErrPermission) {
		return h, err
	}
	sum := sha256.Sum256([]byte(dir))
	moved := home{dir: filepath.Join(sharedHome, hex.EncodeToString(sum[:6])), account: account, binaries: h.binaries}
	if err := os.MkdirAll(moved.dir, 0o755); err != nil {
		return home{}, diskFull(err, moved.dir)
	}
	if err := moved.enter(ctx); err != nil {
		return home{}, fmt.Errorf("the user that runs the server may not enter %s, and elsewhere: %w", dir, err)
	}
	if err := os.Symlink(moved.data(), h.data()); err != nil {
		return home{}, err
	}
	return moved, nil
}

// unprivileged returns the account for a server started by root, nil for everybody else.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU != nil || errG != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("postgres does not run as root and there is neither a user postgres nor nobody: run the tool as another user")
}

// enter tries whether the account may work in the folder: its own view is the only one that counts. It may not when the error is
// os.ErrPermission; every other one says nothing of that.
func (h home) enter(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, h.bin("postgres"), "--version")
	h.as(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("try the server's user in %s: %w", h.dir, err)
	}
	return nil
}

// endLeftovers ends server processes that still work in the data folder. The caller holds the folder's lock, so whoever
// is there was left by a tool that was killed. A postmaster.pid that then still stands names nobody of ours.
func (h home) endLeftovers() error {
	data, err := filepath.EvalSymlinks(h.data())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, id := range proc.WorkingIn(data) {
		if strings.HasPrefix(proc.Name(id.PID), "postgres") {
			id.End(syscall.SIGINT, 20*time.Second)
		}
	}
	if err := os.Remove(filepath.Join(data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// initialise runs initdb unless the folder is there. It works in a folder of another name and renames it at the end.
func (h home) initialise(ctx context.Context, password string, opt Options) error {
	if _, err := os.Stat(filepath.Join(h.data(), "PG_VERSION")); err == nil {
		return nil
	}
	fmt.Fprintf(opt.Progress, "preparing the private postgres %s (a few seconds)\n", h.binaries.version)
	fresh := filepath.Join(h.dir, dataName+".init")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	var err error
	// C.UTF-8 knows the letters of all languages; a system without it gets C, where upper and lower know ASCII only.
	for _, locale := range []string{"C.UTF-8", "C"} {
		if err = h.initdb(ctx, fresh, locale, password, opt.Unsafe); err == nil || !strings.Contains(err.Error(), "locale") {
			break
		}
	}
	if err != nil {
		return diskFull(err, h.dir)
	}
	return os.Rename(fresh, h.data())
}

func (h home) initdb(ctx context.Context, dir, locale, password string, unsafe bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := h.own(dir); err != nil {
		return err
	}
	pw, err := os.CreateTemp(h.dir, "initdb-*")
	if err != nil {
		return err
	}
	defer os.Remove(pw.Name())
	if _, err := pw.WriteString(password); err != nil {
		return err
	}
	if err := errors.Join(pw.Close(), h.own(pw.Name())); err != nil {
		return err
	}
	args := []string{"-D", dir, "-U", User, "--auth=scram-sha-256", "--pwfile=" + pw.Name(), "--encoding=UTF8", "--locale=" + locale}
	if unsafe {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, h.bin("initdb"), args...)
	h.as(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out), 6))
	}
	return nil
}

func readOrMakePassword(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) > 0 {
		return string(raw), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(password), 0o600); err != nil {
		return "", err
	}
	return password, os.Rename(tmp, path)
}
