package infra

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// openSearchVersion is that of opensearch/pom.xml.
const openSearchVersion = "2.19.1"

//go:embed opensearch/pom.xml
var openSearchPOM []byte

//go:embed opensearch/Server.java
var openSearchServer []byte

var openSearchJars = jars{name: "OpenSearch", version: openSearchVersion, pom: openSearchPOM, proof: "opensearch-" + openSearchVersion + ".jar",
	megabytes: 53, source: openSearchServer, oldest: 11, profile: shop.Standard}

// OpenSearch is a private server of one node. It has no password: security is a plugin that its jars do not have, so whoever is on this machine
// may read and write its index, which is made anew from search's database.
type OpenSearch struct {
	Dir       string
	Port      int
	Transport int // port
}

// openSearchSettings are the node's. A disk that is nearly full is no reason to hold an index back that takes some megabytes.
const openSearchSettings = `network.host: 127.0.0.1
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: true
`

// Prepare writes the server's settings and returns the command that runs it.
func (o OpenSearch) Prepare(ctx context.Context, out io.Writer) (argv []string, err error) {
	files, err := openSearchJars.prepare(ctx, out)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(o.Dir, "node_1", "config") // where the runner looks
	if err := os.MkdirAll(conf, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(conf, "opensearch.yml"), []byte(openSearchSettings), 0o600); err != nil {
		return nil, err
	}
	return []string{files.java.path, "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-cp",
		filepath.Join(files.lib, "*") + string(os.PathListSeparator) + files.lib, "Server", o.Dir, strconv.Itoa(o.Port), strconv.Itoa(o.Transport)}, nil
}

// URL is where its clients find it.
func (o OpenSearch) URL() string { return shop.URL(o.Port) }

// Ready succeeds when the server serves its clients, and all that it keeps.
func (o OpenSearch) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL()+"/_cluster/health", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	var health struct {
		Cluster string `json:"cluster_name"`
		Status  string `json:"status"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&health); err != nil {
		return err
	}
	if health.Cluster != "sidecart" || health.Status == "red" || health.Status == "" {
		return fmt.Errorf("the cluster %q is %q", health.Cluster, health.Status)
	}
	return nil
}
