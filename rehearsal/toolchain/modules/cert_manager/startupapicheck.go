package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
)

// startupapicheckMain is `startupapicheck check api`: it waits until the webhook takes a request and refuses a bad one.
func startupapicheckMain(ctx context.Context, args []string) error {
	limit := time.Duration(0)
	f := flags("startupapicheck")
	f.DurationVar(&limit, "wait", limit, "")
	f.BoolP("verbose", "v", false, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	rest, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	namespace, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return err
	}
	checker, err := cmapichecker.New(rest, string(namespace))
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, max(limit, time.Second))
	defer cancel()
	var last error
	err = wait.PollUntilContextCancel(bounded, 5*time.Second, true, func(ctx context.Context) (bool, error) {
		last = checker.Check(ctx)
		if last != nil {
			fmt.Println("Not ready:", last)
		}
		return last == nil, nil
	})
	if err == nil {
		fmt.Println("The cert-manager API is ready")
	}
	return err
}
