"""Instances: Debian 13 containers that boot with systemd and execute the cloud-init user data they got.

`Instances` runs the machines of one rehearsal and implements `rehearsal.scaleway.backends.Machines`;
`remove_all`, `leftovers` and `release` take a rehearsal down, also after a crash.

What is real: Debian, systemd, sshd, cloud-init, apt, the networks between machines.

What stands in, and how it differs:

- The public address is a loopback address of this host, and a forwarder carries it to the ports that
  the security group opens. So a machine sees its network's gateway as the client, callers come from
  127.0.0.0/8 (which a rule's source must include), and only the host reaches public addresses:
  machines reach one another by their private networks.
- A closed port refuses where a security group drops in silence.
- The kernel is the host's, and with it the clock, the kernel's modules and the memory.
- The metadata service at 169.254.42.42 is a seed on the machine's disk, with `cloud-init` as the only key.
- A machine that reboots or powers off by itself stays off until it is booted through the API.
"""

from rehearsal.instances.base_image import Mirrors
from rehearsal.instances.docker import DockerError, InstanceError
from rehearsal.instances.docker_daemon import release
from rehearsal.instances.machines import Instances, leftovers, remove_all

__all__ = ["DockerError", "InstanceError", "Instances", "Mirrors", "leftovers", "release", "remove_all"]
