package shop

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/sidecart/sidecart/tools/internal/proc"
)

// The fixed ports that dapr.yaml does not name. All defaults stay below 32768, where Linux begins to hand out ports to
// outgoing connections. The whole list is in docs of the tool (tools/sidecart/README.md).
const (
	PostgresPort         = 15432
	PlacementPort        = 15001
	PlacementHealthPort  = 15002 // this one and the scheduler's listen on all addresses whatever their flags say
	PlacementMetricsPort = 15003
	PlacementRaftPort    = 15004
	SchedulerPort        = 15005
	SchedulerHealthPort  = 15006
	SchedulerMetricsPort = 15007
	SchedulerClientPort  = 15008
	SchedulerPeerPort    = 15009
	BrokerStatusPort     = 15010
	SimulatorPort        = 8201 // the first simulator; the next ones follow
	maxOffset            = 20000
)

// Ports turns a default port into the one that this shop uses.
type Ports struct {
	Offset int         `json:"offset"`        // added to each
	Own    map[int]int `json:"own,omitempty"` // default → used, where ports were picked freely
}

// Shifted returns ports at a fixed distance from the defaults, for a second shop beside the first. Blocks of services lie
// in hundreds, so multiples of 20 below 100 keep up to five shops apart.
func Shifted(offset int) (Ports, error) {
	if offset < 0 || offset > maxOffset {
		return Ports{}, fmt.Errorf("port offset %d: want 0 to %d", offset, maxOffset)
	}
	return Ports{Offset: offset}, nil
}

// Free picks a free port for each default, for tests.
func Free(defaults []int) (Ports, error) {
	p := Ports{Own: map[int]int{}}
	taken := map[int]bool{}
	for _, d := range defaults {
		for p.Own[d] == 0 {
			n, err := proc.FreePort()
			if err != nil {
				return Ports{}, err
			}
			if !taken[n] {
				taken[n], p.Own[d] = true, n
			}
		}
	}
	return p, nil
}

// Of returns the port used in place of a default one.
func (p Ports) Of(standard int) int {
	if own := p.Own[standard]; own != 0 {
		return own
	}
	return standard + p.Offset
}

var portPlaceholder = regexp.MustCompile(`\$\{port:([0-9]+)\}`)

// Defaults lists every port of the shop as the files name them.
func (m Manifest) Defaults(simulators int) []int {
	all := []int{
		PostgresPort, BrokerStatusPort, PlacementPort, PlacementHealthPort, PlacementMetricsPort, PlacementRaftPort,
		SchedulerPort, SchedulerHealthPort, SchedulerMetricsPort, SchedulerClientPort, SchedulerPeerPort,
	}
	for i := range simulators {
		all = append(all, SimulatorPort+i)
	}
	for _, a := range m.Apps {
		all = append(all, a.ports()...)
		for _, v := range a.Env {
			for _, found := range portPlaceholder.FindAllStringSubmatch(v, -1) {
				n, _ := strconv.Atoi(found[1])
				all = append(all, n)
			}
		}
	}
	return all
}
