package shop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Metrics reads what every service counts: the figures by service and by name with labels, as Prometheus writes them.
func (s *Shop) Metrics(ctx context.Context) (map[string]map[string]float64, error) {
	all := map[string]map[string]float64{}
	for _, service := range s.state.Services {
		a, err := s.Ask(ctx, "GET", service.Metrics+"/metrics", nil)
		if err != nil {
			return nil, err
		}
		if all[service.ID], err = figures(a.Body); err != nil {
			return nil, fmt.Errorf("metrics of %s: %w", service.ID, err)
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
