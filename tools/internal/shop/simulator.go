package shop

import (
	"path/filepath"
	"slices"
)

// Simulator stands in for a provider outside: a program below tools/simulators that listens on an address and keeps its
// state in a folder.
type Simulator struct {
	Name    string
	Package string // folder, relative to the repository
	Port    int    // default
}

// Simulators lists what the repository holds; ports are given in the order of the names.
func (l Layout) Simulators() []Simulator {
	found, _ := filepath.Glob(filepath.Join(l.Root, "tools", "simulators", "*", "main.go"))
	slices.Sort(found)
	var all []Simulator
	for i, f := range found {
		name := filepath.Base(filepath.Dir(f))
		all = append(all, Simulator{Name: name, Package: filepath.Join("simulators", name), Port: SimulatorPort + i})
	}
	return all
}

// Binary is the simulator's program in the state folder.
func (s Simulator) Binary(l Layout) string { return filepath.Join(l.Bin(), s.Name+"-simulator") }

// Data is the simulator's own folder.
func (s Simulator) Data(l Layout) string { return filepath.Join(l.Data, "simulators", s.Name) }
