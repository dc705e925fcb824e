package web

import (
	"net/http"
	"slices"

	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
	"github.com/sidecart/sidecart/services/storefront/internal/view"
)

// compareDays is how long a browser keeps what is compared.
const compareDays = 7

// compared is what a browser compares, the latest first.
func compared(r *http.Request) storefront.Remembered {
	return storefront.ParseRemembered(cookie(r, compareCookie)).Latest(view.MaxCompared)
}

// compare shows products side by side, in the order in which they were chosen. What is no longer sold is said once.
func (s *Shop) compare(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	p := s.page(q, "/compare")
	p.Title, p.NoIndex = p.T.Compare.Title, true
	m := &view.CompareModel{OnlyDiffering: r.URL.Query().Get("only") == "differences"}
	if ids := slices.Clone(p.Compared); len(ids) > 0 {
		slices.Reverse(ids)
		var err error
		if m.Comparison, err = s.Services.Compare(r.Context(), q.market, ids); err != nil {
			s.fail(w, r, err)
			return
		}
		if len(m.Comparison.Missing) > 0 {
			for _, id := range m.Comparison.Missing {
				p.Compared = p.Compared.Without(id)
			}
			keep(w, compareCookie, p.Compared.String(), compareDays)
		}
	}
	s.render(w, q, view.Compare(p, m))
}

// changeCompare puts a product into the comparison, or takes one or all out.
func (s *Shop) changeCompare(w http.ResponseWriter, r *http.Request) {
	q := s.of(r)
	was := compared(r)
	var now storefront.Remembered
	changed := storefront.ParseRemembered(r.PostFormValue("add") + "~" + r.PostFormValue("remove"))
	switch {
	case r.PostFormValue("clear") != "": // nothing is left
	case len(changed) != 1:
		s.refuse(w, r, http.StatusBadRequest)
		return
	case r.PostFormValue("add") != "":
		now = was.With(changed[0]).Latest(view.MaxCompared)
	default:
		now = was.Without(changed[0])
	}
	keep(w, compareCookie, now.String(), compareDays)
	if q.Header.Get("HX-Request") != "" {
		p := s.page(q, "/compare")
		p.Compared = now
		for _, id := range was { // the fifth takes the place of the first
			if !slices.Contains(now, id) && !slices.Contains(changed, id) {
				changed = append(changed, id)
			}
		}
		s.render(w, q, view.CompareChanged(p, changed))
		return
	}
	back := r.PostFormValue("back")
	if back == "" {
		back = "/compare"
	}
	http.Redirect(w, r, q.market.Path(local(back)), http.StatusSeeOther)
}
