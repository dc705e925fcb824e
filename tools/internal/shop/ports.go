package shop

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
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
	CartsRedisPort       = 15011
	EventsRedisPort      = 15012
	KafkaPort            = 15013
	KafkaControllerPort  = 15014
	OpenSearchPort       = 15015
	OpenSearchNodePort   = 15016
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
	if offset < 0 || offset > maxOffset || offset%20 != 0 {
		return Ports{}, fmt.Errorf("port offset %d: want a multiple of 20 up to %d; 20, 40, 60 and 80 keep clear of each other", offset, maxOffset)
	}
	return Ports{Offset: offset}, nil
}

// Free takes a hundred ports that nobody uses and gives one to each default, for tests. They are the shop's until the claim
// is closed: it holds the first of them, which is how others see that the hundred is taken before its servers listen. The
// hundreds lie where neither outgoing connections (from 32768) nor tests that pick single ports (below 24000) come.
func Free(defaults []int) (ports Ports, claim io.Closer, err error) {
	const lowest, highest, size = 24000, 32700, 100
	if len(defaults) >= size {
		return Ports{}, nil, fmt.Errorf("%d ports: want fewer than %d", len(defaults), size)
	}
	for _, n := range rand.Perm((highest - lowest) / size) {
		first := lowest + n*size
		if claim, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", first)); err != nil {
			continue
		}
		ports = Ports{Own: map[int]int{}}
		used := make([]int, len(defaults))
		for i, d := range defaults {
			used[i] = first + 1 + i
			ports.Own[d] = used[i]
		}
		if len(proc.Taken(used)) == 0 {
			return ports, claim, nil
		}
		_ = claim.Close()
	}
	return Ports{}, nil, errors.Join(errors.New("no hundred free ports"), err)
}

// Of returns the port used in place of a default one.
func (p Ports) Of(standard int) int {
	if own := p.Own[standard]; own != 0 {
		return own
	}
	return standard + p.Offset
}

var portPlaceholder = regexp.MustCompile(`\$\{port:([0-9]+)\}`)

// Defaults lists every port of a shop of this profile as the files name them.
func (m Manifest) Defaults(profile string, simulators int) []int {
	all := []int{
		PostgresPort, PlacementPort, PlacementHealthPort, PlacementMetricsPort, PlacementRaftPort,
		SchedulerPort, SchedulerHealthPort, SchedulerMetricsPort, SchedulerClientPort, SchedulerPeerPort,
	}
	all = append(all, serverPorts(profile)...)
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
