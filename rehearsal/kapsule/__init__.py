"""Kapsule clusters: a real Kubernetes control plane each, with simulated nodes and, by choice, one that is real.

`ControlPlanes` implements `rehearsal.scaleway.backends.Clusters`.

What is real: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, hence every object, schema, admission,
permission and controller of Kubernetes; with `NODES=real` one node of each cluster, of its first pool
(`rehearsal.nodes` says how that node differs), and CoreDNS on it. What stands in: all other nodes and their pods
(KWOK, following `stages/`), so that no image is pulled there, no container runs, nothing can be read from a log or
executed in a pod, and a pod is ready whether or not what it mounts is there; load balancers (`load_balancers`),
addresses of Ingresses where all nodes are simulated (`ingresses`) and volumes of claims (`volumes`). Beside a real
node the simulated ones are tainted, so that only what tolerates everything counts as running there, and say in their
names that they are simulated. What else Kapsule installs in kube-system (network, metrics, drivers) is not there.

Whatever version a cluster asks for, the cluster runs the version of the tool chain's programs, and says so to whoever
asks. etcd does not wait for the disk: the data survive the crash of every program, not that of the machine, and are
thrown away with the rehearsal.
"""

from rehearsal.kapsule.control_planes import ControlPlanes

__all__ = ["ControlPlanes"]
