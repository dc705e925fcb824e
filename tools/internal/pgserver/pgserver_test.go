package pgserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/pgserver"
)

// helperDir, when set, makes the test binary a tool that starts a server there, says so and waits to be killed.
const helperDir = "PGSERVER_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: dir})
		fmt.Println(err)
		if err == nil {
			<-s.Done()
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// folder is a temporary folder that an unprivileged server may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-test-") //nolint:usetesting // t.TempDir is closed to the server's account
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pgserver.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, opt pgserver.Options) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec1(t *testing.T, s *pgserver.Server, db, sql string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s *pgserver.Server) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.URL("shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDataSurvivesStopKillAndStrangePid(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, pgserver.Options{Dir: dir})
	for range 2 { // the second call finds the database
		if err := s.EnsureDatabase(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
	}
	exec1(t, s, "shop", "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if s.ID().Alive() {
		t.Fatal("the server runs after Stop")
	}

	s = start(t, pgserver.Options{Dir: dir, Port: s.Port()})
	exec1(t, s, "shop", "INSERT INTO kept DEFAULT VALUES")
	s.ID().Signal(syscall.SIGKILL)
	<-s.Done()
	if err := s.Stop(); err == nil {
		t.Error("Stop says that a killed server stopped cleanly")
	}

	// The pid file now names a process that lives and is no server: this one.
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, pgserver.Options{Dir: dir})
	defer s.Stop()
	if n := count(t, s); n != 2 {
		t.Errorf("%d rows after a stop and a kill, want 2", n)
	}
}

func TestKilledToolBlocksNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	tool := exec.Command(os.Args[0])
	tool.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := tool.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	if said, _ := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(said) != "<nil>" {
		t.Fatalf("helper: %s", said)
	}
	if _, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "runs a server there already") {
		t.Errorf("a second server in the same folder: %v", err)
	}
	_ = tool.Process.Kill()
	_ = tool.Wait()
	s := start(t, pgserver.Options{Dir: dir})
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = pgserver.Start(t.Context(), pgserver.Options{Dir: folder(t), Port: port, Unsafe: true, StartTimeout: 20 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("start on a taken port: %v", err)
	}
}

func TestDatabasesBelongToTheirOwners(t *testing.T) {
	t.Parallel()
	s := start(t, pgserver.Options{Dir: folder(t), Unsafe: true})
	defer s.Stop()
	for _, name := range []string{"mine", "yours"} {
		if err := s.EnsureDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c, err := pgx.Connect(t.Context(), s.OwnerURL("mine"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "CREATE TABLE t (); CREATE SCHEMA other; CREATE EXTENSION pg_trgm"); err != nil {
		t.Errorf("the owner may not work in the database: %v", err)
	}
	strange := strings.Replace(s.OwnerURL("mine"), "/mine?", "/yours?", 1)
	if c, err := pgx.Connect(t.Context(), strange); err == nil {
		_ = c.Close(t.Context())
		t.Error("one owner reaches the other's database")
	}
}

func TestServerBelongsToNobodyElse(t *testing.T) {
	t.Parallel()
	s := start(t, pgserver.Options{Dir: folder(t), Unsafe: true})
	defer s.Stop()
	wrong := strings.Replace(s.URL("postgres"), pgserver.User+":", pgserver.User+":not", 1)
	if c, err := pgx.Connect(t.Context(), wrong); err == nil {
		_ = c.Close(t.Context())
		t.Error("the server takes a wrong password")
	}
}
