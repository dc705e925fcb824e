package a

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { time.Sleep(time.Hour) })
	_ = context.Background()
}

type scanner struct{}

func (scanner) Skip() {}

func TestOtherSkip(t *testing.T) {
	var s scanner
	s.Skip()
}

type property struct{ *testing.T }

func TestDrawsAgain(t *testing.T) {
	check := func(func(t property)) {}
	check(func(t property) { t.Skip() })
}
