"""Certificates of a control plane, as the strictest of their callers judges them."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from rehearsal.kapsule import pki

ADDRESS = "127.0.0.1"


@pytest.fixture
def files(tmp_path: Path) -> pki.Certificates:
    return pki.provide(tmp_path / "certificates", ADDRESS, [pki.service_address("10.32.0.0/20"), "board.example.org"])


def test_every_certificate_stands_up_to_strict_verification(files: pki.Certificates) -> None:
    """Python 3.13 verifies so by default, hence the hunt's calls to the API from a pod."""
    pki.issue_to_node(files, "scw-blue-main-1")
    etcd = {"etcd", "etcd-client", "etcd-ca"}
    for certificate in files.folder.glob("*.crt"):
        authority = files.etcd_authority if certificate.stem in etcd else files.authority
        command = [str(shutil.which("openssl")), "verify", "-x509_strict", "-CAfile", str(authority), str(certificate)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["10.32.0.1", "kubernetes.default.svc", ADDRESS, "board.example.org"])
def test_a_strict_client_accepts_the_api_servers_certificate_by_each_name(files: pki.Certificates, name: str) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = files.of("kube-apiserver")
    server.load_cert_chain(own.certificate, own.key)
    client = ssl.create_default_context(cafile=str(files.authority))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_server((ADDRESS, 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with server.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(b"hello")

        serving = threading.Thread(target=answer)
        serving.start()
        with (
            socket.create_connection(listener.getsockname(), timeout=5) as plain,
            client.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.recv(5) == b"hello"
        serving.join()


def test_a_nodes_certificate_names_the_node_and_the_group_of_nodes(files: pki.Certificates) -> None:
    issued = pki.issue_to_node(files, "scw-blue-main-1")
    command = [str(shutil.which("openssl")), "x509", "-noout", "-subject", "-in", str(issued.certificate)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "system:node:scw-blue-main-1" in said
    assert "system:nodes" in said
