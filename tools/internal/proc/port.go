package proc

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Listener is who holds a TCP port.
type Listener struct {
	Port int
	PID  int    // 0 when it belongs to another user and the tool may not look
	Name string // "" when unknown
}

// String names the holder for a person.
func (l Listener) String() string {
	if l.PID == 0 {
		return fmt.Sprintf("port %d is held by a process of another user", l.Port)
	}
	return fmt.Sprintf("port %d is held by %s (pid %d)", l.Port, l.Name, l.PID)
}

// Taken tells which of the ports cannot be bound on 127.0.0.1 now, and who holds each.
func Taken(ports []int) []Listener {
	var taken []Listener
	for _, p := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		if err == nil {
			_ = l.Close()
			continue
		}
		taken = append(taken, holder(p))
	}
	return taken
}

// FreePort returns a TCP port of 127.0.0.1 that nobody held a moment ago. Another process may take it before it is used.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func holder(port int) Listener {
	h := Listener{Port: port}
	inodes := listening(port)
	for _, pid := range All() {
		fds, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
		if err != nil {
			continue
		}
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "fd", fd.Name()))
			if err == nil && inodes[link] {
				h.PID, h.Name = pid, Name(pid)
				return h
			}
		}
	}
	return h
}

// listening returns the sockets ("socket:[inode]") in state LISTEN on port.
func listening(port int) map[string]bool {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		suffix := fmt.Sprintf(":%04X", port)
		for sc := bufio.NewScanner(f); sc.Scan(); {
			col := strings.Fields(sc.Text())
			if len(col) > 9 && col[3] == "0A" && strings.HasSuffix(col[1], suffix) {
				inodes["socket:["+col[9]+"]"] = true
			}
		}
		_ = f.Close()
	}
	return inodes
}
