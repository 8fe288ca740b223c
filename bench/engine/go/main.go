// The programs on both sides of a proxy that npm run bench:engine measures: a load generator and a backend that speak HTTP/2 frames by
// themselves, so that they cost little, and the same pair made of grpc-go. Each prints one line of JSON when it is ready and one a result.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var commands = map[string]func([]string) error{
	"load":         runLoad,
	"backend":      runBackend,
	"grpc-load":    runGrpcLoad,
	"grpc-backend": runGrpcBackend,
	"certificates": runCertificates,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: engine load|backend|grpc-load|grpc-backend|certificates [flags]; -h after a command lists its flags")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// say prints one line of JSON.
func say(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(line, '\n'))
}
