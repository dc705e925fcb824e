package shop

import (
	"path/filepath"
	"syscall"
)

// FreeSpace tells how many bytes may still be written to the disk that holds dir, or the nearest folder above it that
// exists. It is 0 when nothing can be asked.
func FreeSpace(dir string) int64 {
	var st syscall.Statfs_t
	for syscall.Statfs(dir, &st) != nil {
		if dir == filepath.Dir(dir) {
			return 0
		}
		dir = filepath.Dir(dir)
	}
	return int64(st.Bavail) * st.Bsize
}
