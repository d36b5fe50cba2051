"""Control plane of the stand-in: etcd, kube-apiserver, controllers, scheduler and kwok as processes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from rehearsal.k3s.stand_in.archive import HOME, unpacked
from rehearsal.k3s.stand_in.waiting import kept, wait, write

KUBECONFIG = Path("/etc/rancher/k3s/k3s.yaml")
NODE_PASSWORD = Path("/etc/rancher/node/password")
SERVER = HOME / "server"
ETCD = "http://127.0.0.1:2379"


class ControlPlane:
    """The programs of the control plane."""

    def __init__(self) -> None:
        self.bin = unpacked()
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        program = subprocess.Popen([self.bin / str(command[0]), *map(str, command[1:])])
        self.running.append(program)
        return program

    def stop(self) -> None:
        """End all, etcd last."""
        for program in reversed(self.running):
            program.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(10)
            program.kill()

    def etcd(self) -> None:
        program = self.start(
            *("etcd", "--name=server", f"--data-dir={SERVER / 'db' / 'etcd'}", "--log-level=warn"),
            *(f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}"),
            *("--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380"),
            "--initial-cluster=server=http://127.0.0.1:2380",
        )

        def ready() -> bool:
            try:
                return json.load(urllib.request.urlopen(f"{ETCD}/health", timeout=5))["health"] == "true"  # noqa: S310
            except (OSError, ValueError):
                return False

        wait(ready, lambda: program.poll() is None, "etcd")

    def kubectl(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[bytes]:
        command = [self.bin / "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=False)

    def serve(self, config: dict[str, Any]) -> None:
        """Everything of a K3s server, ready."""
        tls = SERVER / "tls"
        tls.mkdir(parents=True, exist_ok=True, mode=0o700)
        token = kept(SERVER / "token", lambda: secrets.token_hex(16))
        write(SERVER / "tokens.csv", f'{token},admin,admin,"system:masters"\n')
        accounts = tls / "service.key"
        kept(accounts, lambda: subprocess.check_output(["openssl", "genrsa", "2048"], text=True))
        public = ["openssl", "rsa", "-in", str(accounts), "-pubout"]
        kept(tls / "service.pub", lambda: subprocess.check_output(public, text=True))
        arguments = [f"--{each}" for each in config.get("kube-apiserver-arg", [])]
        if config.get("secrets-encryption") == "true":
            file = SERVER / "cred" / "encryption-config.json"
            kept(file, lambda: json.dumps(encryption(base64.b64encode(secrets.token_bytes(32)).decode())))
            arguments.append(f"--encryption-provider-config={file}")
        (SERVER / "logs").mkdir(exist_ok=True)
        self.etcd()
        api = self.start(
            *("kube-apiserver", "--secure-port=6443", f"--cert-dir={tls}", f"--etcd-servers={ETCD}"),
            *(f"--token-auth-file={SERVER / 'tokens.csv'}", "--anonymous-auth=false", "--authorization-mode=Node,RBAC"),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            *(f"--service-account-signing-key-file={accounts}", f"--service-account-key-file={tls / 'service.pub'}"),
            f"--service-cluster-ip-range={config.get('service-cidr', '10.43.0.0/16')}",
            *("--endpoint-reconciler-type=none", "--allow-privileged=true", *arguments),
        )
        certificate = tls / "apiserver.crt"
        wait(certificate.exists, lambda: api.poll() is None, "kube-apiserver")
        write(KUBECONFIG, json.dumps(kubeconfig(certificate, token)))
        ready = lambda: self.kubectl("get", "--raw", "/readyz").returncode == 0  # noqa: E731
        wait(ready, lambda: api.poll() is None, "kube-apiserver")
        self.start(
            *("kube-controller-manager", f"--kubeconfig={KUBECONFIG}", "--bind-address=127.0.0.1"),
            *("--use-service-account-credentials=true", f"--service-account-private-key-file={accounts}"),
            *(f"--root-ca-file={certificate}", "--leader-elect=false"),
        )
        self.start("kube-scheduler", f"--kubeconfig={KUBECONFIG}", "--bind-address=127.0.0.1", "--leader-elect=false")
        stages = sorted((self.bin / "stages").glob("*.yaml"))
        self.start(
            *("kwok", f"--kubeconfig={KUBECONFIG}", *(f"--config={stage}" for stage in stages)),
            *("--manage-all-nodes=true", "--cidr=10.42.0.0/24", "--node-ip=127.0.0.1"),
            # Without, nobody hears from the node, and after 40 seconds its pods count as not ready.
            "--node-lease-duration-seconds=40",
        )
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": socket.gethostname()}}
        wait(lambda: self.kubectl("apply", "-f", "-", text=json.dumps(node)).returncode == 0, lambda: True, "the node")
        self.prove_node()
        room = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "20Gi"}
        status = json.dumps({"status": {"capacity": room, "allocatable": room}})
        what = ("patch", "node", socket.gethostname(), "--subresource=status", "--type=merge", f"--patch={status}")
        wait(lambda: self.kubectl(*what).returncode == 0, lambda: True, "the node's room")

    def prove_node(self) -> None:
        """A node of a name that there was before must know the password that it had then."""
        password = kept(NODE_PASSWORD, lambda: secrets.token_hex(16)).encode()
        name = f"{socket.gethostname()}.node-password.k3s"
        secret = ("--namespace", "kube-system", "secret")
        digest = base64.b64encode(hashlib.sha256(password).hexdigest().encode())
        found = self.kubectl("get", *secret, name, "--ignore-not-found", "--output=jsonpath={.data.hash}").stdout
        if found and found != digest:
            raise SystemExit(f"Node password rejected: {NODE_PASSWORD} does not match what the cluster knows")
        if not found:
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "kube-system"}}
            text = json.dumps({**body, "data": {"hash": digest.decode()}})
            wait(
                lambda: self.kubectl("apply", "-f", "-", text=text).returncode == 0, lambda: True, "the node's password"
            )


def encryption(key: str) -> dict[str, Any]:
    """Secrets are written encrypted, and read either way."""
    providers: list[dict[str, Any]] = [{"aescbc": {"keys": [{"name": "key", "secret": key}]}}, {"identity": {}}]
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }


def kubeconfig(certificate: Path, token: str) -> dict[str, Any]:
    """How this host reaches the API."""
    authority = base64.b64encode(certificate.read_bytes()).decode()
    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "default",
        # Its certificate names localhost; K3s' own names the address too.
        "clusters": [{"name": "default", "cluster": {**cluster, "tls-server-name": "localhost"}}],
        "users": [{"name": "default", "user": {"token": token}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
    }


def etcd_call(path: str, question: dict[str, Any]) -> dict[str, Any]:
    """An answer of etcd's HTTP gateway."""
    request = urllib.request.Request(f"{ETCD}{path}", json.dumps(question).encode())  # noqa: S310 - its own etcd
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)
