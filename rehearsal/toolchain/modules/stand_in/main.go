// Command stand-in takes the place of a program that cannot be had here, and says so wherever it is asked.
//
// It listens at the program's ports and answers the program's probes; whatever else it is asked, it refuses with 501.
// It does none of the program's work.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Environment variables of an image: the program's name and version, its ports, and PORT/PATH of each probe.
const (
	program = "STAND_IN_FOR"
	ports   = "STAND_IN_PORTS"
	probes  = "STAND_IN_PROBES"
)

func main() {
	who := fmt.Sprintf("stand-in for %s (as %s)", os.Getenv(program), filepath.Base(os.Args[0]))
	fmt.Println(who + ": the program itself is not here, and none of its work is done")
	// A Job's program has no ports. An operator lets a program check its configuration before it starts the program.
	if os.Getenv(ports) == "" || slices.Contains(os.Args, "--dry-run") {
		fmt.Println(who + ": nothing was done or checked")
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	failed := make(chan error, 1)
	for _, port := range strings.Fields(os.Getenv(ports)) {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			fmt.Fprintln(os.Stderr, who+":", err)
			os.Exit(1)
		}
		go func() { failed <- http.Serve(listener, answers(who, port)) }()
	}
	select {
	case <-signals:
	case err := <-failed:
		fmt.Fprintln(os.Stderr, who+":", err)
		os.Exit(1)
	}
}

func answers(who, port string) http.HandlerFunc {
	known := strings.Fields(os.Getenv(probes))
	return func(response http.ResponseWriter, request *http.Request) {
		if slices.Contains(known, port+request.URL.Path) {
			fmt.Fprintln(response, who+": ready")
			return
		}
		http.Error(response, who+": does not do this", http.StatusNotImplemented)
	}
}
