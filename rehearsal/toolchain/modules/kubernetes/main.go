// The official Kubernetes provider for Pulumi, built from the module that its authors publish.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

// schema.json is put here for the build, from the provider's own module.
//
//go:embed schema.json
var schema []byte

// Terraform names matter only to users who convert Terraform programs.
var noTerraformNames = []byte("{}")

func main() {
	provider.Serve("kubernetes", version.Version, schema, noTerraformNames)
}
