"""Kapsule clusters: a real Kubernetes control plane each, with nodes and pods that KWOK only pretends to run.

`ControlPlanes` implements `rehearsal.scaleway.backends.Clusters`.

What is real: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, hence every object,
schema, admission and controller of Kubernetes. What stands in: nodes and pods (KWOK), so no container
runs; addresses of load balancers and volumes of claims (small controllers here). Whatever version is
asked for, the version of the tool chain's programs runs. etcd does not wait for the disk: the data is
thrown away with the rehearsal.
"""

from rehearsal.kapsule.planes import ControlPlanes

__all__ = ["ControlPlanes"]
