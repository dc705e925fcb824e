// Package run has its comment in another file.
package run
