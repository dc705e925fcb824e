package shop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	appID       = regexp.MustCompile(`^\s*- appID: (\S+)`)
	metricsPort = regexp.MustCompile(`SIDECART_METRICS_ADDR: 127\.0\.0\.1:\$\{port:(\d+)\}`)
)

// Metrics reads what every service counts: the figures by service and by name with labels, as Prometheus writes them.
func (s *Shop) Metrics(ctx context.Context) (map[string]map[string]float64, error) {
	manifest, err := os.ReadFile(filepath.Join(s.Root, "dapr.yaml"))
	if err != nil {
		return nil, err
	}
	all, service := map[string]map[string]float64{}, ""
	for line := range strings.Lines(string(manifest)) {
		if m := appID.FindStringSubmatch(line); m != nil {
			service = m[1]
		}
		m := metricsPort.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		usual, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		a, err := s.Ask(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d/metrics", s.state.Ports.of(usual)), nil)
		if err != nil {
			return nil, err
		}
		if all[service], err = figures(a.Body); err != nil {
			return nil, fmt.Errorf("metrics of %s: %w", service, err)
		}
	}
	return all, nil
}

func figures(text []byte) (map[string]float64, error) {
	out := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		n, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, err
		}
		out[line[:at]] = n
	}
	return out, nil
}
