package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"

	"google.golang.org/grpc/status"
)

// report is what a scenario found.
type report struct {
	Name  string `json:"name"`
	Calls int    `json:"calls"`
	// ByStatus counts calls by grpc-status, as a number.
	ByStatus map[string]int `json:"byStatus"`
	// Wrong counts what was not as it must be; Bad describes the first ten.
	Wrong int      `json:"wrong"`
	Bad   []string `json:"bad"`
	// Connections is how many the servers have accepted, where the scenario asks.
	Connections int `json:"connections,omitempty"`
	// Bytes is how many bytes of bodies went to the servers and came back whole.
	Bytes int64 `json:"bytes,omitempty"`
	Ms    int64 `json:"ms"`

	seed uint64
	mu   sync.Mutex
}

// ended counts a call by its status.
func (r *report) ended(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Calls++
	r.ByStatus[strconv.Itoa(int(status.Code(err)))]++
}

// whole counts the bytes of a call of which all came back as it must.
func (r *report) whole(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Bytes += int64(size)
}

// bad notes something wrong with call id.
func (r *report) bad(id, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Wrong++
	if len(r.Bad) < 10 {
		r.Bad = append(r.Bad, fmt.Sprintf("%s (seed %d): %s", id, r.seed, fmt.Sprintf(format, args...)))
	}
}

// id names call n of this scenario; unique over all scenarios of a server's life unless two clients have one seed.
func (r *report) id(n int) string { return fmt.Sprintf("%s-%d-%d", r.Name, r.seed, n) }

// random is what call n takes its chances from: the same at every run with one seed.
func (r *report) random(n int) *rand.Rand {
	hash := fnv.New64()
	fmt.Fprint(hash, r.Name, n)
	return rand.New(rand.NewPCG(r.seed, hash.Sum64()))
}

// many makes calls 0 to n-1, so many at a time.
func (r *report) many(n, atATime int, call func(ctx context.Context, n int, random *rand.Rand)) {
	next := make(chan int)
	callers := sync.WaitGroup{}
	for range atATime {
		callers.Go(func() {
			for i := range next {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				call(ctx, i, r.random(i))
				cancel()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	callers.Wait()
}
