// Package owndisk gives a program a small disk of its own, which may be filled without harm.
package owndisk

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// entered says which disk the program has, since it was begun anew on it.
const entered = "SIDECART_OWN_DISK"

// Enter mounts a disk of size bytes, held in memory, on the folder dir and begins the program anew there: nobody but it and its children
// sees the disk, and it goes with the last of them. In the program that was begun so Enter returns nil at once. It needs the right to
// mount (root); the error is unix.EPERM without it.
func Enter(dir string, size int64) error {
	if os.Getenv(entered) == dir {
		return nil
	}
	me, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // for good: the namespace is the thread's until the program is begun anew by it
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("a disk of its own: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("a disk of its own: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", size)); err != nil {
		return fmt.Errorf("a disk of its own at %s: %w", dir, err)
	}
	return unix.Exec(me, os.Args, append(os.Environ(), entered+"="+dir))
}

// Entered reports whether the program has its disk on dir.
func Entered(dir string) bool { return os.Getenv(entered) == dir }

// Leave gives the disk up, with all that it holds.
func Leave(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }

// Fill takes all that is left on the disk by a file, which the returned function takes away again.
func Fill(path string) (back func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it holds nothing
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	back = func() { _ = os.Remove(path) }
	left := int64(st.Bavail) * st.Bsize
	if left == 0 {
		return back, nil
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, left); err != nil && err != unix.ENOSPC { //nolint:errorlint // it is an errno
		back()
		return nil, err
	}
	return back, nil
}
