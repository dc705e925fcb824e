package daprkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
)

// Job is a call of POST /job/<Name> that the scheduler makes to one replica of this app.
type Job struct {
	Name      string
	Schedule  string // "@every 30s" or a cron line of six fields; empty: once, at Due
	Due       string // first time: RFC 3339 or a duration from now ("10s"); empty: by Schedule
	Data      any    // given to the handler as JSON; nil: nothing
	Overwrite bool   // false: a job of this name stays as it is
}

// Job schedules j. A job of this name that exists already is no error. Other errors are fault.Unavailable or fault.Timeout, and
// the call may be repeated.
func (c *Client) Job(ctx context.Context, j Job) error {
	job := &dapr.Job{Name: j.Name, Overwrite: j.Overwrite}
	if j.Schedule != "" {
		job.Schedule = &j.Schedule
	}
	if j.Due != "" {
		job.DueTime = &j.Due
	}
	if j.Data != nil {
		b, err := json.Marshal(j.Data)
		if err != nil {
			return fmt.Errorf("job %s: encode: %w", j.Name, err)
		}
		job.Data = &anypb.Any{Value: b} // daprd hands the bytes on as they are
	}
	err := c.sdk.ScheduleJob(ctx, job)
	if err == nil {
		return nil
	}
	switch st := grpcStatus(err); {
	case st.Code() == codes.AlreadyExists:
		return nil
	case notConnected(st):
		return fmt.Errorf("job %s: %w", j.Name, errUnavailable("the scheduler is not reachable").WithCause(err))
	}
	return fmt.Errorf("job %s: %w", j.Name, errUnknown("the scheduler gave no answer").WithCause(err))
}

// Schedule schedules jobs, trying each again (after 200 ms, doubling to 5 s) until it is done or ctx ends: at start-up the
// sidecar or the scheduler may not be there yet. It is for run.Func beside the service, which serves meanwhile: its only error is
// that ctx ended before, and wraps ctx.Err(), so that a service that is stopped early ends in order.
func (c *Client) Schedule(ctx context.Context, jobs ...Job) error {
	for _, j := range jobs {
		for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
			tctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			err := c.Job(tctx, j)
			cancel()
			if err == nil {
				break
			}
			if ctx.Err() == nil {
				c.log.WarnContext(ctx, "job not scheduled yet", "job", j.Name, "error", err)
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return fmt.Errorf("schedule %s: %w", j.Name, ctx.Err())
			}
		}
	}
	return nil
}

// Jobs are the handlers of scheduled jobs.
type Jobs struct {
	log      *slog.Logger
	handlers map[string]func(ctx context.Context, data []byte) error
}

// NewJobs returns an empty set. A nil log is slog.Default.
func NewJobs(log *slog.Logger) *Jobs {
	if log == nil {
		log = slog.Default()
	}
	return &Jobs{log: log, handlers: map[string]func(context.Context, []byte) error{}}
}

// On hands the job of this name to h. An error makes the scheduler call again by the job's failure policy (three times after a
// second each unless told otherwise), and a job may fire twice. It panics on a bad or doubled name. Call it before Mount.
func (j *Jobs) On(job string, h func(ctx context.Context, data []byte) error) {
	if !name.MatchString(job) || h == nil {
		panic(fmt.Sprintf("daprkit: %q cannot be a job", job))
	}
	if _, dup := j.handlers[job]; dup {
		panic(fmt.Sprintf("daprkit: job %s registered twice", job))
	}
	j.handlers[job] = h
}

func (j *Jobs) mount(r chi.Router) { r.Post("/job/{name}", j.serve) }

// serve answers 200, 500 to have the job called again, and 404 for a job that an older version has left behind.
func (j *Jobs) serve(w http.ResponseWriter, r *http.Request) {
	start, job := time.Now(), chi.URLParam(r, "name")
	h, ok := j.handlers[job]
	if !ok {
		j.log.WarnContext(r.Context(), "unknown job", "job", job)
		http.Error(w, "no such job", http.StatusNotFound)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil {
		err = guardedJob(r.Context(), h, data)
	}
	if err != nil {
		j.log.ErrorContext(r.Context(), "job failed", "job", job, "took", time.Since(start), "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	j.log.InfoContext(r.Context(), "job", "job", job, "took", time.Since(start))
	w.WriteHeader(http.StatusOK)
}

func guardedJob(ctx context.Context, h func(context.Context, []byte) error, data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, data)
}
