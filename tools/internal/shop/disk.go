package shop

import (
	"os"
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

// Disks are the folders in which the shop keeps its data, one for each disk: that of Postgres may be a link to another one.
func (l Layout) Disks() []string {
	var dirs []string
	seen := map[uint64]bool{}
	for _, dir := range []string{l.Data, filepath.Join(l.Postgres(), "data"), l.Postgres()} {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || seen[uint64(st.Dev)] { //nolint:unconvert // it has another type on other systems
			continue
		}
		seen[uint64(st.Dev)] = true //nolint:unconvert // as above
		dirs = append(dirs, dir)
	}
	return dirs
}
