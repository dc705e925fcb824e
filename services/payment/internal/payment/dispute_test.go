package payment

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/money"
)

func report(s DisputeStatus, after time.Duration) DisputeReport {
	return DisputeReport{DisputeID: "d", Status: s, Amount: money.New(1000, "USD"), At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(after)}
}

// Every status × every report: where the dispute stands afterwards, when the report is younger and when it is older.
func TestEachReportOnEachStatus(t *testing.T) {
	t.Parallel()
	const (
		o, d, u, w, l, a, x, e = DisputeOpen, DisputeDisputed, DisputeUnderReview, DisputeWon, DisputeLost, DisputeAccepted, DisputeAutoAccepted, DisputeExpired
	)
	// In the order of DisputeStatuses.
	younger := map[DisputeStatus][]DisputeStatus{
		o: {o, d, u, w, l, a, x, e},
		d: {d, d, u, w, l, a, x, e},
		u: {u, u, u, w, l, a, x, e},
		w: {w, w, w, w, l, a, x, e},
		l: {l, l, l, w, l, a, x, e},
		a: {a, a, a, w, l, a, x, e},
		x: {x, x, x, w, l, a, x, e},
		e: {e, e, e, w, l, a, x, e},
	}
	older := map[DisputeStatus][]DisputeStatus{
		o: {o, d, u, w, l, a, x, e},
		d: {d, d, u, w, l, a, x, e},
		u: {u, u, u, w, l, a, x, e},
		w: {w, w, w, w, w, w, w, w},
		l: {l, l, l, l, l, l, l, l},
		a: {a, a, a, a, a, a, a, a},
		x: {x, x, x, x, x, x, x, x},
		e: {e, e, e, e, e, e, e, e},
	}
	for _, from := range DisputeStatuses() {
		for i, to := range DisputeStatuses() {
			start := Dispute{}.Apply(report(from, 0))
			if got := start.Apply(report(to, time.Hour)).Status; got != younger[from][i] {
				t.Errorf("%s, then a younger %s: %s, want %s", from, to, got, younger[from][i])
			}
			if got := start.Apply(report(to, -time.Hour)).Status; got != older[from][i] {
				t.Errorf("%s, then an older %s: %s, want %s", from, to, got, older[from][i])
			}
		}
	}
}

// Whatever the order, and however often each report comes, the dispute is the same in the end.
func TestTheOrderOfReportsIsOfNoMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		reports := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) DisputeReport {
			return report(rapid.SampledFrom(DisputeStatuses()).Draw(t, "status"), time.Duration(rapid.IntRange(0, 3).Draw(t, "hours"))*time.Hour)
		}), 1, 8).Draw(rt, "reports")
		var want, got Dispute
		for _, r := range reports {
			want = want.Apply(r)
		}
		for _, r := range append(rapid.Permutation(reports).Draw(rt, "order"), reports...) {
			got = got.Apply(r)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("%v, want %v", got, want)
		}
	})
}

// A dispute is announced once when it is heard of and once for each decision.
func TestNewsOfADispute(t *testing.T) {
	t.Parallel()
	for i, step := range []struct {
		status DisputeStatus
		want   DisputeNews
	}{
		{DisputeOpen, DisputeNews{Opened: true}}, {DisputeUnderReview, DisputeNews{}}, {DisputeOpen, DisputeNews{}},
		{DisputeWon, DisputeNews{Closed: true}}, {DisputeWon, DisputeNews{}}, {DisputeLost, DisputeNews{Closed: true}},
	} {
		var d Dispute
		for j, s := range []DisputeStatus{DisputeOpen, DisputeUnderReview, DisputeOpen, DisputeWon, DisputeWon, DisputeLost}[:i] {
			d = d.Apply(report(s, time.Duration(j)*time.Hour))
		}
		if got := d.News(d.Apply(report(step.status, time.Duration(i)*time.Hour))); got != step.want {
			t.Errorf("step %d, %s: %+v, want %+v", i, step.status, got, step.want)
		}
	}
	if got := (Dispute{}).News(Dispute{}.Apply(report(DisputeWon, 0))); got != (DisputeNews{Opened: true, Closed: true}) {
		t.Errorf("a dispute that is heard of when it is won: %+v", got)
	}
}

func TestWhichStatusesShowAnAct(t *testing.T) {
	t.Parallel()
	for act, want := range map[DisputeAct]string{
		AcceptDispute: "[accepted]", FinalizeDispute: "[disputed under_review won lost]", AddEvidence: "[]",
	} {
		var done []DisputeStatus
		for _, s := range DisputeStatuses() {
			if act.Did(s) {
				done = append(done, s)
			}
		}
		if got := fmt.Sprint(done); got != want {
			t.Errorf("%s: %s, want %s", act, got, want)
		}
	}
}
