package httpx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Option changes how one operation is registered.
type Option func(*options)

type options struct {
	timeout   time.Duration
	callers   []string
	openQuery bool
	needsKey  bool
	also      []int
}

// Timeout sets the time-out of an operation instead of the server's.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// Callers lists the app ids that may call an internal operation, by the dapr-caller-app-id header of the own sidecar.
func Callers(appIDs ...string) Option { return func(o *options) { o.callers = appIDs } }

// OpenQuery takes query parameters that the input does not declare, such as attr.<code>. Without it they are refused.
func OpenQuery() Option { return func(o *options) { o.openQuery = true } }

// NeedsKey refuses requests without an Idempotency-Key (400 idempotency-key-required), and says so in the document.
func NeedsKey() Option { return func(o *options) { o.needsKey = true } }

// Also documents statuses that a handler sets besides the usual one: with the same headers, and below 300 with the same body.
func Also(statuses ...int) Option { return func(o *options) { o.also = statuses } }

// Register adds an operation. I has its parameters and a Body, O its headers, a Status and a Body (at the top level of the
// struct, not embedded), as huma documents them. The handler returns plain errors.
//
// Scopes in op.Security (see Scope) are enforced before the body is read, so the document and the guard cannot part.
// Register panics for a path under /v1/internal/ without Callers or under /v1/admin/ without a scope: such a route would be
// open to everybody.
func Register[I, O any](s *Server, op huma.Operation, h func(ctx context.Context, in *I) (*O, error), opts ...Option) {
	o := options{timeout: s.config.Timeout}
	for _, option := range opts {
		option(&o)
	}
	if op.OperationID == "" {
		op.OperationID = huma.GenerateOperationID(op.Method, op.Path, new(O))
	}
	s.prepare(&op, o)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
				x.err = err
			}
			return nil, Problem(err)
		}
		return out, nil
	})
	o.document(&op)
	tighten(s.api.OpenAPI().Components.Schemas)
}

// document adds to what huma has written about op the statuses that it cannot see.
func (o options) document(op *huma.Operation) {
	usual := op.Responses[strconv.Itoa(cmp.Or(op.DefaultStatus, http.StatusOK))]
	for _, status := range o.also {
		r := &huma.Response{Description: http.StatusText(status), Headers: usual.Headers}
		if status < http.StatusMultipleChoices {
			r.Content = usual.Content
		}
		op.Responses[strconv.Itoa(status)] = r
	}
}

func (s *Server) prepare(op *huma.Operation, o options) {
	if strings.HasPrefix(op.Path, "/v1/internal/") && len(o.callers) == 0 {
		panic(fmt.Sprintf("httpx: %s %s lists no callers", op.Method, op.Path))
	}
	if strings.HasPrefix(op.Path, "/v1/admin/") && len(op.Security) == 0 {
		panic(fmt.Sprintf("httpx: %s %s names no scope", op.Method, op.Path))
	}
	limit := op.MaxBodyBytes
	if limit <= 0 {
		limit = s.config.MaxBody
	}
	op.MaxBodyBytes, op.BodyReadTimeout = -1, -1 // the body is read here, within limit, before huma sees it
	op.RejectUnknownQueryParameters = !o.openQuery
	first := huma.Middlewares{s.guard(op.Security, o.callers)}
	if o.needsKey {
		first = append(first, needKey)
		op.Parameters = append(op.Parameters, requiredKey())
	}
	op.Middlewares = slices.Concat(first, huma.Middlewares{deadline(o.timeout), s.readBody(limit)}, op.Middlewares)
	s.documentProblems(op)
}

// documentProblems puts our problem document in the place of huma's own error model.
func (s *Server) documentProblems(op *huma.Operation) {
	registry := s.api.OpenAPI().Components.Schemas
	schema := registry.Schema(problemType, true, "")
	registry.SchemaFromRef(schema.Ref).AdditionalProperties = true // codes have members of their own
	problem := &huma.Response{
		Description: "Problem",
		Content:     map[string]*huma.MediaType{ContentTypeProblem: {Schema: schema}},
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range op.Errors {
		named := *problem
		named.Description = http.StatusText(status)
		op.Responses[strconv.Itoa(status)] = &named
	}
	op.Errors = nil
	op.Responses["default"] = problem
}

func deadline(d time.Duration) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		ctx, cancel := context.WithTimeout(hc.Context(), d)
		defer cancel()
		next(huma.WithContext(hc, ctx))
	}
}

// problems is the transformer through which every answer of huma goes: its own errors become problem documents, and every
// problem is signed with its trace.
func (s *Server) problems(hc huma.Context, _ string, v any) (any, error) {
	x, ok := hc.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return v, nil
	}
	switch e := v.(type) {
	case *huma.ErrorModel:
		err := refusal(e)
		x.err = err
		v = Problem(err)
	case *ProblemDetails:
	default:
		return v, nil
	}
	p := sendable(x.sign(v.(*ProblemDetails)))
	setProblemHeaders(x.Header(), p)
	x.override = p.Status
	return p, nil
}

// refusal turns what huma found into a fault.
func refusal(e *huma.ErrorModel) error {
	kind := KindOf(e.Status)
	if kind == fault.Internal {
		return errors.New(e.Detail)
	}
	if slices.ContainsFunc(e.Errors, func(d *huma.ErrorDetail) bool { return d != nil && strings.HasPrefix(d.Location, "path.") }) {
		return fault.New(fault.NotFound, "not-found", "there is nothing at this address") // an id that cannot exist
	}
	f := fault.New(kind, kind.String(), e.Detail)
	if kind == fault.Invalid {
		f.Code = "validation-failed"
	}
	fields := make([]ProblemField, 0, len(e.Errors))
	for _, d := range e.Errors {
		if d != nil {
			fields = append(fields, field(d))
		}
	}
	sortFields(fields)
	for _, p := range fields {
		f.Fields = append(f.Fields, fault.Field(p))
	}
	switch len(fields) {
	case 0:
	case 1:
		f.Message = fields[0].Location + ": " + fields[0].Message
	default:
		f.Message = fmt.Sprintf("%d faults in the input", len(fields))
	}
	return f
}

const (
	maxMessage = 160 // a list of all currencies helps nobody
	maxValue   = 100
)

// field gives a fault of huma its exact place, and keeps long and compound values out of the answer.
func field(d *huma.ErrorDetail) ProblemField {
	f := ProblemField{Location: d.Location, Message: d.Message}
	var missing string
	if n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 {
		f.Location, f.Message = d.Location+"."+missing, "is required"
	}
	if place, message, found := strings.Cut(f.Message, misfit); found {
		f.Location, f.Message = strings.TrimSuffix(d.Location+"."+place, "."), message
	}
	f.Message = strings.Replace(f.Message, fmt.Sprint(float64(maxExact)), strconv.Itoa(maxExact), 1) // huma writes 9.007199254740991e+15
	if len(f.Message) > maxMessage {
		f.Message = "is none of the values that the OpenAPI document lists"
	}
	switch v := d.Value.(type) {
	case bool, float64, int, int64:
		f.Value = v
	case string:
		if len(v) <= maxValue && d.Location != "body" { // at "body" it is the whole body
			f.Value = v
		}
	}
	return f
}
