"""A stand-in for K3s: the same commands, files and unit, with a control plane whose pods do not run.

It runs on the game master, so it needs nothing but Debian's python3 and openssl.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import types
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/rancher/k3s/config.yaml")
KUBECONFIG = Path("/etc/rancher/k3s/k3s.yaml")
NODE_PASSWORD = Path("/etc/rancher/node/password")
HOME = Path("/var/lib/rancher/k3s")
SERVER = HOME / "server"
SNAPSHOTS = SERVER / "db" / "snapshots"
ETCD = "http://127.0.0.1:2379"
START_SECONDS = 120
KNOWN = {
    "write-kubeconfig-mode",
    "disable",
    "cluster-init",
    "etcd-snapshot-schedule-cron",
    "etcd-snapshot-retention",
    "secrets-encryption",
    "service-cidr",
    "kube-apiserver-arg",
    "kube-proxy-arg",
}


def configuration() -> dict[str, Any]:
    """K3s' configuration: keys with one value or a list of them."""
    found: dict[str, Any] = {}
    last = ""
    for line in CONFIG.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("- "):
            found[last] = [*(found[last] or []), text[2:].strip('"')]
        elif text:
            last, _, value = text.partition(":")
            found[last] = value.strip().strip('"')
    unknown = sorted(set(found) - KNOWN)
    if unknown:
        raise SystemExit(f"flag provided but not defined: {', '.join(unknown)} (in {CONFIG})")
    return found


def unpacked() -> Path:
    """The folder of the programs that this file holds, unpacked at the first call."""
    with zipfile.ZipFile(sys.argv[0]) as archive:
        name = archive.read("fingerprint").decode()
        target = HOME / "data" / name
        if not target.exists():
            partial = target.with_suffix(f".{os.getpid()}")
            archive.extractall(partial)
            for file in ("control-plane", "kwok"):
                (partial / file).chmod(0o755)
            for program in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"):
                (partial / program).symlink_to("control-plane")
            with contextlib.suppress(OSError):
                partial.rename(target)
            shutil.rmtree(partial, ignore_errors=True)
    return target


def about() -> dict[str, Any]:
    """What this file was packed with."""
    with zipfile.ZipFile(sys.argv[0]) as archive:
        return json.loads(archive.read("about.json"))


def write(file: Path, text: str) -> Path:
    """Write a file that root alone reads."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    return file


def kept(file: Path, make: Callable[[], str]) -> str:
    """The text of a file, made if it is not there."""
    if not file.exists():
        write(file, make())
    return file.read_text()


def etcd_call(path: str, question: dict[str, Any]) -> dict[str, Any]:
    """An answer of etcd's HTTP gateway."""
    request = urllib.request.Request(f"{ETCD}{path}", json.dumps(question).encode())  # noqa: S310 - its own etcd
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def wait(look: Callable[[], bool], alive: Callable[[], bool], what: str) -> None:
    """Return once `look` is true."""
    deadline = time.monotonic() + START_SECONDS
    while not look():
        if not alive() or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not get ready")
        time.sleep(0.1)


class Plane:
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


class Forward(socketserver.ThreadingTCPServer):
    """Passes connections on to what a pod would answer."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, at: tuple[str, int], to: tuple[str, int]) -> None:
        self.to = to
        super().__init__(at, _Passing)


class _Passing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        with contextlib.suppress(OSError), socket.create_connection(server.to, 5) as far:
            far.settimeout(None)
            back = threading.Thread(target=_copy, args=(far, self.request), daemon=True)
            back.start()
            _copy(self.request, far)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def forward() -> None:
    """Answer at Services' addresses, as kube-proxy and the pods behind them would."""
    wait(lambda: shutil.which("nft") is not None, lambda: True, "nftables, which the host's own role installs,")
    rules = ["table ip stand-in", "delete table ip stand-in"]
    rules += ["add table ip stand-in", "add chain ip stand-in out { type nat hook output priority dstnat; }"]
    for each in about()["forwards"]:
        address, port = each["address"], each["port"]
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
        server = Forward((address, 0), (each["to"][0], each["to"][1]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # By a rule, as kube-proxy does: the port itself stays free for the host's own programs.
        behind = server.server_address[1]
        rules.append(f"add rule ip stand-in out ip daddr {address} tcp dport {port} dnat to {address}:{behind}")
    subprocess.run(["nft", "--file", "-"], input="\n".join(rules) + "\n", text=True, check=True)


def tell_datastore(plane: Plane) -> None:
    """What stands in for a pod keeps its data elsewhere: it is told which data it would have here."""
    uid = plane.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}").stdout.decode()

    def told(host: str, port: int) -> bool:
        request = urllib.request.Request(
            f"http://{host}:{port}/rehearsal/datastore", json.dumps({"id": uid}).encode(), method="PUT"
        )
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310
                return True
        except OSError:
            return False

    for each in about()["forwards"]:
        host, port = each["to"]
        wait(lambda host=host, port=port: told(host, port), lambda: True, f"what answers for pods at {host}:{port}")


def serve() -> None:
    """`k3s server`: runs until it is told to end."""
    config = configuration()
    plane = Plane()

    def end(_number: int, _frame: types.FrameType | None) -> None:
        plane.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        plane.serve(config)
    except BaseException:
        plane.stop()
        raise
    forward()
    tell_datastore(plane)
    notify("READY=1")
    while all(program.poll() is None for program in plane.running):
        time.sleep(1)
    plane.stop()
    sys.exit("a program of the control plane ended")


def notify(what: str) -> None:
    """Tell systemd (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(what.encode(), address.replace("@", "\0", 1))


def save(name: str) -> None:
    """`k3s etcd-snapshot save`: here, all keys and values, as JSON."""
    everything = etcd_call("/v3/kv/range", {"key": "AA==", "range_end": "AA=="})
    SNAPSHOTS.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = write(SNAPSHOTS / f"{name}-{socket.gethostname()}-{int(time.time())}", json.dumps(everything["kvs"]))
    print(f"Snapshot {file.name} saved.")


def prune(name: str, keep: int) -> None:
    """`k3s etcd-snapshot prune`: the newest of a name stay."""
    found = sorted(
        SNAPSHOTS.glob(f"{name}-{socket.gethostname()}-*"), key=lambda file: int(file.name.rpartition("-")[2])
    )
    for file in found[: max(0, len(found) - keep)]:
        file.unlink()
        print(f"Snapshot {file.name} deleted.")


def reset(snapshot: Path) -> None:
    """`k3s server --cluster-reset --cluster-reset-restore-path`: begin anew with what a snapshot holds."""
    saved = json.loads(snapshot.read_text())
    shutil.rmtree(SERVER / "db" / "etcd", ignore_errors=True)
    plane = Plane()
    try:
        plane.etcd()
        for pair in saved:
            etcd_call("/v3/kv/put", {"key": pair["key"], "value": pair.get("value", "")})
    finally:
        plane.stop()
    print("Managed etcd cluster membership has been reset, restart without --cluster-reset flag now.")


def main(arguments: list[str]) -> None:
    """Do what K3s would."""
    called = Path(sys.argv[0]).name
    # Python runs the file that the link leads to; systemd and shells tell the link's name by this alone.
    if called == "kubectl" or arguments[:1] == ["kubectl"]:
        rest = arguments[1:] if arguments[:1] == ["kubectl"] else arguments
        os.environ.setdefault("KUBECONFIG", str(KUBECONFIG))
        os.execv(unpacked() / "kubectl", ["kubectl", *rest])  # noqa: S606 - a program of its own
    elif arguments == ["--version"]:
        print(f"k3s version {about()['version']} (stand-in)")
    elif arguments[:2] == ["etcd-snapshot", "save"]:
        save(arguments[3] if arguments[2:3] == ["--name"] else "on-demand")
    elif arguments[:3] == ["etcd-snapshot", "prune", "--name"] and arguments[4:5] == ["--snapshot-retention"]:
        prune(arguments[3], int(arguments[5]))
    elif arguments == ["server"]:
        serve()
    elif arguments[:2] == ["server", "--cluster-reset"]:
        reset(Path(arguments[2].partition("=")[2]))
    else:
        sys.exit(
            "This stand-in knows: server, kubectl, etcd-snapshot save [--name NAME], "
            "etcd-snapshot prune --name NAME --snapshot-retention NUMBER, --version."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
