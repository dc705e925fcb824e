package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// logBytes is the size at which a log file makes way for a new one.
const logBytes = 20 << 20

// LogFile is a log that is appended to and, when it grows beyond a limit,
// becomes FILE.1 in the place of the one before it. So a log takes at most
// twice the limit, give or take one write.
type LogFile struct {
	mu    sync.Mutex
	path  string
	limit int64
	file  *os.File
	size  int64
}

// OpenLog opens path for appending and makes its directory. limit is in
// bytes; 0 means 20 MiB.
func OpenLog(path string, limit int64) (*LogFile, error) {
	if limit <= 0 {
		limit = logBytes
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("supervise: log: %w", err)
	}
	l := &LogFile{path: path, limit: limit}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *LogFile) open() error {
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("supervise: log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("supervise: log: %w", err), file.Close())
	}
	l.file, l.size = file, info.Size()
	return nil
}

// Write appends p, in a new file if the old one is full. If that cannot be
// opened, the old one grows on.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.limit {
		l.rotate()
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *LogFile) rotate() {
	full := l.file
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		l.size = 0 // not again for every write
		return
	}
	if err := l.open(); err != nil {
		l.file, l.size = full, 0
		return
	}
	_ = full.Close()
}

// Close closes the file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
