package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// shape is how many requests are made, and how; both generators have it.
type shape struct {
	target      string
	connections int
	streams     int
	seconds     float64
	requests    int
	rate        int
	hold        bool
	request     int
	response    int
}

func shapeFlags(flags *flag.FlagSet) *shape {
	s := &shape{}
	flags.StringVar(&s.target, "target", "", "`host:port` of the proxy")
	flags.IntVar(&s.connections, "connections", 1, "connections")
	flags.IntVar(&s.streams, "streams", 1, "calls at once on each connection; not with -rate")
	flags.Float64Var(&s.seconds, "seconds", 1, "calls begin for so long")
	flags.IntVar(&s.requests, "requests", 0, "instead of -seconds: so many calls on all connections together")
	flags.IntVar(&s.rate, "rate", 0, "open loop: so many calls a second on all connections together, whether answers come or not")
	flags.BoolVar(&s.hold, "hold", false, "stay connected after the result until stdin ends")
	flags.IntVar(&s.request, "request", 100, "`bytes` of a request's message")
	flags.IntVar(&s.response, "response", 200, "`bytes` of a response's message")
	return s
}

// target is one connection to the proxy. start and fire make a call each; when it ends, done is called, possibly by another goroutine.
type target interface {
	// start makes the first calls of a closed loop: each that ends makes the next as long as the tally has work.
	start(streams int) error
	// fire makes one call of an open loop, meant to begin at that moment.
	fire(at time.Time)
	close()
}

// tally counts what has ended.
type tally struct {
	mutex     sync.Mutex
	latencies []int64
	errors    map[string]int
	open      sync.WaitGroup
	left      int // -1: by time
	deadline  time.Time
}

// begin says whether one more call may begin and, if so, counts it as open.
func (t *tally) begin(now time.Time) bool {
	if t.left < 0 && !now.Before(t.deadline) {
		return false
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.left == 0 {
		return false
	}
	if t.left > 0 {
		t.left--
	}
	t.open.Add(1)
	return true
}

// end counts a call; problem is empty when all was as agreed.
func (t *tally) end(latency time.Duration, problem string) {
	t.mutex.Lock()
	if problem == "" {
		t.latencies = append(t.latencies, int64(latency))
	} else {
		t.errors[problem]++
	}
	t.mutex.Unlock()
	t.open.Done()
}

func runLoad(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	s := shapeFlags(flags)
	path := flags.String("path", "/bench.Engine/Unary", "`path` of the method")
	varying := flags.Bool("varying", false, "a grpc-timeout and a traceparent of its own for each call, as grpc-go's encoder writes them")
	readRate := flags.Int("read-rate", 0, "read no more than so many `bytes` a second on each connection")
	credentials := credentialFlags(flags)
	flags.Parse(args)
	config, err := credentials.client()
	if err != nil {
		return err
	}
	return drive(s, func(t *tally) (target, error) {
		options := callOptions{path: *path, varying: *varying, tls: config, readRate: *readRate, request: pattern(s.request), response: pattern(s.response)}
		return dial(s.target, options, t)
	})
}

// drive connects, says so, waits for a line on stdin, makes the calls, and prints the result. Between the two lines of output nothing
// but the calls happens.
func drive(s *shape, connect func(*tally) (target, error)) error {
	debug.SetGCPercent(800)
	t := &tally{errors: map[string]int{}, left: -1}
	targets := make([]target, s.connections)
	for i := range targets {
		var err error
		if targets[i], err = connect(t); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	say(map[string]int{"connected": len(targets)})
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	began := time.Now()
	t.deadline = began.Add(time.Duration(s.seconds * float64(time.Second)))
	if s.requests > 0 {
		t.left = s.requests
	}
	if err := begin(s, targets, t); err != nil {
		return err
	}
	complete := t.wait(30 * time.Second)
	elapsed := time.Since(began)
	t.mutex.Lock()
	if !complete {
		t.errors["nothing ended for 30 s"]++
	}
	say(report(t.latencies, t.errors, elapsed))
	t.mutex.Unlock()
	for s.hold && lines.Scan() {
	}
	for _, target := range targets {
		target.close()
	}
	return nil
}

func begin(s *shape, targets []target, t *tally) error {
	if s.rate == 0 {
		for _, target := range targets {
			if err := target.start(s.streams); err != nil {
				return err
			}
		}
		return nil
	}
	return pace(s.rate, func(index int, at time.Time) bool {
		if !t.begin(at) {
			return false
		}
		targets[index%len(targets)].fire(at)
		return true
	})
}

// wait is true when all calls have ended, false when none has for a while.
func (t *tally) wait(patience time.Duration) bool {
	done := make(chan struct{})
	go func() { t.open.Wait(); close(done) }()
	for last := -1; ; {
		select {
		case <-done:
			return true
		case <-time.After(patience):
		}
		t.mutex.Lock()
		ended := len(t.latencies)
		t.mutex.Unlock()
		if ended == last {
			return false
		}
		last = ended
	}
}
