// Scaleway's own Terraform provider under Pulumi's bridge: every check, diff, wait and API call is the real provider's.
// It knows the resources that the program uses, by the names that the Pulumi package gives them.
package main

import (
	"fmt"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/info"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/scaleway/terraform-provider-scaleway/v2/provider"
)

// version is set by the linker; it starts with that of the Pulumi package in use.
var version string

// Two names are not what Pulumi would derive: its package calls the Terraform provider's k8s kubernetes, and vpc network.
var names = map[string]tokens.Type{
	"scaleway_domain_record":           "scaleway:domain/record:Record",
	"scaleway_iam_api_key":             "scaleway:iam/apiKey:ApiKey",
	"scaleway_iam_application":         "scaleway:iam/application:Application",
	"scaleway_iam_policy":              "scaleway:iam/policy:Policy",
	"scaleway_instance_ip":             "scaleway:instance/ip:Ip",
	"scaleway_instance_security_group": "scaleway:instance/securityGroup:SecurityGroup",
	"scaleway_instance_server":         "scaleway:instance/server:Server",
	"scaleway_k8s_acl":                 "scaleway:kubernetes/acl:Acl",
	"scaleway_k8s_cluster":             "scaleway:kubernetes/cluster:Cluster",
	"scaleway_k8s_pool":                "scaleway:kubernetes/pool:Pool",
	"scaleway_lb_ip":                   "scaleway:loadbalancers/ip:Ip",
	"scaleway_registry_namespace":      "scaleway:registry/namespace:Namespace",
	"scaleway_vpc":                     "scaleway:network/vpc:Vpc",
	"scaleway_vpc_gateway_network":     "scaleway:network/gatewayNetwork:GatewayNetwork",
	"scaleway_vpc_private_network":     "scaleway:network/privateNetwork:PrivateNetwork",
	"scaleway_vpc_public_gateway":      "scaleway:network/publicGateway:PublicGateway",
	"scaleway_vpc_public_gateway_ip":   "scaleway:network/publicGatewayIp:PublicGatewayIp",
}

func bridged() tfbridge.ProviderInfo {
	resources := make(map[string]*info.Resource, len(names))
	for terraform, pulumi := range names {
		resources[terraform] = &info.Resource{Tok: pulumi}
	}
	result := tfbridge.ProviderInfo{
		P:         shim.NewProvider(provider.SDKProvider(provider.DefaultConfig())()),
		Name:      "scaleway",
		Version:   version,
		Resources: resources,
		Config: map[string]*info.Schema{
			"access_key": {Secret: tfbridge.True()},
			"secret_key": {Secret: tfbridge.True()},
		},
	}
	// As the official plugin: a resource without a name gets its logical one and seven random characters.
	result.SetAutonaming(255, "-")
	return result
}

func main() {
	schema := fmt.Sprintf(`{"name": "scaleway", "version": %q}`, version)
	tfbridge.Main("scaleway", version, bridged(), []byte(schema))
}
