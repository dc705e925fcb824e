package daprkit_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/outbox"
)

func TestPublishBulkSendsWholeCloudEvents(t *testing.T) {
	t.Parallel()
	f := &fakeDapr{}
	m := outbox.Message{
		ID: uuid.MustParse("0197a0c0-0000-7000-8000-000000000001"), Type: "order.placed.v1", Source: "order", Subject: "o1", TraceParent: "00-tp",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.FixedZone("x", 3600)), Data: json.RawMessage(`{"sequence":1}`), Sequence: 1,
	}
	if failed, err := sidecar(t, nil, f).PublishBulk(soon(t), "order", []outbox.Message{m}); err != nil || failed != nil {
		t.Fatal(failed, err)
	}
	e := f.bulk.GetEntries()[0]
	const want = `{"specversion":"1.0","id":"0197a0c0-0000-7000-8000-000000000001","type":"order.placed.v1","source":"order","subject":"o1","time":"2026-01-02T02:04:05.678901Z","datacontenttype":"application/json","traceparent":"00-tp","traceid":"00-tp","data":{"sequence":1}}`
	if string(e.GetEvent()) != want || e.GetContentType() != "application/cloudevents+json" || e.GetEntryId() != m.ID.String() ||
		e.GetMetadata()["partitionKey"] != "o1" || f.bulk.GetPubsubName() != "pubsub" || f.bulk.GetTopic() != "order" {
		t.Errorf("sent %v", f.bulk)
	}
}

func TestPublishBulkTellsWhatFailed(t *testing.T) {
	t.Parallel()
	msgs := []outbox.Message{{ID: uuid.New(), Data: json.RawMessage(`{}`)}, {ID: uuid.New(), Data: json.RawMessage(`{}`)}}
	all := []uuid.UUID{msgs[0].ID, msgs[1].ID}
	f := &fakeDapr{failedEntries: []*runtime.BulkPublishResponseFailedEntry{{EntryId: msgs[1].ID.String()}}}
	if failed, err := sidecar(t, nil, f).PublishBulk(soon(t), "order", msgs); err == nil || !reflect.DeepEqual(failed, all[1:]) {
		t.Errorf("one entry: %v %v", failed, err)
	}
	f = &fakeDapr{err: status.Error(codes.Internal, "broker away")}
	if failed, err := sidecar(t, nil, f).PublishBulk(soon(t), "order", msgs); fault.KindOf(err) != fault.Unavailable || !reflect.DeepEqual(failed, all) {
		t.Errorf("all: %v %v", failed, err)
	}
	f = &fakeDapr{failedEntries: []*runtime.BulkPublishResponseFailedEntry{{EntryId: "stranger"}}}
	if failed, err := sidecar(t, nil, f).PublishBulk(soon(t), "order", msgs); err == nil || !reflect.DeepEqual(failed, all) {
		t.Errorf("an id that we did not send: %v %v", failed, err)
	}
	msgs[0].Data = json.RawMessage(`{`)
	if failed, err := sidecar(t, nil, &fakeDapr{}).PublishBulk(soon(t), "order", msgs); err == nil || !reflect.DeepEqual(failed, all) {
		t.Errorf("data that is no JSON: %v %v", failed, err)
	}
	if failed, err := sidecar(t, nil, nil).PublishBulk(soon(t), "order", nil); err != nil || failed != nil {
		t.Errorf("nothing to send: %v %v", failed, err)
	}
}
