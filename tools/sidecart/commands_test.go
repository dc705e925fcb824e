package main

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"strings"
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

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for name, tc := range map[string]struct {
		run  func(context.Context, []string) error
		args []string
		want string // empty: the flags
	}{
		"help for import":          {runImport, []string{"-h"}, ""},
		"help for import products": {runImport, []string{"products", "-h"}, ""},
		"help for a file":          {runImport, []string{"products", "a.csv", "--help"}, ""},
		"help for events":          {runEvents, []string{"-h"}, ""},
		"help for events replay":   {runEvents, []string{"replay", "-h"}, ""},
		"import of nothing":        {runImport, nil, "want: import products FILE"},
		"import of no file":        {runImport, []string{"products"}, "want: import products FILE"},
		"import of orders":         {runImport, []string{"orders", "a.csv"}, "want: import products FILE"},
		"import without a mapping": {runImport, []string{"products", "a.csv"}, "--mapping is missing"},
		"help for payments":        {runPayments, []string{"reconcile", "-h"}, ""},
		"payments of nothing":      {runPayments, nil, "want: payments reconcile"},
		"a day of no calendar":     {runPayments, []string{"reconcile", "--from", "yesterday"}, "--from"},
		"days the wrong way round": {runPayments, []string{"reconcile", "--from", "2026-03-02", "--to", "2026-03-01"}, "before"},
		"a gateway without keys":   {runPayments, []string{"reconcile", "--database", "x", "--gateway", "http://127.0.0.1:1"}, "--public-key"},
		"events of nothing":        {runEvents, nil, "want: events replay"},
		"stock of nothing":         {runStock, nil, "want: stock reconcile"},
		"a snapshot of no name":    {runStock, []string{"snapshot"}, "want: stock reconcile"},
		"a reconcile of a name":    {runStock, []string{"reconcile", "x"}, "want: stock reconcile"},
		"help for search":          {runSearch, []string{"rebuild", "-h"}, ""},
		"search of nothing":        {runSearch, nil, "want: search rebuild"},
		"a sample below nothing":   {runSearch, []string{"rebuild", "--sample", "-1"}, "want: search rebuild"},
		"help for infra":           {runInfra, []string{"-h"}, ""},
		"infra of nothing":         {runInfra, nil, "want: infra install"},
		"infra of what is not":     {runInfra, []string{"remove"}, "want: infra install"},
		"infra of no profile":      {runInfra, []string{"install", "--profile", "oracle"}, "no profile \"oracle\""},
		"a shop of no profile":     {runUp, []string{"--profile", "oracle"}, "no profile \"oracle\""},
		"a log without a name":     {runLogs, []string{"--data", data}, "There is: postgres"},
		"two logs":                 {runLogs, []string{"cart", "order"}, "got 2 operands, want 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.run(t.Context(), tc.args)
			if errors.Is(err, flag.ErrHelp) != (tc.want == "") || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
