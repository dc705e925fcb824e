// Package app may do what a core may not.
package app

import (
	"context"
	"os"

	"example.com/shop/pkg/run"
	"example.com/shop/services/a/internal/a"
	"example.com/shop/services/b/bapi"
)

var _, _, _, _, _ = context.Background, os.Args, run.X, a.X, bapi.X
