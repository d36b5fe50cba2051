"""Kapsule clusters: a real Kubernetes control plane each, with nodes and pods that KWOK only pretends to run.

`ControlPlanes` implements `rehearsal.scaleway.backends.Clusters`.

What is real: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, hence every object,
schema, admission, permission and controller of Kubernetes. What stands in: nodes and pods (KWOK,
following `stages/`), so no image is pulled, no container runs, nothing can be read from a log or
executed in a pod, and a pod is ready whether or not what it mounts is there; addresses of load
balancers (`load_balancers`) and of Ingresses (`ingresses`); volumes of claims (`volumes`). What
Kapsule installs in kube-system (network, DNS, metrics) is not there.

Whatever version a cluster asks for, it runs the version of the tool chain's programs, and says so
to whoever asks it. etcd does not wait for the disk: its data survives the crash of every program,
not that of the machine, and is thrown away with the rehearsal.
"""

from rehearsal.kapsule.control_planes import ControlPlanes

__all__ = ["ControlPlanes"]
