package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const downService = "interop.Down"

type server struct {
	calls  *ledger
	opened atomic.Int64
}

// runServer listens on loopback, prints {"port": n} and serves until it is killed.
func runServer(args []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	maxAge := flags.Duration("max-connection-age", 0, "after which connections get GOAWAY; 0: never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := &server{calls: newLedger()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g := grpc.NewServer(append(tempoSettings(*maxAge), grpc.StatsHandler(connectionCounter{&s.opened}))...)
	s.register(g)
	fmt.Printf("{\"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	return g.Serve(listener)
}

// tempoSettings is how a live-store serves gRPC unless it is told otherwise.
func tempoSettings(maxAge time.Duration) []grpc.ServerOption {
	const limit = 16 << 20
	alive := keepalive.ServerParameters{Time: 2 * time.Hour, Timeout: 20 * time.Second}
	if maxAge > 0 {
		alive.MaxConnectionAge, alive.MaxConnectionAgeGrace = maxAge, 20*time.Second
	}
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(limit), grpc.MaxSendMsgSize(limit), grpc.MaxConcurrentStreams(100),
		grpc.KeepaliveParams(alive),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
}

func (s *server) register(g *grpc.Server) {
	g.RegisterService(unaries("tempopb.Querier", s.echo, "FindTraceByID", "SearchRecent"), nil)
	g.RegisterService(unaries("tempopb.Metrics", s.echo, "QueryRange"), nil)
	g.RegisterService(unaries("interop.Control", s.control, "AwaitStarted", "AwaitFates", "Connections"), nil)
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: "interop.Streams",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Down", ServerStreams: true, Handler: s.stream(s.down)},
			{StreamName: "Up", ClientStreams: true, Handler: s.stream(s.up)},
			{StreamName: "Both", ServerStreams: true, ClientStreams: true, Handler: s.stream(s.both)},
		},
	}, nil)
	checks := health.NewServer()
	checks.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	checks.SetServingStatus(downService, healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(g, checks)
}

type unary func(ctx context.Context, method string, request []byte) ([]byte, error)

func unaries(service string, answer unary, names ...string) *grpc.ServiceDesc {
	described := &grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil)}
	for _, name := range names {
		method := "/" + service + "/" + name
		described.Methods = append(described.Methods, grpc.MethodDesc{
			MethodName: name,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				request := []byte{}
				if err := decode(&request); err != nil {
					return nil, err
				}
				response, err := answer(ctx, method, request)
				if err != nil {
					return nil, err
				}
				return &response, nil
			},
		})
	}
	return described
}

func (s *server) echo(ctx context.Context, _ string, request []byte) ([]byte, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	wanted := askOf(md)
	defer s.calls.start(ctx, wanted.ID)()
	if len(md.Get(tenantKey)) != 1 {
		return nil, status.Errorf(codes.InvalidArgument, "%d values of %s", len(md.Get(tenantKey)), tenantKey)
	}
	headers, trailers := echoed(ctx, md)
	digest := sha256.Sum256(request)
	trailers.Set(digestKey, string(digest[:]))
	if err := grpc.SetTrailer(ctx, trailers); err != nil {
		return nil, err
	}
	if wanted.Code == 0 || wanted.HeadersFirst {
		if err := grpc.SetHeader(ctx, headers); err != nil {
			return nil, err
		}
	}
	if wanted.HeadersFirst {
		if err := grpc.SendHeader(ctx, nil); err != nil {
			return nil, err
		}
	}
	if err := wait(ctx, wanted.DelayMs); err != nil {
		return nil, err
	}
	if wanted.Code != 0 {
		return nil, failure(wanted)
	}
	if wanted.Answer != nil {
		return wanted.Answer.bytes(), nil
	}
	return request, nil
}

func echoed(ctx context.Context, md metadata.MD) (headers, trailers metadata.MD) {
	headers, trailers = metadata.MD{}, metadata.MD{}
	for key, values := range md {
		switch {
		case strings.HasPrefix(key, echoHeader):
			headers[key] = values
		case strings.HasPrefix(key, echoTrailer):
			trailers[key] = values
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		headers.Set(timeoutKey, strconv.FormatInt(time.Until(deadline).Milliseconds(), 10))
	}
	return headers, trailers
}

func wait(ctx context.Context, ms int) error {
	if ms == 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func failure(wanted ask) error {
	failed := status.New(codes.Code(wanted.Code), wanted.Message)
	if wanted.Details > 0 {
		detail := wrapperspb.Bytes(body{Seed: uint64(wanted.Details), Size: wanted.Details}.bytes())
		if detailed, err := failed.WithDetails(detail); err == nil {
			failed = detailed
		}
	}
	return failed.Err()
}

func (s *server) stream(run func(grpc.ServerStream, ask) error) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(stream.Context())
		wanted := askOf(md)
		defer s.calls.start(stream.Context(), wanted.ID)()
		headers, trailers := echoed(stream.Context(), md)
		stream.SetTrailer(trailers)
		if err := stream.SetHeader(headers); err != nil {
			return err
		}
		if err := run(stream, wanted); err != nil {
			return err
		}
		if wanted.Code != 0 {
			return failure(wanted)
		}
		return nil
	}
}

// down answers one message with many.
func (*server) down(stream grpc.ServerStream, wanted ask) error {
	if err := stream.RecvMsg(&[]byte{}); err != nil {
		return err
	}
	for n := range wanted.Messages {
		message := wanted.Answer.part(n).bytes()
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return wait(stream.Context(), wanted.DelayMs)
}

// up answers many messages with one: the digest of all it has read.
func (*server) up(stream grpc.ServerStream, wanted ask) error {
	digest := sha256.New()
	for n := 1; ; n++ {
		message := []byte{}
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		digest.Write(message)
		if n == wanted.StopAfter {
			break
		}
	}
	if wanted.Code != 0 {
		return nil
	}
	sum := digest.Sum(nil)
	return stream.SendMsg(&sum)
}

// both sends every message back before it reads the next.
func (*server) both(stream grpc.ServerStream, _ ask) error {
	for {
		message := []byte{}
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
}

func (s *server) control(ctx context.Context, method string, request []byte) ([]byte, error) {
	switch method {
	case awaitStarted:
		return nil, s.calls.started(ctx, string(request))
	case awaitFates:
		ids := []string{}
		if err := json.Unmarshal(request, &ids); err != nil {
			return nil, err
		}
		fates, err := s.calls.settled(ctx, ids)
		if err != nil {
			return nil, err
		}
		return json.Marshal(fates)
	default:
		return []byte(strconv.FormatInt(s.opened.Load(), 10)), nil
	}
}

type connectionCounter struct{ opened *atomic.Int64 }

func (connectionCounter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connectionCounter) HandleRPC(context.Context, stats.RPCStats)                       {}
func (connectionCounter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}

func (c connectionCounter) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, ok := event.(*stats.ConnBegin); ok {
		c.opened.Add(1)
	}
}
