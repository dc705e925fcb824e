// Package a reaches out.
package a

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"os/exec"

	"example.com/shop/pkg/pg"
	"example.com/shop/services/a/internal/app"
	"example.com/shop/services/b/bapi"
	"github.com/google/uuid"
)
