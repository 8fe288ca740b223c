package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var scenarios = map[string]scenario{
	"unary": unaryCalls, "large": largeBodies, "too-large": tooLarge, "statuses": statuses, "deadlines": deadlines,
	"cancels": cancels, "health": healthChecks, "streams": streams, "stream-cancels": streamCancels, "stalled": stalled,
	"unread": unread, "goaway": goaway, "drain": drain, "idle": idle,
}

var unaryMethods = []string{findTraceByID, searchRecent, queryRange}

func (c *client) conn(n int) *grpc.ClientConn { return c.conns[n%len(c.conns)] }

// unaryCalls: many callers at once, bodies up to 300 KB, metadata of all kinds; everything must come back as it was sent.
func unaryCalls(c *client, r *report) {
	r.many(2_500, 64, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(n)}
		if random.IntN(2) == 0 {
			answer := someBody(random)
			wanted.Answer = &answer
		}
		if err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, someBody(random).bytes(), someMetadata(random)); err != nil {
			r.bad(wanted.ID, "%v", err)
		}
	})
}

// largeBodies are as large as Tempo takes them: 16 MiB when they compress; else less, as snappy makes them a little longer.
func largeBodies(c *client, r *report) {
	r.many(8, 4, func(ctx context.Context, n int, random *rand.Rand) {
		of := func(isPlain bool) body {
			if isPlain {
				return body{Seed: random.Uint64(), Size: 16 << 20, Plain: true}
			}
			return body{Seed: random.Uint64(), Size: 16<<20 - 64<<10}
		}
		answer := of(n%4 >= 2)
		wanted := ask{ID: r.id(n), Answer: &answer}
		if err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, of(n%2 == 0).bytes(), nil); err != nil {
			r.bad(wanted.ID, "%v", err)
		}
	})
}

// tooLarge: the server answers before it has read the request, which is what must arrive, and the connection lives on.
func tooLarge(c *client, r *report) {
	const size = 17 << 20
	const says = "grpc: received message larger than max"
	r.many(8, 2, func(ctx context.Context, n int, _ *rand.Rand) {
		id := r.id(n)
		err := r.echo(ctx, c.conns[0], searchRecent, ask{ID: id}, body{Seed: uint64(n), Size: size}.bytes(), nil)
		if came := status.Convert(err); came.Code() != codes.ResourceExhausted || !strings.HasPrefix(came.Message(), says) {
			r.bad(id, "%v", err)
		}
	})
}

// statuses: every code, with messages that need percent-encoding, with and without details, as trailers only and after headers.
func statuses(c *client, r *report) {
	letters := []rune("abc %&=+/\\\"'\n\r\t\x00\x7fäß€日本語🙂")
	r.many(800, 32, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(n), Code: uint32(1 + n%16), Message: someText(random, random.IntN(60), letters), HeadersFirst: random.IntN(2) == 0}
		if random.IntN(3) == 0 {
			wanted.Details = 1 + random.IntN(500)
		}
		extra := metadata.MD{}
		for key, values := range someMetadata(random) {
			if key[:2] == echoTrailer {
				extra[key] = values
			}
		}
		var trailers metadata.MD
		request, response := someBody(random).bytes(), []byte{}
		sent := metadata.NewOutgoingContext(ctx, metadata.Join(wanted.metadata(), extra))
		err := c.conn(n).Invoke(sent, unaryMethods[n%3], &request, &response, grpc.Trailer(&trailers))
		r.ended(err)
		came := status.Convert(err)
		if came.Code() != codes.Code(wanted.Code) || came.Message() != wanted.Message {
			r.bad(wanted.ID, "asked for %d %q, got %v", wanted.Code, wanted.Message, err)
		}
		if wanted.Details > 0 && !isDetail(came, wanted.Details) {
			r.bad(wanted.ID, "other details: %v", came.Details())
		}
		r.checkEchoed(wanted.ID, extra, nil, trailers)
	})
}

func isDetail(came *status.Status, size int) bool {
	if len(came.Details()) != 1 {
		return false
	}
	detail, ok := came.Details()[0].(*wrapperspb.BytesValue)
	return ok && bytes.Equal(detail.GetValue(), body{Seed: uint64(size), Size: size}.bytes())
}

// deadlines end here, and then wherever the call was. The server has the same deadline and resets the stream: a proxy that hears of that
// first says UNAVAILABLE, as Envoy does.
func deadlines(c *client, r *report) {
	ids := make([]string, 200)
	r.many(len(ids), 50, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		ctx, cancel := context.WithTimeout(ctx, time.Duration(20+random.IntN(200))*time.Millisecond)
		defer cancel()
		err := r.echo(ctx, c.conn(n), unaryMethods[n%3], ask{ID: ids[n], DelayMs: 60_000}, someBody(random).bytes(), nil)
		isReset := status.Code(err) == codes.Unavailable && strings.HasSuffix(status.Convert(err).Message(), "reset reason: remote reset")
		if status.Code(err) != codes.DeadlineExceeded && !isReset {
			r.bad(ids[n], "%v", err)
		}
	})
	c.checkStopped(r, ids)
}

// cancels: half of the calls are given up when a server has them, half at any moment. No server may go on with one.
func cancels(c *client, r *report) {
	ids := make([]string, 400)
	r.many(len(ids), 40, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		calling, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error)
		go func() {
			ended <- r.echo(calling, c.conn(n), unaryMethods[n%3], ask{ID: ids[n], DelayMs: 60_000}, someBody(random).bytes(), nil)
		}()
		if n%2 == 0 {
			if err := c.started(ctx, ids[n]); err != nil {
				r.bad(ids[n], "it never started: %v", err)
			}
		} else {
			time.Sleep(time.Duration(r.random(-n).IntN(3_000)) * time.Microsecond)
		}
		cancel()
		if err := <-ended; status.Code(err) != codes.Canceled {
			r.bad(ids[n], "%v", err)
		}
	})
	fates := c.checkStopped(r, ids)
	for n := 0; n < len(ids); n += 2 {
		if len(fates[ids[n]]) == 0 {
			r.bad(ids[n], "no server knows of it")
		}
	}
}

// checkStopped waits until the servers have stopped all of these calls, none because it was done.
func (c *client) checkStopped(r *report, ids []string) map[string][]string {
	fates, err := c.fates(ids)
	if err != nil {
		r.bad(r.Name, "calls still run at the server: %v", err)
	}
	for id, ends := range fates {
		for _, end := range ends {
			if end == "answered" {
				r.bad(id, "the server answered it")
			}
		}
	}
	return fates
}

// healthChecks are what the querier's pool asks: an empty message, so with compression on it is not compressed.
func healthChecks(c *client, r *report) {
	r.many(150, 10, func(ctx context.Context, n int, _ *rand.Rand) {
		ctx = metadata.AppendToOutgoingContext(ctx, tenantKey, "0")
		service := []string{"", downService, "interop.Unknown"}[n%3]
		answer, err := healthpb.NewHealthClient(c.conn(n)).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		r.ended(err)
		switch {
		case service == "" && answer.GetStatus() == healthpb.HealthCheckResponse_SERVING:
		case service == downService && answer.GetStatus() == healthpb.HealthCheckResponse_NOT_SERVING:
		case service == "interop.Unknown" && status.Code(err) == codes.NotFound:
		default:
			r.bad(r.id(n), "health of %q: %v %v", service, answer, err)
		}
	})
}

// goaway: the servers of this one send GOAWAY again and again, which no caller may notice.
func goaway(c *client, r *report) {
	r.many(1_500, 24, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(n), DelayMs: random.IntN(40)}
		if err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, someBody(random).bytes(), nil); err != nil {
			r.bad(wanted.ID, "%v", err)
		}
	})
	for _, server := range c.direct {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		answer, err := control(ctx, server, connections, nil)
		cancel()
		count, _ := strconv.Atoi(string(answer))
		if err != nil {
			r.bad(r.Name, "%v", err)
		}
		r.Connections += count - 1
	}
}

// idle: a connection that nobody used while all else ran is still the one that was opened.
func idle(c *client, r *report) {
	select {
	case <-c.lost:
		r.bad(r.Name, "the idle connection was closed")
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.echo(ctx, c.idle, searchRecent, ask{ID: r.id(0)}, []byte("still there"), nil); err != nil {
		r.bad(r.Name, "%v", err)
	}
}

// stalled: streams that nobody reads for a while do not stop other calls on the same connection, and lose nothing.
func stalled(c *client, r *report) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Together less than the window of one connection: what HTTP/2 itself would stop is nobody's fault.
	opened := c.openUnread(ctx, r, 8, 64)
	c.callBeside(r, len(opened))
	reading := sync.WaitGroup{}
	for _, read := range opened {
		reading.Go(read)
	}
	reading.Wait()
}

// unread: more than fits anywhere waits for a reader who never comes; other calls on the same connection go on.
func unread(c *client, r *report) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	opened := c.openUnread(ctx, r, 24, 1024)
	c.callBeside(r, len(opened))
	cancel()
	ids := []string{}
	for n := range opened {
		ids = append(ids, r.id(n))
	}
	c.checkStopped(r, ids)
}

// openUnread opens streams that send some 16 KiB a message, and returns what reads each to its end.
func (c *client) openUnread(ctx context.Context, r *report, count, messages int) []func() {
	opened := []func(){}
	for n := range count {
		wanted := ask{ID: r.id(n), Messages: messages, Answer: &body{Seed: uint64(n), Size: 32 << 10}}
		stream, err := openStream(ctx, c.conns[0], streamDown, wanted)
		if err == nil {
			_, err = stream.Header()
		}
		if err != nil {
			r.bad(wanted.ID, "%v", err)
		}
		opened = append(opened, func() { r.ended(r.readDown(stream, wanted)) })
	}
	return opened
}

func (c *client) callBeside(r *report, from int) {
	r.many(300, 16, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(from + n)}
		if err := r.echo(ctx, c.conns[0], unaryMethods[n%3], wanted, someBody(random).bytes(), nil); err != nil {
			r.bad(wanted.ID, "beside streams that nobody reads: %v", err)
		}
	})
}

// drain: the proxy gets SIGTERM under load. What it has accepted it finishes; what comes later is refused as no connection.
func drain(c *client, r *report) {
	isRefused := atomic.Bool{}
	r.many(5_000, 24, func(ctx context.Context, n int, random *rand.Rand) {
		if isRefused.Load() {
			return
		}
		if n == 500 {
			_ = syscall.Kill(c.proxyPid, syscall.SIGTERM)
		}
		wanted := ask{ID: r.id(n), DelayMs: random.IntN(40)}
		err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, someBody(random).bytes(), nil)
		if err == nil {
			return
		}
		isRefused.Store(true)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "connection refused") {
			r.bad(wanted.ID, "%v", err)
		}
	})
	if !isRefused.Load() {
		r.bad(r.Name, "the proxy did not go")
	}
}
