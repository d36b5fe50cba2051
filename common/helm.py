"""Helm releases: pinned, atomic, with a timeout and few kept revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from common.versions import CHARTS

REVISIONS: Final = 5
"""Revisions of a release that Helm keeps, each a Secret of up to 1 MB in etcd, of which Kapsule's shared control plane
has 55 MB; by default the engine has it keep all. Helm's own command keeps ten."""


@dataclass(frozen=True, kw_only=True)
class Charts:
    """Repositories of an environment's charts, and the timeout of a release."""

    repositories: Mapping[str, str]
    """Chart name to Helm repository (https://…) or OCI folder (oci://…)."""
    timeout: int
    """Seconds until a release that is not ready is rolled back."""

    def release(
        self,
        chart: str,
        *,
        name: str,
        namespace: pulumi.Input[str],
        values: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        skip_crds: bool = False,
    ) -> Release:
        """Install a chart of the catalogue.

        chart: name in `common.versions.CHARTS`, which pins the version.
        name: of the resource; the release has the chart's own name, so that objects have the names of the chart's
            documents.
        skip_crds: leave out the chart's folder `crds`, which Helm never upgrades, for a chart that has its CRDs among
            its templates as well.
        Release rather than Chart: hooks run, and a failed install is rolled back.
        """
        pinned = CHARTS[chart]
        repository = self.repositories[chart]
        oci = repository.startswith("oci://")
        return Release(
            name,
            name=chart,
            chart=f"{repository.rstrip('/')}/{chart}" if oci else chart,
            version=pinned.version,
            repository_opts=None if oci else RepositoryOptsArgs(repo=repository),
            namespace=namespace,
            values=dict(values),
            skip_crds=skip_crds,
            timeout=self.timeout,
            max_history=REVISIONS,
            atomic=True,
            cleanup_on_fail=True,
            opts=opts,
        )
