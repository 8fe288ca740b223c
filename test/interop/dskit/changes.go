package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/grafana/dskit/kv"
	"github.com/grafana/dskit/ring"
)

// gone is the text of an entry that is no more.
const gone = ""

// change is an entry of a ring that reads otherwise than before. Heartbeats are no change.
type change struct {
	AtMs  int64  `json:"atMs"`
	Entry string `json:"entry"`
	Text  string `json:"text"`
}

// followChanges prints each change as soon as this process knows it.
func followChanges(ctx context.Context, store kv.Client, key string, out *lines, entriesOf func(value any) map[string]string) {
	before := map[string]string{}
	store.WatchKey(ctx, key, func(value any) bool {
		atMs := time.Now().UnixMilli()
		entries := entriesOf(value)
		for entry, text := range entries {
			if before[entry] != text {
				out.print(line{Changed: &change{atMs, entry, text}})
			}
		}
		for entry := range before {
			if _, ok := entries[entry]; !ok {
				out.print(line{Changed: &change{atMs, entry, gone}})
			}
		}
		before = entries
		return true
	})
}

func instanceEntries(value any) map[string]string {
	entries := map[string]string{}
	for id, instance := range ring.GetOrCreateRingDesc(value).Ingesters {
		entries["instance "+id] = fmt.Sprintf("%s %s %s %d", instance.State, instance.Addr, instance.Zone, instance.RegisteredTimestamp)
	}
	return entries
}

func partitionEntries(value any) map[string]string {
	entries := map[string]string{}
	stored := ring.GetOrCreatePartitionRingDesc(value)
	for id, partition := range stored.Partitions {
		entries["partition "+strconv.Itoa(int(id))] = partition.State.CleanName()
	}
	for id, owner := range stored.Owners {
		entries["owner "+id] = strconv.Itoa(int(owner.OwnedPartition))
	}
	return entries
}
