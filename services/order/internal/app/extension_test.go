package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
)

// All that is wrong with a file is said at once.
func TestFaultsOfAFileComeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ParseExtension([]byte(`
version: 7
extends: 2
states:
  - {name: Wrapping!, like: confirmed}
  - {name: picking, like: picking}
  - {name: limbo, like: placed, status: lost, fulfillment_status: "  "}
guards:
  - {name: paid, when: {noted: true}}
  - {name: rich, when: {total_above: {XXX: 5}}}
  - {name: nothing, when: {}}
  - {name: odd, when: {not: {line_metadata: {gift: [[1]]}}}}
  - {name: endless, when: {line_metadata: {gift: [.nan, .inf]}}}
transitions:
  - {name: a, event: captured, from: [placed], to: limbo}
  - {name: b, event: time_passed, from: [confirmed], to: picking, staff: true}
  - {name: c, event: advance, from: [confirmed], to: cancelled}
  - {name: d, event: ship, from: [shipped], to: confirmed, guard: whole_amount}
  - {name: e, event: pick, from: [confirmed], to: shipped, wait: 99999999, staff: true}
`))
	f, ok := fault.As(err)
	if !ok {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, field := range f.Fields {
		fmt.Fprintln(&said, field.Location, field.Message)
	}
	for _, want := range []string{
		"version must be 1000 or more", "extends must be 1", "states[0].name must be a word", "states[1].name must be a word of its own", "states[2].like is none of",
		"states[2].status is not a public status", "states[2].fulfillment_status must be a word", "guards[0].name must be a word of its own",
		"guards[1].when.total_above must be minor units", "guards[2].when must ask something", "guards[3].when.not.line_metadata.gift must be texts",
		"guards[4].when.line_metadata.gift must be texts, finite numbers",
		"transitions[0].event is none of", "transitions[0].from[0] is none of", "transitions[1].staff time passes without anybody", "transitions[2].staff somebody has to",
		"transitions[2].to is none of", "transitions[3].from[0] is further than where the row leads", "transitions[3].guard is not a guard of this file",
		"transitions[4].effects[0].later must be 1 to", "transitions[4].to must be a state of this file",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("nobody says %q; said:\n%s", want, said.String())
		}
	}
}

// What no row alone shows is found in the whole: dead ends, waits that nobody ends, states that are entered with a wait and without.
func TestFaultsOfTheWhole(t *testing.T) {
	t.Parallel()
	const head = "version: 1001\nextends: 1\nstates:\n  - {name: drying, like: confirmed}\n"
	for text, want := range map[string]string{
		head: "cannot be reached",
		head + "transitions:\n  - {name: a, event: advance, from: [confirmed], to: drying, staff: true, wait: 5}\n":                                                                                                                                                                                   `does not take the answer "time_passed"`,
		head + "transitions:\n  - {name: pick, event: advance, from: [confirmed], to: drying, staff: true}\n":                                                                                                                                                                                         "must be given and unique",
		head + "transitions:\n  - {name: a, event: pick, from: [confirmed], to: drying, staff: true}\n  - {name: b, event: pick, from: [confirmed], to: drying}\n":                                                                                                                                    "can never be taken",
		head + "transitions:\n  - {name: a, event: advance, from: [confirmed], to: drying, staff: true, wait: 5}\n  - {name: b, event: pick, from: [confirmed], to: drying, guard: g}\n  - {name: c, event: time_passed, from: [drying], to: picking}\nguards:\n  - {name: g, when: {noted: true}}\n": "must be that of the other rows into drying",
		"version: 1001\nextends: 1\n---\nversion: 1002\n": "more than one document",
		"version: 1001\nextend: 1\n":                      "field extend not found",
		"version: one\n":                                  "cannot unmarshal",
		"":                                                "EOF",
	} {
		_, err := ParseExtension([]byte(text))
		said := fmt.Sprint(err)
		if f, ok := fault.As(err); ok {
			said = fmt.Sprint(f.Fields)
		}
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("%s\nnobody says %q: %s", text, want, said)
		}
	}
}

// Names that YAML takes for numbers are names, and a file that says the same has the same fingerprint.
func TestNamesThatAreNumbers(t *testing.T) {
	t.Parallel()
	prints := map[string]bool{}
	for _, condition := range []string{"{line_metadata: {2026: [true], 1.5: [7], gift: [x]}, country: [.nan]}", `{country: [.nan], line_metadata: {"1.5": [7], gift: ["x"], "2026": [true]}}`,
		"{line_metadata: {2026: [false]}}"} {
		path := filepath.Join(t.TempDir(), "machine.yaml")
		if err := os.WriteFile(path, []byte("version: 1001\nextends: 1\nguards:\n  - {name: g, when: "+condition+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := ReadMachines(path)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		prints[all.Prints()[1001]] = true
	}
	if len(prints) != 2 {
		t.Errorf("of three files, two of which say the same, there are %d fingerprints", len(prints))
	}
}

// The faults of all files of a folder come at once, each with its name; two files of one version are one fault more.
func TestAFolderOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := ReadMachines(dir); err == nil {
		t.Error("an empty folder is taken")
	}
	if _, err := ReadMachines(filepath.Join(dir, "none.yaml")); err == nil {
		t.Error("a file that is not there is taken")
	}
	for name, text := range map[string]string{"a.yaml": "version: 1001\nextends: 1\n", "b.yaml": "version: 1001\nextends: 1\n", "c.yaml": "version: 3\nextends: 1\n", "d.txt": "none"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ReadMachines(dir)
	if err == nil || !strings.Contains(err.Error(), "b.yaml: version 1001 is given twice") || !strings.Contains(err.Error(), "c.yaml") || strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("%v", err)
	}
}
