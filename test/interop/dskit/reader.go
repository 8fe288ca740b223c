package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/kv"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
	"github.com/prometheus/client_golang/prometheus"
)

// reader is how a querier reads both rings.
type reader struct {
	store      kv.Client
	instances  *ring.Ring
	partitions *ring.PartitionRingWatcher
	joined     *ring.PartitionInstanceRing
}

func newReader(instances, partitions kv.Client, registry prometheus.Registerer, logger log.Logger) (*reader, error) {
	config := ring.Config{HeartbeatTimeout: heartbeatTimeout, ReplicationFactor: 1, SubringCacheDisabled: true}
	strategy := ring.NewDefaultReplicationStrategy()
	read, err := ring.NewWithStoreClientAndStrategy(config, ringName, ringName, instances, strategy, registry, logger)
	if err != nil {
		return nil, err
	}
	watcher := ring.NewPartitionRingWatcher(partitionsName, partitionsName, partitions, logger, registry)
	return &reader{instances, read, watcher, ring.NewPartitionInstanceRing(watcher, read, heartbeatTimeout)}, nil
}

func (r *reader) start(ctx context.Context) error {
	if err := services.StartAndAwaitRunning(ctx, r.instances); err != nil {
		return err
	}
	return services.StartAndAwaitRunning(ctx, r.partitions)
}

type instanceSeen struct {
	ID           string `json:"id"`
	Address      string `json:"address"`
	Zone         string `json:"zone"`
	State        string `json:"state"`
	RegisteredAt int64  `json:"registeredAt"`
	// Healthy: a querier would ask it, if it owns a partition.
	Healthy bool `json:"healthy"`
}

type partitionSeen struct {
	ID     int32    `json:"id"`
	State  string   `json:"state"`
	Owners []string `json:"owners"`
}

// seen is what the rings say in dskit's own words.
type seen struct {
	Instances  []instanceSeen  `json:"instances"`
	Partitions []partitionSeen `json:"partitions"`
	// Asked: the instances that a querier asks, a list for each partition; empty with Refused, when it would not ask.
	Asked   [][]string `json:"asked"`
	Refused string     `json:"refused"`
}

func (r *reader) look(ctx context.Context) (seen, error) {
	found := seen{Instances: []instanceSeen{}, Partitions: []partitionSeen{}, Asked: [][]string{}}
	stored, err := r.store.Get(ctx, ringName)
	if err != nil {
		return found, err
	}
	for id := range ring.GetOrCreateRingDesc(stored).Ingesters {
		instance, err := r.instances.GetInstance(id)
		if err != nil {
			continue // the store and the reader of the ring are not in step
		}
		found.Instances = append(found.Instances, instanceSeen{
			ID: id, Address: instance.Addr, Zone: instance.Zone, State: instance.State.String(), RegisteredAt: instance.RegisteredTimestamp,
			Healthy: instance.IsHealthy(ring.Read, heartbeatTimeout, time.Now()),
		})
	}
	slices.SortFunc(found.Instances, func(a, b instanceSeen) int { return cmp.Compare(a.ID, b.ID) })
	partitions := r.partitions.PartitionRing()
	for _, partition := range partitions.Partitions() {
		owners := append([]string{}, partitions.PartitionOwnerIDs(partition.Id)...)
		slices.Sort(owners)
		found.Partitions = append(found.Partitions, partitionSeen{partition.Id, partition.State.CleanName(), owners})
	}
	slices.SortFunc(found.Partitions, func(a, b partitionSeen) int { return cmp.Compare(a.ID, b.ID) })
	sets, err := r.joined.GetReplicationSetsForOperation(ring.Read)
	if err != nil {
		found.Refused = err.Error()
	}
	for _, set := range sets {
		ids := []string{}
		for _, instance := range set.Instances {
			ids = append(ids, instance.Id)
		}
		slices.Sort(ids)
		found.Asked = append(found.Asked, ids)
	}
	slices.SortFunc(found.Asked, slices.Compare)
	return found, nil
}
