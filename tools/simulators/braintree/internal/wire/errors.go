package wire

import (
	"slices"
	"strings"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// Param is one leaf of the request that an error answer echoes, its path joined by "/".
type Param struct{ Path, Value string }

// Refusal writes validation errors: nested by object, with the request's parameters and the joined messages.
func Refusal(r *ledger.Refusal, params []Param) []byte {
	b := document()
	b.in("api-error-response", "", func() {
		b.in("errors", "", func() {
			b.open("errors", "array")
			b.buf.WriteString("</errors>\n")
			b.problems("", r.Problems)
		})
		b.params(params)
		b.text("message", r.Error())
	})
	return b.bytes()
}

// problems writes the objects below prefix, each with its own list of errors first, then its children.
func (b *builder) problems(prefix string, all []ledger.Problem) {
	var objects []string
	for _, p := range all {
		if rest, ok := strings.CutPrefix(p.Object, prefix); ok && rest != "" {
			if name, _, _ := strings.Cut(rest, "/"); !slices.Contains(objects, name) {
				objects = append(objects, name)
			}
		}
	}
	for _, name := range objects {
		b.in(name, "", func() {
			b.in("errors", "array", func() {
				for _, p := range all {
					if p.Object == prefix+name {
						b.problem(p)
					}
				}
			})
			b.problems(prefix+name+"/", all)
		})
	}
}

func (b *builder) problem(p ledger.Problem) {
	b.in("error", "", func() {
		b.text("code", p.Code)
		b.typed("attribute", "symbol", p.Attribute)
		b.text("message", p.Message)
	})
}

// Decline writes what answers a sale that was recorded but did not succeed: no validation errors, the message and the
// transaction itself.
func Decline(t *ledger.Transaction, params []Param) []byte {
	b := document()
	b.in("api-error-response", "", func() {
		b.in("errors", "", func() {
			b.open("errors", "array")
			b.buf.WriteString("</errors>\n")
		})
		b.params(params)
		b.text("message", t.Message())
		b.transaction(Shown{Transaction: t})
	})
	return b.bytes()
}

// params writes the echo; leaves that share a parent stand beside each other in the given order.
func (b *builder) params(params []Param) {
	b.in("params", "", func() { b.leaves(params) })
}

func (b *builder) leaves(params []Param) {
	for i := 0; i < len(params); {
		head, _, nested := strings.Cut(params[i].Path, "/")
		if !nested {
			b.text(head, params[i].Value)
			i++
			continue
		}
		var below []Param
		for ; i < len(params) && strings.HasPrefix(params[i].Path, head+"/"); i++ {
			below = append(below, Param{strings.TrimPrefix(params[i].Path, head+"/"), params[i].Value})
		}
		b.in(head, "", func() { b.leaves(below) })
	}
}

// Params lists what an error answer echoes of a transaction request. Device data is left out.
func (q TransactionRequest) Params() []Param {
	var out []Param
	for _, p := range []Param{
		{"transaction/type", q.Type}, {"transaction/amount", q.Amount}, {"transaction/order-id", q.OrderID},
		{"transaction/merchant-account-id", q.Account}, {"transaction/payment-method-nonce", q.Nonce},
		{"transaction/payment-method-token", q.Token}, {"transaction/options/submit-for-settlement", q.Options.Submit},
		{"transaction/options/store-in-vault-on-success", q.Options.StoreOnSuccess},
	} {
		if p.Value != "" {
			out = append(out, p)
		}
	}
	return out
}
