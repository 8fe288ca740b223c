package main

import (
	"context"

	"github.com/grafana/dskit/grpcutil"
	"github.com/grafana/dskit/middleware"
	"github.com/grafana/dskit/user"
	"go.uber.org/atomic"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const findTraceByID = "/tempopb.Querier/FindTraceByID"

// Response headers in which a live-store says what it saw of a call.
const (
	servedBy  = "x-served-by"
	authority = "x-authority"
	encoding  = "x-encoding"
)

// newLiveStore serves what a querier calls: health, and one method that answers with the bytes of its request.
func newLiveStore(id string, leaving *atomic.Bool) *grpc.Server {
	server := grpc.NewServer(
		grpc.StatsHandler(encodings{}),
		grpc.MaxRecvMsgSize(16<<20),
		grpc.ChainUnaryInterceptor(middleware.ServerUserHeaderInterceptor),
	)
	grpc_health_v1.RegisterHealthServer(server, grpcutil.NewHealthCheckFrom(grpcutil.WithShutdownRequested(leaving)))
	find := func(ctx context.Context, request any) (any, error) {
		if _, err := user.ExtractOrgID(ctx); err != nil {
			return nil, err
		}
		headers := metadata.Pairs(servedBy, id, encoding, *ctx.Value(encodings{}).(*string))
		if md, ok := metadata.FromIncomingContext(ctx); ok {
			headers.Append(authority, md.Get(":authority")...)
		}
		return request, grpc.SetHeader(ctx, headers)
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "tempopb.Querier",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "FindTraceByID",
			Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
				request := &wrapperspb.BytesValue{}
				if err := decode(request); err != nil {
					return nil, err
				}
				return intercept(ctx, request, &grpc.UnaryServerInfo{FullMethod: findTraceByID}, find)
			},
		}},
	}, nil)
	return server
}

// encodings keeps the grpc-encoding of each request in its context: handlers do not get to see it otherwise.
type encodings struct{}

func (encodings) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, encodings{}, new(string))
}

func (encodings) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if header, ok := event.(*stats.InHeader); ok {
		*ctx.Value(encodings{}).(*string) = header.Compression
	}
}

func (encodings) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (encodings) HandleConn(context.Context, stats.ConnStats) {}
