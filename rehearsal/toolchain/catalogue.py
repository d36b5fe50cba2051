"""What the tool chain knows to get, and how each is built from source.

Versions have one place: those of the plugins in requirements.txt, those of builds in the go.mod of
their wrapper module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"


def pinned(package: str) -> str:
    """The version of a Python package that the program pins; known before any package is installed."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    if not found:
        raise LookupError(f"{REQUIREMENTS.name} pins no {package}")
    return found[1]


@dataclass(frozen=True)
class Program:
    """One program of a wrapper module."""

    file: str
    """Its file name, and that of the argument 0 by which it is started."""
    package: str = "."
    """Import path of its main package; by default the wrapper's own."""
    variables: tuple[tuple[str, str], ...] = ()
    """Go variables that the linker sets, and their values."""
    tags: str = ""
    """Build tags, separated by commas."""
    also: tuple[str, ...] = ()
    """Further names under which the same file is started."""


@dataclass(frozen=True)
class Source:
    """A wrapper module, and what is built from it."""

    module: str
    """Its folder in `modules`."""
    version: str
    """What the built programs call themselves."""
    programs: tuple[Program, ...]
    schema: tuple[str, str] | None = None
    """Module and path in it of a provider's schema, which the build embeds as schema.json with `version` set."""
    c: bool = False
    """Whether some of it is in C, so that a C compiler is needed."""
    called: str = field(default="", repr=False)
    """Name for people where the folder's does not do."""

    @property
    def name(self) -> str:
        """For people."""
        return self.called or self.module.replace("_", " ")

    @property
    def folder(self) -> Path:
        return MODULES / self.module


@dataclass(frozen=True)
class Plugin:
    """A resource plugin of the engine."""

    package: str
    """Its name in the engine."""
    server: str = ""
    """Where its publisher offers it, in the engine's notation; empty for Pulumi's own."""
    source: Source | None = None
    """How it is built; None where a stand-in takes its place."""

    @property
    def version(self) -> str:
        """The version that the SDK asks the engine for."""
        sdk = "pulumiverse-scaleway" if self.package == "scaleway" else f"pulumi-{self.package}"
        return pinned(sdk)

    @property
    def file(self) -> str:
        return f"pulumi-resource-{self.package}"


def required(module: str, path: str) -> str:
    """The version of a Go module that a wrapper requires, without its v."""
    found = re.search(rf"^(?:require )?\s*{re.escape(path)} v(\S+)", (MODULES / module / "go.mod").read_text(), re.M)
    if not found:
        raise LookupError(f"modules/{module}/go.mod requires no {path}")
    return found[1]


_ENGINE_VERSION = required("engine", "github.com/pulumi/pulumi/pkg/v3")
KUBERNETES_VERSION = required("control_plane", "k8s.io/kubernetes")
_KUBERNETES_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
# The newest source that module proxies serve has no version of its own; this is the release that it became.
_KUBERNETES_PROVIDER_RELEASE = "4.25.0"
# Built plugins say the version that the SDK asks for, as the engine warns of older ones, and behind it what they are.
_KUBERNETES_PLUGIN_VERSION = f"{pinned('pulumi-kubernetes')}+source.{_KUBERNETES_PROVIDER_RELEASE}"
_SCALEWAY_PROVIDER_VERSION = required("scaleway", "github.com/scaleway/terraform-provider-scaleway/v2")
_SCALEWAY_PLUGIN_VERSION = f"{pinned('pulumiverse-scaleway')}+terraform.{_SCALEWAY_PROVIDER_VERSION}"

_PROMETHEUS = "github.com/prometheus/prometheus"
PROMETHEUS_COMMON = "github.com/prometheus/common"
# Modules count Prometheus 3.14.0 as 0.314.0.
_PROMETHEUS_VERSION = re.sub(r"^0\.(\d)0?(\d+)\.", r"\1.\2.", required("prometheus", _PROMETHEUS))

ENGINE = Source(
    module="engine",
    version=_ENGINE_VERSION,
    programs=(
        Program(
            "pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            variables=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", f"v{_ENGINE_VERSION}"),),
            # No users and groups from the C library, no tracing: a binary that runs anywhere, and a smaller one.
            tags="osusergo,grpcnotrace",
        ),
    ),
)

CONTROL_PLANE = Source(
    module="control_plane",
    version=KUBERNETES_VERSION,
    programs=(
        Program(
            "etcd",
            variables=(
                ("k8s.io/component-base/version.gitVersion", f"v{KUBERNETES_VERSION}"),
                ("k8s.io/component-base/version.gitMajor", KUBERNETES_VERSION.split(".")[0]),
                ("k8s.io/component-base/version.gitMinor", KUBERNETES_VERSION.split(".")[1]),
            ),
            also=(
                *("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
                *("kubelet", "kube-proxy", "kube-network-policies"),
            ),
        ),
        Program("kwok", package="sigs.k8s.io/kwok/cmd/kwok"),
    ),
)
"""Control planes, and what runs beside the container runtime on their nodes."""

_CONTAINERD = "github.com/containerd/containerd/v2"
_CONTAINERD_VERSION = required("containerd", _CONTAINERD)
CONTAINERD = Source(
    module="containerd",
    version=_CONTAINERD_VERSION,
    programs=tuple(
        Program(
            name,
            package=f"{_CONTAINERD}/cmd/{name}",
            variables=((f"{_CONTAINERD}/version.Version", f"v{_CONTAINERD_VERSION}"),),
            # Layers lie in overlayfs: no other file system's snapshots.
            tags="no_aufs,no_btrfs,no_devmapper,no_zfs",
        )
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    ),
)
COREDNS = Source(
    module="coredns", version=required("coredns", "github.com/coredns/coredns"), programs=(Program("coredns"),)
)
PAUSE = Source(module="pause", version="1", programs=(Program("pause"),))
NODE = (CONTAINERD,)
"""What a board's node runs besides the programs of CONTROL_PLANE."""

PROMETHEUS = Source(
    module="prometheus",
    version=_PROMETHEUS_VERSION,
    programs=tuple(
        Program(
            name,
            package=f"{_PROMETHEUS}/cmd/{name}",
            variables=((f"{PROMETHEUS_COMMON}/version.Version", _PROMETHEUS_VERSION),),
            # It finds its targets at a board's API, or is told of them: without the clouds' own libraries it is half
            # the size.
            tags="remove_all_sd,enable_kubernetes_sd",
        )
        for name in ("prometheus", "promtool")
    ),
)
"""What the queries and alerts of observability are held against, and what a board's pods run."""

PLUGINS = (
    Plugin(
        "kubernetes",
        source=Source(
            module="kubernetes",
            version=_KUBERNETES_PLUGIN_VERSION,
            programs=(
                Program(
                    "pulumi-resource-kubernetes",
                    variables=((f"{_KUBERNETES_PROVIDER}/pkg/version.Version", f"v{_KUBERNETES_PLUGIN_VERSION}"),),
                ),
            ),
            schema=(_KUBERNETES_PROVIDER, "cmd/pulumi-resource-kubernetes/schema.json"),
        ),
    ),
    Plugin(
        "scaleway",
        server="github://api.github.com/pulumiverse",
        source=Source(
            module="scaleway",
            version=_SCALEWAY_PLUGIN_VERSION,
            programs=(Program("pulumi-resource-scaleway", variables=(("main.version", _SCALEWAY_PLUGIN_VERSION),)),),
        ),
    ),
    Plugin("command"),
    Plugin("rancher2"),
)

PEBBLE = Source(
    module="pebble",
    version=required("pebble", "github.com/letsencrypt/pebble/v2"),
    programs=(Program("pebble", package="github.com/letsencrypt/pebble/v2/cmd/pebble"),),
)

_HELM_VERSION = required("helm", "helm.sh/helm/v3")
HELM = Source(
    module="helm",
    version=_HELM_VERSION,
    programs=(
        Program(
            "helm",
            package="helm.sh/helm/v3/cmd/helm",
            variables=(("helm.sh/helm/v3/internal/version.version", f"v{_HELM_VERSION}"),),
        ),
    ),
)

# Drone holds SQLite in C.
DRONE = Source(
    module="drone",
    version=required("drone", "github.com/drone/drone"),
    programs=(Program("drone-server", package="github.com/drone/drone/cmd/drone-server"),),
    c=True,
)
_GITEA_VERSION = required("gitea", "gitea.dev")
GITEA = Source(
    module="gitea",
    version=_GITEA_VERSION,
    programs=(Program("gitea", package="gitea.dev", variables=(("main.Version", _GITEA_VERSION),)),),
)

_NETPOL = "github.com/np-guard/netpol-analyzer"
NETPOL = Source(
    module="netpol",
    version=required("netpol", _NETPOL),
    programs=(Program("netpolicy", package=f"{_NETPOL}/cmd/netpolicy"),),
)
"""What says who may reach whom by a cluster's network policies; no part of a rehearsal."""

FOR_TESTS = (DRONE, GITEA, PROMETHEUS, NETPOL, COREDNS, PAUSE, *NODE)
"""What the tests run beyond a rehearsal as it is by default."""
