package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/wire"
)

// operation is one call of the gateway's API; its name is what faults are ordered by.
type operation struct {
	name  string
	route string // method and path below /merchants/{merchant}
	run   func(*Server, call) (reply, error)
}

// Names that other parts ask for.
const (
	opSearchIDs = "search_ids"
	opSearch    = "search"
)

// operations is the whole API that is simulated.
var operations = []operation{
	{"sale", "POST /transactions", (*Server).sale},
	{"find", "GET /transactions/{id}", (*Server).find},
	{"clone", "POST /transactions/{id}/clone", (*Server).clone},
	{"submit_for_settlement", "PUT /transactions/{id}/submit_for_settlement", (*Server).submit},
	{"submit_for_partial_settlement", "POST /transactions/{id}/submit_for_partial_settlement", (*Server).submitPart},
	{"void", "PUT /transactions/{id}/void", (*Server).void},
	{"refund", "POST /transactions/{id}/refund", (*Server).refund},
	{opSearchIDs, "POST /transactions/advanced_search_ids", (*Server).searchIDs},
	{opSearch, "POST /transactions/advanced_search", (*Server).searchPage},
	{"client_token", "POST /client_token", (*Server).clientToken},
	{"create_customer", "POST /customers", (*Server).createCustomer},
	{"find_customer", "GET /customers/{id}", (*Server).findCustomer},
	{"update_customer", "PUT /customers/{id}", (*Server).updateCustomer},
	{"delete_customer", "DELETE /customers/{id}", (*Server).deleteCustomer},
	{"search_customer_ids", "POST /customers/advanced_search_ids", (*Server).searchCustomerIDs},
	{"search_customers", "POST /customers/advanced_search", (*Server).searchCustomers},
	{"create_payment_method", "POST /payment_methods", (*Server).createMethod},
	{"update_payment_method", "PUT /payment_methods/any/{id}", (*Server).updateMethod},
	{"find_payment_method", "GET /payment_methods/any/{id}", (*Server).findMethod},
	{"delete_payment_method", "DELETE /payment_methods/any/{id}", (*Server).deleteMethod},
	{"find_dispute", "GET /disputes/{id}", (*Server).findDispute},
	{"accept_dispute", "PUT /disputes/{id}/accept", (*Server).acceptDispute},
	{"finalize_dispute", "PUT /disputes/{id}/finalize", (*Server).finalizeDispute},
	{"add_evidence", "POST /disputes/{id}/evidence", (*Server).addEvidence},
	{"remove_evidence", "DELETE /disputes/{id}/evidence/{evidence}", (*Server).removeEvidence},
	{"search_disputes", "POST /disputes/advanced_search", (*Server).searchDisputes},
	{"find_merchant_account", "GET /merchant_accounts/{id}", (*Server).findAccount},
	{"settle", "PUT /transactions/{id}/settle", simulate(ledger.StepSettle)},
	{"settlement_confirm", "PUT /transactions/{id}/settlement_confirm", simulate(ledger.StepConfirm)},
	{"settlement_pending", "PUT /transactions/{id}/settlement_pending", simulate(ledger.StepPend)},
	{"settlement_decline", "PUT /transactions/{id}/settlement_decline", simulate(ledger.StepDecline)},
}

// echo is what an error answer repeats of the request.
func (o operation) echo(s *Server, c call) []wire.Param {
	var params []wire.Param
	if q, err := wire.ParseTransaction(c.body); err == nil {
		params = q.Params()
	}
	_, path, _ := strings.Cut(o.route, " ")
	controller, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	params = append(params, wire.Param{Path: "controller", Value: controller}, wire.Param{Path: "action", Value: o.name}, wire.Param{Path: "merchant-id", Value: s.merchant.ID})
	if c.id != "" {
		params = append(params, wire.Param{Path: "id", Value: c.id})
	}
	return params
}

// decide runs one decision of the ledger and keeps it.
func (s *Server) decide(status int, decision func(*ledger.Book, ledger.Terms) (*ledger.Transaction, []ledger.Record, error)) (reply, *ledger.Transaction, error) {
	var t *ledger.Transaction
	err := s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		t, records, err = decision(b, s.merchant.Terms())
		return records, err
	})
	if err != nil {
		return reply{}, nil, err
	}
	shown, err := s.shown([]*ledger.Transaction{t})
	if err != nil {
		return reply{}, nil, err
	}
	return reply{status, wire.Transaction(shown[0])}, t, nil
}

// shown adds their disputes to transactions.
func (s *Server) shown(all []*ledger.Transaction) ([]wire.Shown, error) {
	out := make([]wire.Shown, len(all))
	err := s.store.View(func(b *ledger.Book) {
		for i, t := range all {
			out[i] = wire.Shown{Transaction: t, Disputes: b.DisputesOf(t.ID)}
		}
	})
	return out, err
}

func (s *Server) sale(c call) (reply, error) {
	q, err := wire.ParseTransaction(c.body)
	if err != nil {
		return reply{}, err
	}
	request := q.Sale()
	answer, t, err := s.decide(http.StatusCreated, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.Sale(request, terms)
	})
	if err == nil && !t.Succeeded() {
		params := append(q.Params(), wire.Param{Path: "controller", Value: "transactions"}, wire.Param{Path: "action", Value: "create"}, wire.Param{Path: "merchant-id", Value: s.merchant.ID})
		return reply{http.StatusUnprocessableEntity, wire.Decline(t, params)}, nil
	}
	return answer, err
}

func (s *Server) submit(c call) (reply, error) {
	q, err := wire.ParseTransaction(c.body)
	if err != nil {
		return reply{}, err
	}
	answer, _, err := s.decide(http.StatusOK, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.Submit(c.id, q.Amount, terms)
	})
	return answer, err
}

func (s *Server) submitPart(c call) (reply, error) {
	q, err := wire.ParseTransaction(c.body)
	if err != nil {
		return reply{}, err
	}
	answer, _, err := s.decide(http.StatusCreated, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.SubmitPart(c.id, q.Amount, q.OrderID, terms)
	})
	return answer, err
}

func (s *Server) void(c call) (reply, error) {
	answer, _, err := s.decide(http.StatusOK, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.Void(c.id, terms)
	})
	return answer, err
}

func (s *Server) refund(c call) (reply, error) {
	q, err := wire.ParseTransaction(c.body)
	if err != nil {
		return reply{}, err
	}
	answer, _, err := s.decide(http.StatusCreated, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.Refund(c.id, q.Amount, q.OrderID, terms)
	})
	return answer, err
}

// simulate is one of the sandbox's own calls that the real production gateway refuses.
func simulate(step ledger.Step) func(*Server, call) (reply, error) {
	return func(s *Server, c call) (reply, error) {
		answer, _, err := s.decide(http.StatusOK, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
			return b.Simulate(c.id, step, terms)
		})
		return answer, err
	}
}

func (s *Server) find(c call) (reply, error) {
	var t *ledger.Transaction
	var missing error
	if err := s.store.View(func(b *ledger.Book) { t, missing = b.Find(c.id) }); err != nil {
		return reply{}, err
	}
	if missing != nil {
		return reply{}, missing
	}
	shown, err := s.shown([]*ledger.Transaction{t})
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusOK, wire.Transaction(shown[0])}, nil
}

func (s *Server) clone(c call) (reply, error) {
	q, err := wire.ParseClone(c.body)
	if err != nil {
		return reply{}, err
	}
	answer, t, err := s.decide(http.StatusCreated, func(b *ledger.Book, terms ledger.Terms) (*ledger.Transaction, []ledger.Record, error) {
		return b.Clone(c.id, strings.TrimSpace(q.Amount), q.Channel, strings.TrimSpace(q.Options.Submit), terms)
	})
	if err == nil && !t.Succeeded() {
		return reply{http.StatusUnprocessableEntity, wire.Decline(t, nil)}, nil
	}
	return answer, err
}

func (s *Server) searchIDs(c call) (reply, error) {
	found, err := s.search(c)
	if err != nil {
		return reply{}, err
	}
	ids := make([]string, len(found))
	for i, t := range found {
		ids[i] = t.ID
	}
	return reply{http.StatusOK, wire.SearchIDs(ids)}, nil
}

func (s *Server) searchPage(c call) (reply, error) {
	found, err := s.search(c)
	if err != nil {
		return reply{}, err
	}
	shown, err := s.shown(found)
	return reply{http.StatusOK, wire.SearchPage(shown)}, err
}

func (s *Server) search(c call) (found []*ledger.Transaction, err error) {
	q, err := wire.ParseSearch(c.body, wire.OfTransactions)
	if err != nil {
		return nil, err
	}
	err = s.store.View(func(b *ledger.Book) { found = b.Search(q) })
	return found, err
}

func (s *Server) clientToken(c call) (reply, error) {
	q, err := wire.ParseClientToken(c.body)
	if err != nil {
		return reply{}, err
	}
	bad := func(attribute, code, message string) error {
		return &ledger.Refusal{Problems: []ledger.Problem{{Object: "client-token", Attribute: attribute, Code: code, Message: message}}}
	}
	if q.Version == "" || q.Version == "0" {
		q.Version = "2"
	}
	i := 0
	if q.Account != "" {
		i = slices.IndexFunc(s.merchant.Accounts, func(a ledger.Account) bool { return a.ID == q.Account })
	}
	switch {
	case !slices.Contains([]string{"1", "2", "3"}, q.Version):
		return reply{}, bad("version", "92806", "Client token version is not supported")
	case q.CustomerID != "" && !s.knows(q.CustomerID):
		return reply{}, bad("customer_id", "92804", "Customer specified by customer_id does not exist")
	case i < 0:
		return reply{}, bad("merchant_account_id", "92807", "Merchant account specified by merchant_account_id does not exist")
	}
	value, err := wire.ClientToken{
		Base: "http://" + c.r.Host + "/merchants/" + s.merchant.ID, Merchant: s.merchant.ID, PublicKey: s.merchant.PublicKey,
		PrivateKey: s.merchant.PrivateKey, Account: s.merchant.Accounts[i].ID, CustomerID: q.CustomerID, Now: s.merchant.Now(),
	}.Value(q.Version)
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusCreated, wire.ClientTokenAnswer(value)}, nil
}

func (s *Server) findAccount(c call) (reply, error) {
	for i, a := range s.merchant.Accounts {
		if a.ID == c.id {
			return reply{http.StatusOK, wire.MerchantAccount(a, i == 0)}, nil
		}
	}
	return reply{}, ledger.ErrNotFound
}
