"""Addresses of the game's Services inside a board, and the names of its namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from common.network_policies import Peer, pods_of


@dataclass(frozen=True)
class ClusterAddress:
    """Address of one Service inside the cluster."""

    namespace: str
    app: str
    """Name of the Service, and `app.kubernetes.io/name` of its pods."""
    port: int
    """Port of the pods, and of the Service."""

    @property
    def host(self) -> str:
        """Full name of the Service."""
        return f"{self.app}.{self.namespace}.svc.cluster.local"

    @property
    def host_and_port(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pods(self) -> Peer:
        """Pods of the Service, for a NetworkPolicy."""
        return pods_of(self.namespace, self.app)

    @property
    def url(self) -> str:
        """Address in plain HTTP, without a slash at the end."""
        return f"http://{self.host_and_port}"


GITEA: Final = ClusterAddress("scm", "gitea", 3000)
DRONE: Final = ClusterAddress("delivery", "drone", 8080)
POSTGRES: Final = ClusterAddress(DRONE.namespace, "postgres", 5432)
GUARD: Final = ClusterAddress("guard", "guard", 3000)
BUILDKIT: Final = ClusterAddress("buildkit", "buildkit", 1234)
BUILDKIT_URL: Final = f"tcp://{BUILDKIT.host_and_port}"
"""Address for `buildctl --addr`."""
HUNT: Final = ClusterAddress("hunt", "hunt", 8080)
HUNT_METRICS_PORT: Final = 9090
SETUP_METRICS_PORT: Final = 9090
SCM_NAMESPACE: Final = GITEA.namespace
"""Namespace of the source control's set-up, whichever source control there is."""
RUNNERS_NAMESPACE: Final = "runners"
"""Namespace of Drone's runners, in which no build runs: whoever has the runners' secret gets every build's secrets."""
COMPONENTS_NAMESPACE: Final = "game"
"""Namespace of the game's own components, which their pipelines deploy."""
BUILD_LABEL: Final = "build"
"""`app.kubernetes.io/name` of every namespace in which builds run."""
