// Command cert-manager is cert-manager's controller, webhook, cainjector and startupapicheck in one file, chosen by argument 0 or 1.
// Their own commands are modules that no proxy serves; what they start lies in cert-manager's module, and is started here.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

// Loads the part's flags and runs it until the context ends.
var parts = map[string]func(context.Context, []string) error{
	"controller": controllerMain, "webhook": webhookMain, "cainjector": cainjectorMain,
	"startupapicheck": startupapicheckMain,
}

func main() {
	name, args := strings.TrimPrefix(filepath.Base(os.Args[0]), "cert-manager-"), os.Args[1:]
	if parts[name] == nil && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	run := parts[name]
	if run == nil {
		fmt.Fprintln(os.Stderr, "usage: cert-manager controller|webhook|cainjector|startupapicheck FLAGS")
		os.Exit(2)
	}
	logf.InitLogs()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(logf.NewContext(ctx, logf.Log, name), args); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

func flags(name string) *pflag.FlagSet { return pflag.NewFlagSet(name, pflag.ContinueOnError) }

// serve answers until the context ends.
func serve(ctx context.Context, group *errgroup.Group, answer func() error, stop func(context.Context) error) {
	group.Go(func() error {
		if err := answer(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return stop(late)
	})
}

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

func set(list []string) sets.Set[string] { return sets.New(list...) }
