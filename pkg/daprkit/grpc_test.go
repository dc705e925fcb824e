package daprkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/run"
	"github.com/sidecart/sidecart/pkg/testkit"
)

// fakeDapr answers gRPC calls by what the test puts into it.
type fakeDapr struct {
	runtime.UnimplementedDaprServer
	mu   sync.Mutex
	meta metadata.MD
	err  error

	save *runtime.SaveStateRequest
	del  *runtime.DeleteStateRequest
	bulk *runtime.BulkPublishRequest
	job  *runtime.ScheduleJobRequest
	jobs int

	failedEntries []*runtime.BulkPublishResponseFailedEntry
}

func (f *fakeDapr) note(ctx context.Context) {
	f.meta, _ = metadata.FromIncomingContext(ctx)
}

func (f *fakeDapr) SaveState(ctx context.Context, in *runtime.SaveStateRequest) (*emptypb.Empty, error) {
	f.note(ctx)
	f.save = in
	return &emptypb.Empty{}, f.err
}

func (f *fakeDapr) DeleteState(_ context.Context, in *runtime.DeleteStateRequest) (*emptypb.Empty, error) {
	f.del = in
	return &emptypb.Empty{}, f.err
}

func (f *fakeDapr) GetState(context.Context, *runtime.GetStateRequest) (*runtime.GetStateResponse, error) {
	return &runtime.GetStateResponse{}, f.err
}

func (f *fakeDapr) BulkPublishEvent(_ context.Context, in *runtime.BulkPublishRequest) (*runtime.BulkPublishResponse, error) {
	f.bulk = in
	return &runtime.BulkPublishResponse{FailedEntries: f.failedEntries}, f.err
}

func (f *fakeDapr) ScheduleJob(_ context.Context, in *runtime.ScheduleJobRequest) (*runtime.ScheduleJobResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.job = in
	f.jobs++
	if f.jobs == 1 && f.err == nil {
		return nil, status.Error(codes.Internal, "scheduler is away")
	}
	return &runtime.ScheduleJobResponse{}, f.err
}

func (f *fakeDapr) InvokeBinding(ctx context.Context, _ *runtime.InvokeBindingRequest) (*runtime.InvokeBindingResponse, error) {
	f.note(ctx)
	return &runtime.InvokeBindingResponse{}, f.err
}

func TestStateConcurrency(t *testing.T) {
	t.Parallel()
	tag, none := "7", ""
	cases := map[string]struct {
		etag        *string
		concurrency string
		sent        string
	}{
		"last write":     {nil, "CONCURRENCY_LAST_WRITE", ""},
		"must not exist": {&none, "CONCURRENCY_FIRST_WRITE", ""},
		"must match":     {&tag, "CONCURRENCY_FIRST_WRITE", "7"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeDapr{}
			if err := sidecar(t, nil, f).State("carts").Set(soon(t), "k", []byte("v"), tc.etag, 1500*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			item := f.save.GetStates()[0]
			if item.GetOptions().GetConcurrency().String() != tc.concurrency || item.GetEtag().GetValue() != tc.sent || (item.GetEtag() != nil) != (tc.sent != "") {
				t.Errorf("sent %v", item)
			}
			if item.GetMetadata()["ttlInSeconds"] != "2" {
				t.Errorf("ttl %v", item.GetMetadata())
			}
			if got := f.meta.Get("dapr-api-token"); !reflect.DeepEqual(got, []string{apiToken}) {
				t.Errorf("token %v", got)
			}
		})
	}
}

// Connect waits for nobody, and a sidecar that comes (back) is found.
func TestConnectFindsTheSidecarThatComesLater(t *testing.T) {
	t.Parallel()
	c := sidecar(t, nil, nil)
	if _, _, _, err := c.State("carts").Get(soon(t), "k"); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("no sidecar: %v", err)
	}
	l, err := net.Listen("tcp", c.Config().GRPCAddr)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	runtime.RegisterDaprServer(s, &fakeDapr{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	testkit.Eventually(t, testkit.Patience, func() error {
		_, _, _, err := c.State("carts").Get(soon(t), "k")
		return err
	})
}

func TestStateFaults(t *testing.T) {
	t.Parallel()
	tag := "7"
	c := sidecar(t, nil, &fakeDapr{err: status.Error(codes.Aborted, "possible etag mismatch")})
	if err := c.State("carts").Set(soon(t), "k", nil, &tag, 0); !errors.Is(err, daprkit.ErrEtag) {
		t.Errorf("set: %v", err)
	}
	if err := c.State("carts").Delete(soon(t), "k", &tag); !errors.Is(err, daprkit.ErrEtag) {
		t.Errorf("delete: %v", err)
	}
	none := ""
	c = sidecar(t, nil, &fakeDapr{err: status.Error(codes.Internal, "failed saving state in state store carts: no item was updated")})
	if err := c.State("carts").Set(soon(t), "k", nil, &none, 0); !errors.Is(err, daprkit.ErrEtag) {
		t.Errorf("create what exists: %v", err)
	}
	if err := c.State("carts").Set(soon(t), "k", nil, nil, 0); fault.KindOf(err) != fault.Timeout {
		t.Errorf("the same text without reason: %v", err)
	}
	c = sidecar(t, nil, &fakeDapr{err: status.Error(codes.Internal, "no answer")})
	if err := c.State("carts").Set(soon(t), "k", nil, nil, 0); fault.KindOf(err) != fault.Timeout {
		t.Errorf("a write without an answer: %v", err)
	}
	if _, _, _, err := c.State("carts").Get(soon(t), "k"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a read without an answer: %v", err)
	}
	if err := sidecar(t, nil, nil).State("carts").Set(soon(t), "k", nil, nil, 0); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no sidecar: %v", err)
	}
	if _, _, ok, err := sidecar(t, nil, &fakeDapr{}).State("carts").Get(soon(t), "k"); ok || err != nil {
		t.Errorf("missing key: %v %v", ok, err)
	}
}

func TestJobIsScheduledAgainUntilItIsTaken(t *testing.T) {
	t.Parallel()
	f := &fakeDapr{}
	c := sidecar(t, nil, f)
	if err := c.Schedule(soon(t), daprkit.Job{Name: "sweep", Schedule: "@every 30s", Due: "5s", Data: map[string]int{"n": 1}, Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	j := f.job.GetJob()
	if f.jobs != 2 || j.GetName() != "sweep" || j.GetSchedule() != "@every 30s" || j.GetDueTime() != "5s" || string(j.GetData().GetValue()) != `{"n":1}` || !f.job.GetOverwrite() {
		t.Errorf("after %d calls: %v", f.jobs, f.job)
	}
	f = &fakeDapr{err: status.Error(codes.AlreadyExists, "it is there")}
	if err := sidecar(t, nil, f).Job(soon(t), daprkit.Job{Name: "sweep", Due: "5s"}); err != nil {
		t.Errorf("a job that is there: %v", err)
	}
	if err := sidecar(t, nil, nil).Job(soon(t), daprkit.Job{Name: "sweep"}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no sidecar: %v", err)
	}
}

// Stopped before the scheduler came: the loop ends with the cancellation, which run.Func takes for no failure.
func TestScheduleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := sidecar(t, nil, nil)
	loop := run.Func("jobs", func(ctx context.Context) error { return c.Schedule(ctx, daprkit.Job{Name: "sweep", Due: "5s"}) })
	if err := loop.Start(soon(t)); err != nil {
		t.Fatal(err)
	}
	if err := loop.Stop(soon(t)); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(soon(t))
	cancel()
	if err := c.Schedule(ctx, daprkit.Job{Name: "sweep", Due: "5s"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A sidecar that hosts no actors is told of at start-up; a service that stops meanwhile has nothing to tell.
func TestActorsAreCheckedAtStart(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	actors := daprkit.NewActors(daprkit.ActorOptions{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	actors.Register("sku", func(string) daprkit.Actor { return nil })
	c := sidecar(t, nil, &fakeDapr{})
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if actors.CheckAtStart(stopped, c, time.Minute); log.Len() > 0 {
		t.Error(log.String())
	}
	actors.CheckAtStart(t.Context(), c, 300*time.Millisecond)
	if !strings.Contains(log.String(), `"level":"ERROR"`) || !strings.Contains(log.String(), "sku") {
		t.Errorf("log %q", log.String())
	}
}

func TestConfigFromEnviron(t *testing.T) {
	t.Parallel()
	got := daprkit.FromEnviron([]string{"DAPR_GRPC_PORT=1", "DAPR_HTTP_PORT=2", "DAPR_API_TOKEN=a", "APP_API_TOKEN=b", "APP_ID=cart", "X"})
	if got != (daprkit.Config{GRPCAddr: "127.0.0.1:1", HTTPAddr: "127.0.0.1:2", APIToken: "a", AppToken: "b", AppID: "cart"}) {
		t.Errorf("%+v", got)
	}
	b, _ := json.Marshal(got.String())
	if s := string(b) + got.GoString(); strings.Contains(s, `"a"`) || strings.Contains(s, `"b"`) {
		t.Errorf("%s tells secrets", s)
	}
	if got = daprkit.FromEnviron(nil); got.GRPCAddr != "127.0.0.1:50001" || got.HTTPAddr != "127.0.0.1:3500" {
		t.Errorf("%+v", got)
	}
	if _, err := daprkit.Connect(t.Context(), daprkit.Config{}, quiet()); err == nil {
		t.Error("connected to nothing")
	}
}
