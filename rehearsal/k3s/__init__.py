"""What the game master downloads in a rehearsal: a stand-in for K3s, and Helm built from its source.

The stand-in is one file, as K3s is: it unpacks a real control plane and runs it. Pods do not run; what
Rancher's pod would answer comes from the rehearsal's stand-in for Rancher.
"""

from rehearsal.k3s.downloads import Download, Downloads
from rehearsal.k3s.pack import pack_helm, pack_k3s

RANCHER_ADDRESS = "10.43.0.80"
"""Of the Service by which the game master's nginx reaches Rancher, in the cluster; the program chooses it."""

__all__ = ["RANCHER_ADDRESS", "Download", "Downloads", "pack_helm", "pack_k3s"]
