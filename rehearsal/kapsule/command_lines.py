"""Arguments of each program of a control plane."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rehearsal.kapsule.cluster_record import ClusterRecord
from rehearsal.kapsule.nodes import SIMULATED
from rehearsal.kapsule.pki import Certificates, Identity

API_PORT = 6443
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
EGRESS_SOCKET = "egress.socket"
"""Socket of the proxy by which the API server reaches pods (rehearsal.kapsule.api_egress), in the cluster's folder."""

_STAGES = Path(__file__).parent / "stages"
_UNUSED_CONTROLLERS = (
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "device-taint-eviction-controller",
    "horizontal-pod-autoscaler-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "podcertificaterequest-cleaner-controller",
    "resourceclaim-controller",
    "service-lb-controller",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector-controller",
)
"""Those that need a cloud, a kubelet or metrics, and those for what a game does not use."""


@dataclass(frozen=True)
class CommandLines:
    """Arguments of the programs of one control plane, whose files lie in a folder."""

    folder: Path
    record: ClusterRecord
    certificates: Certificates
    to_pods: bool
    """Whether there are pods that the API server can reach."""

    def kubeconfig(self, program: str) -> Path:
        """File by which a program reaches the API."""
        return self.folder / f"{program}.kubeconfig"

    @property
    def egress(self) -> Path:
        """File that says by which proxy the API server reaches pods."""
        return self.folder / "egress.json"

    def egress_configuration(self) -> str:
        """Text of that file."""
        # Relative to the folder in which the API server runs: names of sockets are short. TCP would need TLS.
        transport = {"uds": {"udsName": EGRESS_SOCKET}}
        connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
        return json.dumps(
            {
                "apiVersion": "apiserver.k8s.io/v1beta1",
                "kind": "EgressSelectorConfiguration",
                "egressSelections": [{"name": "cluster", "connection": connection}],
            }
        )

    @property
    def tokens(self) -> Path:
        """File with the administrator's token."""
        return self.folder / "tokens.csv"

    def etcd(self) -> list[str]:
        own = self.certificates.of("etcd")
        client, peer = (f"https://{self.record.address}:{port}" for port in (ETCD_PORT, ETCD_PEER_PORT))
        return [
            "--name=etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=etcd={peer}",
            f"--cert-file={own.certificate}",
            f"--key-file={own.key}",
            f"--trusted-ca-file={self.certificates.etcd_authority}",
            "--client-cert-auth",
            f"--peer-cert-file={own.certificate}",
            f"--peer-key-file={own.key}",
            f"--peer-trusted-ca-file={self.certificates.etcd_authority}",
            "--peer-client-cert-auth",
            # The data is thrown away with the rehearsal; it need not survive the machine's own crash.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def apiserver(self) -> list[str]:
        own, files = self.record, self.certificates
        server, etcd = files.of("kube-apiserver"), files.of("etcd-client")
        return [
            f"--bind-address={own.address}",
            f"--advertise-address={own.address}",
            f"--secure-port={API_PORT}",
            f"--etcd-servers=https://{own.address}:{ETCD_PORT}",
            f"--etcd-cafile={files.etcd_authority}",
            f"--etcd-certfile={etcd.certificate}",
            f"--etcd-keyfile={etcd.key}",
            *_tls(server),
            f"--client-ca-file={files.authority}",
            *self._to_kubelets(),
            f"--token-auth-file={self.tokens}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-signing-key-file={files.accounts_key}",
            f"--service-account-key-file={files.accounts_public}",
            f"--service-cluster-ip-range={own.service_cidr}",
            # A loopback address may not be an endpoint: `api_endpoints` gives another.
            "--endpoint-reconciler-type=none",
            *([f"--egress-selector-config-file={self.egress}"] if self.to_pods else []),
            "--profiling=false",
            f"--enable-admission-plugins={','.join(dict.fromkeys(['NodeRestriction', *own.admission_plugins]))}",
        ]

    def _to_kubelets(self) -> list[str]:
        """How logs, exec and port-forward reach a node; it is known by its address, not by its name."""
        own = self.certificates.of("kubelet-client")
        return [
            f"--kubelet-client-certificate={own.certificate}",
            f"--kubelet-client-key={own.key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
        ]

    def controller_manager(self) -> list[str]:
        files = self.certificates
        return [
            f"--kubeconfig={self.kubeconfig('kube-controller-manager')}",
            "--secure-port=0",
            f"--root-ca-file={files.authority}",
            f"--service-account-private-key-file={files.accounts_key}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--controllers=*,{','.join(f'-{name}' for name in _UNUSED_CONTROLLERS)}",
            "--profiling=false",
        ]

    def scheduler(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig('kube-scheduler')}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ]

    def kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig('kwok')}",
            *(f"--config={stage}" for stage in sorted(_STAGES.glob("*.yaml"))),
            f"--manage-nodes-with-label-selector={SIMULATED}",
            f"--cidr={self.record.pod_cidr}",
            # All nodes share one address, of a range kept for documentation (RFC 5737): nothing is there.
            "--node-ip=192.0.2.1",
            "--node-lease-duration-seconds=40",
        ]


def _tls(identity: Identity) -> list[str]:
    return [f"--tls-cert-file={identity.certificate}", f"--tls-private-key-file={identity.key}"]
