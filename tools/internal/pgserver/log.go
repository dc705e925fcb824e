package pgserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxLog is the size at which the server's log is put aside at the next start. One older log is kept.
const maxLog = 16 << 20

func openLog(path string) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && st.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
}

// explain adds to err what the server wrote since offset from, and names a full disk.
func explain(err error, log string, from int64, dir string) error {
	said := tail(log, from, 12)
	if strings.Contains(said, "No space left on device") {
		return fmt.Errorf("%w: free some space on the disk that holds %s and start again; no committed data is lost", ErrDiskFull, dir)
	}
	if said == "" {
		return err
	}
	return fmt.Errorf("%w; the server said:\n%s", err, said)
}

// diskFull turns a failed write for want of space into ErrDiskFull with the folder, and leaves other errors alone.
func diskFull(err error, dir string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "No space left on device") {
		return fmt.Errorf("%w: free some space on the disk that holds %s and start again", ErrDiskFull, dir)
	}
	return err
}

// tail returns at most n last lines of the part of the file that begins at offset from.
func tail(path string, from int64, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return ""
	}
	from = max(from, st.Size()-64<<10)
	raw, _ := io.ReadAll(io.NewSectionReader(f, from, st.Size()-from))
	return lastLines(string(raw), n)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
