package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var scenarios = map[string]scenario{
	"unary": unaryCalls, "crowd": crowd, "hangup": hangup, "large": largeBodies, "too-large": tooLarge, "statuses": statuses, "deadlines": deadlines,
	"cancels": cancels, "health": healthChecks, "streams": streams, "stream-cancels": streamCancels, "stalled": stalled,
	"unread": unread, "goaway": goaway, "drain": drain, "departure": departure, "idle": idle, "echo-soak": echoSoak,
}

var unaryMethods = []string{findTraceByID, searchRecent, queryRange}

func (c *client) conn(n int) *grpc.ClientConn { return c.conns[n%len(c.conns)] }

// unaryCalls: many callers at once, bodies up to 300 KB, metadata of all kinds; everything must come back as it was sent.
func unaryCalls(c *client, r *report) {
	r.many(2_000, 64, func(ctx context.Context, n int, random *rand.Rand) {
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

// crowd: more calls at once than a live-store takes on one connection.
func crowd(c *client, r *report) {
	r.many(2_000, 350, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(n), DelayMs: random.IntN(60)}
		if err := r.echo(ctx, c.conn(n), queryRange, wanted, []byte(wanted.ID), nil); err != nil {
			r.bad(wanted.ID, "%v", err)
		}
	})
}

// largeBodies are as large as Tempo takes them: 16 MiB when they compress; else less, as snappy makes them a little longer.
func largeBodies(c *client, r *report) {
	r.many(6, 3, func(ctx context.Context, n int, random *rand.Rand) {
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
	r.many(4, 2, func(ctx context.Context, n int, _ *rand.Rand) {
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
