"""A stand-in for pulumi-rancher2 13.0.1: Bootstrap, Setting, Cluster (generic import), ClusterSync and Token.

It talks to Rancher's HTTP API the way terraform-provider-rancher2 does, which is inside the official
plugin; `python -m rehearsal.plugins.rancher2` is the plugin.

Two deliberate differences: it looks again after one second where the official one waits for three or
five, and it keeps a kubeconfig as long as its token is valid without asking the cluster itself.
"""
