package main

import (
	"path/filepath"
	"testing"
)

func TestFlagsMayFollowOperands(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-f", "--data", "/shop", "cart"},
		{"cart", "-f", "--data", "/shop"},
		{"--data", "/shop", "cart", "-f"},
	} {
		set, parse := flags("logs")
		follow := set.Bool("f", false, "")
		l, err := parse(args, 1)
		if err != nil || set.Arg(0) != "cart" || !*follow || l.Data != filepath.Clean("/shop") {
			t.Errorf("%q: operand %q, follow %v, data %s, %v", args, set.Arg(0), *follow, l.Data, err)
		}
	}
	_, parse := flags("logs")
	if _, err := parse([]string{"cart", "order"}, 1); err == nil {
		t.Error("two operands where one is wanted are taken")
	}
	_, parse = flags("logs")
	if _, err := parse([]string{"cart", "--no-such-flag"}, 1); err == nil {
		t.Error("an unknown flag after an operand is taken")
	}
}
