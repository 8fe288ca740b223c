package main

import (
	"encoding/json"
	"io"
	"sync"
)

// line is one line of JSON on standard output; one of its fields is set.
type line struct {
	// Ready comes first, when the member has joined.
	Ready *addresses `json:"ready,omitempty"`
	// Changed may come at any time.
	Changed *change `json:"changed,omitempty"`
	// The rest answers commands, in their order.
	State  *seen   `json:"state,omitempty"`
	Dialed []call  `json:"dialed,omitempty"`
	Done   *string `json:"done,omitempty"`
	Failed *string `json:"failed,omitempty"`
}

// addresses are where this process listens, each host:port; Gossip is empty without memberlist.
type addresses struct {
	HTTP   string `json:"http"`
	GRPC   string `json:"grpc"`
	Gossip string `json:"gossip"`
}

type lines struct {
	mutex sync.Mutex
	to    io.Writer
}

func (l *lines) print(one line) {
	text, err := json.Marshal(one)
	if err != nil {
		panic(err)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, _ = l.to.Write(append(text, '\n'))
}
