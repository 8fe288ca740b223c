package main

import (
	"context"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/kv"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
	"github.com/prometheus/client_golang/prometheus"
)

// member is a live-store's place in both rings.
type member struct {
	owner    *ring.PartitionInstanceLifecycler
	instance *ring.BasicLifecycler
}

func newMember(o options, instances, partitions kv.Client, registry prometheus.Registerer, logger log.Logger) (*member, error) {
	owner := ring.NewPartitionInstanceLifecycler(ring.PartitionInstanceLifecyclerConfig{
		PartitionID:                 int32(o.partition),
		InstanceID:                  o.id,
		WaitOwnersCountOnPending:    1,
		WaitOwnersDurationOnPending: 2 * time.Second,
		PollingInterval:             time.Second,
	}, partitionsName, partitionsName, partitions, logger, registry)
	owner.SetRemoveOwnerOnShutdown(true)

	var delegate ring.BasicLifecyclerDelegate = ring.NewInstanceRegisterDelegate(ring.ACTIVE, 0)
	delegate = ring.NewLeaveOnStoppingDelegate(delegate, logger)
	delegate = ring.NewAutoForgetDelegate(2*heartbeatTimeout, delegate, logger)
	instance, err := ring.NewBasicLifecycler(ring.BasicLifecyclerConfig{
		ID:               o.id,
		Addr:             o.advertise,
		Zone:             o.zone,
		HeartbeatPeriod:  heartbeatPeriod,
		HeartbeatTimeout: heartbeatTimeout,
	}, ringName, ringName, instances, delegate, logger, registry)
	return &member{owner, instance}, err
}

// join takes the places in Tempo's order.
func (m *member) join(ctx context.Context) error {
	if err := services.StartAndAwaitRunning(ctx, m.owner); err != nil {
		return err
	}
	return services.StartAndAwaitRunning(ctx, m.instance)
}

// leave gives them up in Tempo's order.
func (m *member) leave(ctx context.Context) error {
	if err := services.StopAndAwaitTerminated(ctx, m.instance); err != nil {
		return err
	}
	return services.StopAndAwaitTerminated(ctx, m.owner)
}
