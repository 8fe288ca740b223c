package main

import (
	"slices"
	"time"
)

type result struct {
	Completed int            `json:"completed"`
	Errors    map[string]int `json:"errors"`
	Seconds   float64        `json:"seconds"`
	LatencyUs percentiles    `json:"latencyUs"`
}

type percentiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// report sums up calls that were as agreed, latencies in ns, and those that were not.
func report(latencies []int64, errors map[string]int, elapsed time.Duration) result {
	slices.Sort(latencies)
	at := func(share float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		return float64(latencies[min(len(latencies)-1, int(share*float64(len(latencies))))]) / 1000
	}
	return result{len(latencies), errors, elapsed.Seconds(), percentiles{at(0.5), at(0.9), at(0.99), at(0.999), at(1)}}
}
