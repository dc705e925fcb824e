package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sidecart/sidecart/tools/internal/alerts"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// watched looks whether the services of the running shop have found what the alerts watch, such as what their reconcilers find. An alert waits
// for a while; this says what there is now.
func watched(ctx context.Context, l shop.Layout, services []shop.Service) (findings []Finding) {
	rules, err := alerts.Read(filepath.Join(l.Root, "deploy/observability/alerts.yaml"))
	if err != nil {
		return []Finding{{What: "alerts", Detail: err.Error(), Advice: "mend the file"}}
	}
	for _, s := range services {
		if s.Metrics == "" {
			continue
		}
		families, err := counted(ctx, s.Metrics)
		if err != nil {
			findings = append(findings, Finding{What: s.ID, Detail: err.Error(), Advice: "what it has found is not known; is it healthy?", Warn: true})
			continue
		}
		for _, r := range rules {
			for _, c := range r.Conditions() {
				findings = append(findings, fires(s.ID, r, c, families[c.Metric])...)
			}
		}
	}
	if len(findings) == 0 {
		return []Finding{{What: "reconcilers", Detail: "have found nothing"}}
	}
	return findings
}

// counted reads what a service counts.
func counted(ctx context.Context, base string) (map[string]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its metrics: %s", res.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(res.Body)
}

// fires returns what of a metric meets a condition of a rule, or that a service does not tell of what it is to tell of.
func fires(service string, r alerts.Rule, c alerts.Condition, family *dto.MetricFamily) (findings []Finding) {
	advice, there := strings.ToLower(r.Annotations["summary"][:1])+r.Annotations["summary"][1:]+": "+r.Annotations["runbook_url"], false
	for _, m := range family.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		figure := m.GetGauge().GetValue() + m.GetCounter().GetValue()
		there = there || c.Of(labels)
		if !c.Met(labels, figure) {
			continue
		}
		detail := fmt.Sprintf("%s: %s of %s is %v", service, strings.Join(slices.Sorted(maps.Values(labels)), " "), c.Metric, figure)
		if len(labels) == 0 {
			detail = fmt.Sprintf("%s: %s is %v", service, c.Metric, figure)
		}
		if c.Counts {
			detail += " since it started"
		}
		findings = append(findings, Finding{What: r.Alert, Detail: detail, Advice: advice, Warn: c.Counts || r.Labels["severity"] != "critical"})
	}
	if c.Absent && !there && strings.HasPrefix(c.Metric, service+"_") { // perhaps it has just started
		what := strings.Join(append(slices.Clone(c.Values), c.Metric), " of ")
		findings = append(findings, Finding{What: r.Alert, Detail: service + ": " + what + " is not told", Advice: advice, Warn: true})
	}
	return findings
}
