// Package a is a core that keeps to itself.
package a

import (
	"fmt"
	"time"

	"example.com/shop/pkg/fault"
	"example.com/shop/pkg/money"
)

var _, _, _, _ = fmt.Sprint, time.Now, fault.X, money.X
