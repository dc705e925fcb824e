// Package pgserver runs a private PostgreSQL: its own data, port and password, nothing shared with a server of the machine.
//
// The tool needs a real server where nothing may be installed, so the binaries are looked for first (PATH, Debian's
// folders) and fetched from the Maven repository otherwise. PostgreSQL refuses to run as root: then the server and
// initdb run as the user postgres or nobody, and own the data.
//
// What may go wrong, and what happens then: the tool is killed (the server gets SIGINT from the kernel and shuts down
// cleanly); the server is killed (Done is closed, the next Start recovers from the log); both are (the next Start ends
// what still works in the data folder and removes a postmaster.pid that names somebody else); the disk is full (the
// error says so, with the folder). initdb that was cut off leaves nothing that counts: the folder gets its name last.
package pgserver

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/proc"
)

// User is the superuser of the private server.
const User = "sidecart"

// DefaultMaxConnections carries a dozen services with pools of 16, their sidecars' state stores, the tool and a person with psql.
const DefaultMaxConnections = 300

// Options say where and how the server runs. Dir is required, the rest works at its zero value.
type Options struct {
	Dir            string        // everything the server owns; made if missing
	Port           int           // on 127.0.0.1; 0 picks a free one
	MaxConnections int           // 0 means DefaultMaxConnections
	Unsafe         bool          // no fsync: fast, and a power cut destroys the data. For tests.
	StartTimeout   time.Duration // crash recovery included; 0 means 2 minutes
	Progress       io.Writer     // long steps say so here; nil is silent
}

// Server is a running PostgreSQL.
type Server struct {
	opt      Options
	home     home
	port     int
	password string
	lock     *os.File
	child    *proc.Child
}

// ErrDiskFull is wrapped when the server could not start for want of space.
var ErrDiskFull = errors.New("no space left on the disk")

// Start makes the data folder if there is none, starts the server and returns when it answers. The caller must Stop it.
func Start(ctx context.Context, opt Options) (_ *Server, err error) {
	opt = opt.withDefaults()
	s := &Server{opt: opt}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("private postgres in %s: %w", opt.Dir, err)
	}
	for attempt := 1; ; attempt++ {
		err := s.run(ctx)
		if err == nil {
			return s, nil
		}
		// A port picked by us may be taken by somebody else between picking and binding.
		if opt.Port == 0 && attempt < 4 && strings.Contains(err.Error(), "Address already in use") {
			continue
		}
		return nil, fmt.Errorf("private postgres in %s: %w", opt.Dir, err)
	}
}

func (o Options) withDefaults() Options {
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = 2 * time.Minute
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o
}

// prepare takes the lock, finds binaries and account, ends what a killed tool left, and makes the data folder.
func (s *Server) prepare(ctx context.Context) error {
	dir, err := filepath.Abs(s.opt.Dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return diskFull(err, dir)
	}
	if s.lock, err = takeLock(filepath.Join(dir, "lock")); err != nil {
		return err
	}
	if s.home, err = findHome(ctx, dir, s.opt.Progress); err != nil {
		return err
	}
	if s.password, err = readOrMakePassword(filepath.Join(dir, "password")); err != nil {
		return diskFull(err, dir)
	}
	if err := s.home.endLeftovers(); err != nil {
		return err
	}
	return s.home.initialise(ctx, s.password, s.opt)
}

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, errors.New("another process runs a server there already")
	}
	return f, nil
}

// run starts the server process once and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	s.port = s.opt.Port
	if s.port == 0 {
		p, err := proc.FreePort()
		if err != nil {
			return err
		}
		s.port = p
	}
	out, err := openLog(s.logPath())
	if err != nil {
		return diskFull(err, s.opt.Dir)
	}
	defer out.Close()
	from, _ := out.Seek(0, io.SeekEnd)

	cmd := exec.Command(s.home.bin("postgres"), s.arguments()...)
	cmd.Stdout, cmd.Stderr = out, out
	s.home.as(cmd)
	if s.child, err = proc.Start(cmd, syscall.SIGINT); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		s.child.Stop(syscall.SIGINT, 5*time.Second)
		return explain(err, s.logPath(), from, s.opt.Dir)
	}
	return nil
}

func (s *Server) arguments() []string {
	set := []string{
		"port=" + strconv.Itoa(s.port),
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=" + s.home.socketDir(s.port),
		"max_connections=" + strconv.Itoa(s.opt.MaxConnections),
		"shared_buffers=256MB", "random_page_cost=1.1", "jit=off", "timezone=UTC", "log_timezone=UTC", "logging_collector=off", "log_line_prefix=%m [%p] %d ",
	}
	if s.opt.Unsafe {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{"-D", s.home.data()}
	for _, kv := range set {
		args = append(args, "-c", kv)
	}
	return args
}

// ready waits for the first answered query, the end of the process, or the deadline.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.StartTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.child.Done():
			return fmt.Errorf("the server ended while starting: %w", cmpErr(s.child.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// URL returns the connection string of a database for the superuser, password included.
func (s *Server) URL(database string) string { return s.url(User, s.password, database) }

// OwnerURL returns the connection string of a database made by EnsureDatabase for its owner, password included.
func (s *Server) OwnerURL(database string) string {
	return s.url(database, s.ownerPassword(database), database)
}

// url leads over the socket, which costs both ends less than TCP does, wherever its path is short enough to have one.
func (s *Server) url(user, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Host:     "127.0.0.1:" + strconv.Itoa(s.port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	if dir := s.home.socketDir(s.port); dir != "" {
		u.Host = ""
		u.RawQuery = url.Values{"host": {dir}, "port": {strconv.Itoa(s.port)}, "sslmode": {"disable"}}.Encode()
	}
	return u.String()
}

// Port is where the server listens on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// ID names the server's main process.
func (s *Server) ID() proc.ID { return s.child.ID }

// Version is the server's version as its binary prints it, like "15.18".
func (s *Server) Version() string { return s.home.binaries.version }

// Done is closed when the server has ended, for whatever reason. LogTail then tells why.
func (s *Server) Done() <-chan struct{} { return s.child.Done() }

// LogTail returns the last lines of the server's log.
func (s *Server) LogTail(lines int) string { return tail(s.logPath(), 0, lines) }

func (s *Server) logPath() string { return filepath.Join(s.opt.Dir, "server.log") }

// EnsureDatabase creates the database if it is missing, with an owner of the same name: nobody but the owner and the
// superuser may connect to it.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer c.Close(ctx)
	var owner, exists bool
	err = c.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&owner, &exists)
	if err != nil {
		return fmt.Errorf("look up database %s: %w", name, err)
	}
	quoted := pgx.Identifier{name}.Sanitize()
	var steps []string
	if !owner {
		steps = append(steps, "CREATE ROLE "+quoted+" LOGIN PASSWORD '"+s.ownerPassword(name)+"'")
	}
	if !exists {
		steps = append(steps, "CREATE DATABASE "+quoted+" OWNER "+quoted, "REVOKE CONNECT, TEMPORARY ON DATABASE "+quoted+" FROM PUBLIC")
	}
	for _, sql := range steps {
		if _, err := c.Exec(ctx, sql); err != nil {
			return diskFull(fmt.Errorf("create database %s: %w", name, err), s.opt.Dir)
		}
	}
	return nil
}

// ownerPassword is derived, so that there is one secret to keep.
func (s *Server) ownerPassword(name string) string {
	mac := hmac.New(sha256.New, []byte(s.password))
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Stop shuts the server down (open connections are cut, committed data is safe) and returns when it is gone.
func (s *Server) Stop() error {
	defer s.release()
	s.child.Stop(syscall.SIGINT, 30*time.Second)
	if err := s.child.Err(); err != nil {
		return fmt.Errorf("private postgres did not stop cleanly: %w", err)
	}
	return nil
}

// release gives the folder free for another process.
func (s *Server) release() {
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

// Find finds the server that runs in dir, from another process.
func Find(dir string) (proc.ID, error) {
	raw, err := os.ReadFile(filepath.Join(dir, dataName, "postmaster.pid"))
	if err != nil {
		return proc.ID{}, fmt.Errorf("find postgres: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return proc.ID{}, fmt.Errorf("find postgres: %w", err)
	}
	return proc.Find(pid)
}

// Remove deletes everything that a stopped server kept in dir.
func Remove(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if target, err := os.Readlink(filepath.Join(dir, dataName)); err == nil {
		if err := os.RemoveAll(filepath.Dir(target)); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
