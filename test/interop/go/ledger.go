package main

import (
	"context"
	"sync"
)

// ledger knows of every call whether it has started here and how it ended.
type ledger struct {
	mu      sync.Mutex
	fates   map[string][]string
	running map[string]int
	changed chan struct{}
}

func newLedger() *ledger {
	return &ledger{fates: map[string][]string{}, running: map[string]int{}, changed: make(chan struct{})}
}

// start records a call; the function it returns records its end: "answered", "canceled" or "deadline".
func (l *ledger) start(ctx context.Context, id string) func() {
	l.change(func() { l.running[id]++ })
	return func() {
		fate := "answered"
		switch ctx.Err() {
		case context.Canceled:
			fate = "canceled"
		case context.DeadlineExceeded:
			fate = "deadline"
		}
		l.change(func() {
			l.running[id]--
			l.fates[id] = append(l.fates[id], fate)
		})
	}
}

func (l *ledger) change(make func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	make()
	l.wake()
}

func (l *ledger) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// started returns when the call has arrived, or with ctx's error.
func (l *ledger) started(ctx context.Context, id string) error {
	return l.until(ctx, func() bool { return l.running[id] > 0 || len(l.fates[id]) > 0 })
}

// settled returns when none of the calls runs here, with the fates of those that were here: one for each time they were.
func (l *ledger) settled(ctx context.Context, ids []string) (map[string][]string, error) {
	found := map[string][]string{}
	err := l.until(ctx, func() bool {
		for _, id := range ids {
			if l.running[id] > 0 {
				return false
			}
		}
		for _, id := range ids {
			if fates := l.fates[id]; len(fates) > 0 {
				found[id] = append([]string(nil), fates...)
			}
		}
		return true
	})
	return found, err
}

func (l *ledger) until(ctx context.Context, test func() bool) error {
	for {
		l.mu.Lock()
		done, changed := test(), l.changed
		l.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
