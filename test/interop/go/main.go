// Interop is both ends of real gRPC calls as Tempo makes them: a server with a live-store's settings and a client with a querier's.
// Tests put a proxy between the two and read what the client found. It is an HPACK oracle, too.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{"server": runServer, "client": runClient, "hpack": runHpack}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: interop server|client|hpack [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}
