package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"net"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/grpcclient"
	"github.com/grafana/dskit/middleware"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/ring/client"
	"github.com/grafana/dskit/user"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// call is how one instance of the ring answered.
type call struct {
	ID      string `json:"id"`
	Address string `json:"address"`
	// Health is its answer to Health/Check.
	Health string `json:"health"`
	// Code is the status of a FindTraceByID, Message its words; the rest is what the live-store that answered saw of it.
	Code      string `json:"code"`
	Message   string `json:"message"`
	ServedBy  string `json:"servedBy"`
	Authority string `json:"authority"`
	Encoding  string `json:"encoding"`
}

// liveStoreClient is what a querier keeps in its pool.
type liveStoreClient struct {
	grpc_health_v1.HealthClient
	*grpc.ClientConn
}

// dial calls each healthy instance of the ring as a querier does. With `through` every connection goes there, whatever address it is
// meant for: a packet filter that redirects them does the same.
func (r *reader) dial(ctx context.Context, through string, logger log.Logger) ([]call, error) {
	ctx, cancel := context.WithTimeout(user.InjectOrgID(ctx, tenant), 10*time.Second)
	defer cancel()
	sets, err := r.joined.GetReplicationSetsForOperation(ring.Read)
	if err != nil {
		return nil, err
	}
	settings := client.PoolConfig{CheckInterval: 15 * time.Second, HealthCheckEnabled: true, HealthCheckTimeout: time.Second}
	pool := client.NewPool(ringName, settings, client.NewRingServiceDiscovery(r.instances), factory(through), nil, logger)
	calls := []call{}
	for _, set := range sets {
		for _, instance := range set.Instances {
			calls = append(calls, ask(ctx, pool, instance))
		}
	}
	for _, instance := range calls {
		pool.RemoveClientFor(instance.Address)
	}
	slices.SortFunc(calls, func(a, b call) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return calls, nil
}

func factory(through string) client.PoolFactory {
	return client.PoolInstFunc(func(instance ring.InstanceDesc) (client.PoolClient, error) {
		config := grpcclient.Config{}
		config.RegisterFlagsWithPrefix("client", flag.NewFlagSet("", flag.ContinueOnError))
		config.GRPCCompression = "snappy"
		options, err := config.DialOption([]grpc.UnaryClientInterceptor{middleware.ClientUserHeaderInterceptor}, nil, nil)
		if err != nil {
			return nil, err
		}
		if through != "" {
			options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", through)
			}))
		}
		conn, err := grpc.NewClient(instance.Addr, options...)
		if err != nil {
			return nil, err
		}
		return liveStoreClient{grpc_health_v1.NewHealthClient(conn), conn}, nil
	})
}

func ask(ctx context.Context, pool *client.Pool, instance ring.InstanceDesc) call {
	found := call{ID: instance.Id, Address: instance.Addr}
	pooled, err := pool.GetClientForInstance(instance)
	if err != nil {
		found.Message = err.Error()
		return found
	}
	checked, err := pooled.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		found.Message = err.Error()
		return found
	}
	found.Health = checked.Status.String()
	// Half of it can be compressed.
	request := &wrapperspb.BytesValue{Value: make([]byte, 256<<10)}
	_, _ = rand.Read(request.Value[:128<<10])
	response, headers := &wrapperspb.BytesValue{}, metadata.MD{}
	err = pooled.(liveStoreClient).Invoke(ctx, findTraceByID, request, response, grpc.Header(&headers))
	found.Code, found.Message = status.Code(err).String(), status.Convert(err).Message()
	if err == nil && !bytes.Equal(request.Value, response.Value) {
		found.Message = "other bytes came back"
	}
	first := func(key string) string { return append(headers.Get(key), "")[0] }
	found.ServedBy, found.Authority, found.Encoding = first(servedBy), first(authority), first(encoding)
	return found
}
