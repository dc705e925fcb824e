package web

import (
	"net/http"
)

// changeMarket brings somebody to the same page in another market.
func (s *Shop) changeMarket(w http.ResponseWriter, r *http.Request) {
	to, ok := s.Markets.Find(r.PostFormValue("to"))
	if !ok {
		s.refuse(w, r, http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, to.Path(local(r.PostFormValue("path"))), http.StatusSeeOther)
}
