//go:build !linux

// Package owndisk gives a program a small disk of its own, which may be filled without harm: on Linux alone.
package owndisk

import "errors"

// Enter is for Linux.
func Enter(string, int64) error { return errors.ErrUnsupported }

// Entered is for Linux.
func Entered(string) bool { return false }

// Leave is for Linux.
func Leave(string) error { return errors.ErrUnsupported }

// Fill is for Linux.
func Fill(string) (func(), error) { return nil, errors.ErrUnsupported }
