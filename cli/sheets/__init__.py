"""`sheets`: one printable sheet and one kubeconfig for each team."""
