package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// newNetworkPoliciesCommand judges each new connection from or to a pod of this node, which the packet filter hands to
// a queue. Upstream's own command runs in a pod and takes that pod's account; this one runs beside the kubelet, and
// takes a kubeconfig. The rules that fill the queue are the node's (entrypoint.sh).
func newNetworkPoliciesCommand() *cobra.Command {
	var kubeconfig string
	config := networkpolicy.Config{}
	command := &cobra.Command{
		Use:   "kube-network-policies",
		Short: "Judges new connections of this node's pods by the cluster's NetworkPolicies",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return judge(kubeconfig, config) },
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "file that says how the API server is reached")
	command.Flags().StringVar(&config.NodeName, "hostname-override", "", "name of this node")
	command.Flags().IntVar(&config.QueueID, "nfqueue-id", 100, "number of the queue that new connections come from")
	return command
}

func judge(kubeconfig string, config networkpolicy.Config) error {
	rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// As JSON, an empty list of rules (nobody) cannot be told from an absent one.
	rest.ContentType = runtime.ContentTypeProtobuf
	rest.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	ctx := genericapiserver.SetupSignalContext()
	factory := informers.NewSharedInformerFactory(client, 0)
	core := factory.Core().V1()
	controller, err := networkpolicy.NewController(
		client, factory.Networking().V1().NetworkPolicies(), core.Namespaces(), core.Pods(), nil, nil, nil, nil, config)
	if err != nil {
		return fmt.Errorf("the controller of network policies: %w", err)
	}
	factory.Start(ctx.Done())
	return controller.Run(ctx)
}
