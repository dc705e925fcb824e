// Package shop says what one shop on this machine consists of: its folders, its ports, its services, its secrets, and the
// files that Dapr reads, rendered with them.
//
// dapr.yaml is the only list of services and of what each gets; a folder below components is the only list of components. Both
// are templates: the tool renders them into the state folder with the real ports and paths, and nothing there is edited
// by hand. dapr ignores what it does not know in dapr.yaml, so it is read strictly here: a typo is an error before
// anything starts.
package shop

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// Layout is where things are. Root is the repository, Data the state folder of one shop; both absolute. Profile says which components
// the shop is made of; empty means the embedded ones.
type Layout struct {
	Root    string
	Data    string
	Profile string
}

// FindLayout looks for dapr.yaml from dir upwards. data overrides the state folder, which is .data beside dapr.yaml. The profile is the
// one that the data was used with last.
func FindLayout(dir, data string) (Layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Layout{}, err
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "dapr.yaml")); err == nil {
			return newLayout(root, data)
		}
		if root == filepath.Dir(root) {
			return Layout{}, fmt.Errorf("no dapr.yaml in %s or above: run this inside the repository", dir)
		}
	}
}

func newLayout(root, data string) (Layout, error) {
	if data == "" {
		data = filepath.Join(root, ".data")
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Root: root, Data: data}
	l.Profile, err = l.LastProfile()
	return l, err
}

// Manifest is dapr.yaml.
func (l Layout) Manifest() string { return filepath.Join(l.Root, "dapr.yaml") }

// Components is the folder of the component templates of this profile.
func (l Layout) Components() string {
	return filepath.Join(l.Root, "components", cmp.Or(l.Profile, Embedded))
}

// Bin holds the built services and simulators.
func (l Layout) Bin() string { return filepath.Join(l.Data, "bin") }

// Keys holds secrets; nobody but the owner may enter it.
func (l Layout) Keys() string { return filepath.Join(l.Data, "keys") }

// Logs holds one file for each process.
func (l Layout) Logs() string { return filepath.Join(l.Data, "logs") }

// Run holds what is true only while the shop runs.
func (l Layout) Run() string { return filepath.Join(l.Data, "run") }

// Postgres is the folder of the private server.
func (l Layout) Postgres() string { return filepath.Join(l.Data, "postgres") }

// Broker is the folder of the event store.
func (l Layout) Broker() string { return l.Server(BrokerServer) }

// Server is the folder of one of the profile's servers.
func (l Layout) Server(name string) string { return filepath.Join(l.Data, name) }

// Scheduler is the folder of the jobs.
func (l Layout) Scheduler() string { return filepath.Join(l.Data, "scheduler") }

// Dapr holds everything that is rendered for Dapr.
func (l Layout) Dapr() string { return filepath.Join(l.Data, "dapr") }

// Resources is the folder that every sidecar loads, and watches.
func (l Layout) Resources() string { return filepath.Join(l.Dapr(), "resources") }

// Config is the sidecars' configuration. It lies outside Resources, where it would count as an unknown resource.
func (l Layout) Config() string { return filepath.Join(l.Dapr(), "config.yaml") }

// DaprYAML is the rendered run file.
func (l Layout) DaprYAML() string { return filepath.Join(l.Dapr(), "dapr.yaml") }

// Runtime is the folder in which the dapr CLI looks for daprd.
func (l Layout) Runtime() string { return filepath.Join(l.Dapr(), "runtime") }

// Hosts is the sidecars' list of each other.
func (l Layout) Hosts() string { return filepath.Join(l.Dapr(), "hosts.db") }

// Secrets is the components' secret store.
func (l Layout) Secrets() string { return filepath.Join(l.Keys(), "secrets.json") }

// StateFile is where the running tool says what runs.
func (l Layout) StateFile() string { return filepath.Join(l.Run(), "shop.json") }

// Lock is held by the running tool.
func (l Layout) Lock() string { return filepath.Join(l.Run(), "up.lock") }

// Processes holds the supervisors' own files.
func (l Layout) Processes() string { return filepath.Join(l.Run(), "processes") }

// Log is the log file of one process.
func (l Layout) Log(name string) string { return filepath.Join(l.Logs(), name+".log") }

// Sockets is the folder of the pluggable components' Unix sockets. A socket's path holds 107 bytes at most, so a shop in
// a deep folder keeps them in the system's temporary folder, under a name of its own.
func (l Layout) Sockets() string {
	dir := filepath.Join(l.Run(), "sock")
	if len(dir) <= 80 {
		return dir
	}
	sum := sha256.Sum256([]byte(l.Data))
	return filepath.Join(os.TempDir(), fmt.Sprintf("sidecart-%d-%s", os.Getuid(), hex.EncodeToString(sum[:6])))
}

// Prepare makes the folders.
func (l Layout) Prepare() error {
	for dir, mode := range map[string]os.FileMode{
		l.Data: 0o755, l.Bin(): 0o755, l.Logs(): 0o755, l.Resources(): 0o755, l.Scheduler(): 0o755, filepath.Dir(l.daprd()): 0o755,
		l.Keys(): 0o700, l.Run(): 0o700, l.Broker(): 0o700, l.Sockets(): 0o700,
	} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return err // the others would fail alike
		}
	}
	return nil
}

// daprd is the stand-in for daprd that the dapr CLI starts.
func (l Layout) daprd() string { return filepath.Join(l.Runtime(), ".dapr", "bin", "daprd") }
