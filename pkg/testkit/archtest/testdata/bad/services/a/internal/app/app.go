// Package app knows too much.
package app

import (
	"example.com/shop/services/b"
	"example.com/shop/services/b/bapi/deep"
	"example.com/shop/services/b/internal/b"
	"example.com/shop/services/bb/bapi"
)
