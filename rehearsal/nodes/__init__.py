"""A board's node whose pods run: containerd, kubelet, kube-proxy and kube-network-policies in a Docker container.

What is real: images, containers, their limits, NetworkPolicies, Services, probes, logs, exec, port-forward, volumes
that keep their data, a name server. What differs from a node of Kapsule:

- The kernel is this machine's, and so are the CPUs and the memory that the scheduler is told of: pods that ask for more
  stay Pending.
- Pods' network is a plain one, and policies are judged by kube-network-policies where Kapsule has Cilium: a policy's
  ipBlock matches pods too. Judged is what comes from or goes to pods once a Service's address has been translated;
  what a pod sends to the node itself is not judged.
- Volumes of claims are folders of the node: no quota holds them to their size, and they go with the node.
- Load balancers carry TCP without the proxy protocol, whatever a Service's annotations ask for.
"""

from rehearsal.nodes.board_network import BoardNetwork
from rehearsal.nodes.container import NodeContainer, NodeSpec, Running, write_files
from rehearsal.nodes.programs import NodePrograms, provide

__all__ = [
    "BoardNetwork",
    "NodeContainer",
    "NodePrograms",
    "NodeSpec",
    "Running",
    "provide",
    "write_files",
]
