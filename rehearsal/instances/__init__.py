"""Instances: Debian 13 containers that boot with systemd and execute the cloud-init user data they got.

`Instances` runs the machines of one rehearsal and implements `rehearsal.scaleway.backends.Machines`;
`remove_all`, `leftovers` and `release` take a rehearsal down, also after a crash.

What is real: Debian, systemd, sshd, cloud-init, apt. What stands in: the public address is a loopback
address of this host, carried by a forwarder to the ports that the security group opens (so a machine
sees its network's gateway as the client); the kernel is the host's; the metadata service at
169.254.42.42 is a seed on the machine's disk.
"""

from rehearsal.instances.base_image import Mirrors
from rehearsal.instances.docker import DockerError, InstanceError
from rehearsal.instances.engine import release
from rehearsal.instances.machines import Instances, leftovers, remove_all

__all__ = ["DockerError", "InstanceError", "Instances", "Mirrors", "leftovers", "release", "remove_all"]
