"""A complete environment as an operator writes it, every setting given, for tests to spoil."""

from __future__ import annotations

import copy
import datetime
import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from common.keys import dns_key, key_pair, password

Tree = dict[str, Any]

_OPERATOR, _HOST = key_pair(), key_pair()
ACCESS_KEY = "SCWABCDEFGHJKLMNPQRS"
SECRET_KEY = "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11"
DNS_KEY, PASSWORD, LOKI_PASSWORD = dns_key(), password(), password()
MASTER_KEY, SIGNING_PASSWORD = dns_key(), password()
REGISTRY_CONFIG = '{"auths": {"registry.example.org": {"auth": "c2VjcmV0LWxvZ2lu"}}}'
SIGNING_KEY = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nbm90IGZvciBhbnlib2R5\n-----END"
SECRETS = (
    MASTER_KEY,
    SIGNING_PASSWORD,
    REGISTRY_CONFIG,
    SIGNING_KEY,
    ACCESS_KEY,
    SECRET_KEY,
    DNS_KEY,
    PASSWORD,
    LOKI_PASSWORD,
    _OPERATOR.private,
    _HOST.private,
)
OTHER_KEY, ADMIN_PASSWORD = key_pair(), password()


def _authority() -> str:
    """A private authority's root certificate, in PEM."""
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    today = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(today).not_valid_after(today + datetime.timedelta(days=1))
    return built.sign(key, None).public_bytes(Encoding.PEM).decode()


CERTIFICATE = _authority()

_COMPLETE: Tree = {
    "environment": "dev",
    "domain": "example.org",
    "subdomain": "hunt-dev",
    "parentZone": "scaleway",
    "scaleway": {
        "region": "nl-ams",
        "zone": "nl-ams-2",
        "projectId": "11111111-2222-4333-8444-555555555555",
        "organizationId": "11111111-2222-4333-8444-666666666666",
        "accessKey": ACCESS_KEY,
        "secretKey": SECRET_KEY,
        "apiUrl": "https://api.scaleway.example",
    },
    "operators": {
        "cidrs": ["203.0.113.0/24", "198.51.100.7/32"],
        "sshPublicKey": _OPERATOR.public + " somebody@example.org",
        "sshPrivateKey": _OPERATOR.private,
    },
    "players": {"cidrs": ["198.51.100.0/24", "203.0.113.0/24"]},
    "gamemaster": {
        "type": "PLAY2-MICRO",
        "image": "debian_trixie",
        "volumeSizeGb": 40,
        "volumeType": "l_ssd",
        "subnet": "10.20.0.0/24",
        "hostKey": {"public": _HOST.public, "private": _HOST.private},
        "dnsUpdateKey": DNS_KEY,
        "bootTimeoutSeconds": 240,
        "backupBucket": {
            "endpoint": "s3.nl-ams.scw.cloud",
            "region": "nl-ams",
            "bucket": "hunt-backups",
            "accessKey": PASSWORD,
            "secretKey": PASSWORD,
        },
    },
    "certificates": {"authority": "staging", "email": "operators@example.org", "delegationTimeoutSeconds": 900},
    "rancher": {
        "enabled": True,
        "host": "ranch",
        "bootstrapPassword": PASSWORD,
        "adminPassword": ADMIN_PASSWORD,
        "apiUrl": "https://ranch.example",
        "caBundle": CERTIFICATE,
    },
    "boards": {
        "blue": {
            "kubernetesVersion": "1.36",
            "cni": "calico",
            "subnet": "10.21.0.0/22",
            "pools": {
                "main": {
                    "nodeType": "PRO2-XXS",
                    "size": 2,
                    "minSize": 2,
                    "maxSize": 4,
                    "autoscaling": True,
                    "autohealing": False,
                    "rootVolumeSizeGb": 30,
                    "rootVolumeType": "sbs_5k",
                    "publicIp": False,
                    "labels": {"example.org/role": "game"},
                    "taints": [{"key": "game", "value": "only", "effect": "NoSchedule"}],
                    "zone": "nl-ams-1",
                },
                "other": {"nodeType": "PRO2-XXS", "size": 1},
            },
            "apiCidrs": ["203.0.113.0/24"],
            "autoUpgrade": {"day": "tuesday", "startHour": 3},
            "readyTimeoutSeconds": 900,
            "allowReplacement": True,
        },
        "green": {
            "kubernetesVersion": "1.35",
            "subnet": "10.21.4.0/22",
            "pools": {"main": {"nodeType": "PRO2-XXS", "size": 1}},
            "apiCidrs": ["203.0.113.0/24"],
            "autoUpgrade": {"day": "any", "startHour": 0},
        },
    },
    "activeBoard": "blue",
    "observability": {
        "grafanaAdminPassword": PASSWORD,
        "lokiPassword": LOKI_PASSWORD,
        "players": 235,
        "logs": {
            "retentionDays": 30,
            "dailyGb": 3,
            "volumeSizeGb": 50,
            "objectStorage": {
                "endpoint": "s3.nl-ams.scw.cloud",
                "region": "nl-ams",
                "bucket": "hunt-logs",
                "accessKey": PASSWORD,
                "secretKey": PASSWORD,
            },
        },
        "metrics": {"retentionDays": 30, "volumeSizeGb": 30},
        "signIn": {
            "clientId": "grafana",
            "clientSecret": PASSWORD,
            "authorizeUrl": "https://login.example.org/authorize",
            "tokenUrl": "https://login.example.org/token",
            "userinfoUrl": "https://login.example.org/userinfo",
        },
    },
    "gameApp": {
        "host": "start",
        "hunt": "game_app/hunt/example",
        "checkSeconds": 20,
    },
    "delivery": {
        "masterKey": MASTER_KEY,
        "components": ["portal", "lamp"],
        "registry": "registry.example.org/game",
        "registryConfig": REGISTRY_CONFIG,
        "signingKey": SIGNING_KEY,
        "signingPassword": SIGNING_PASSWORD,
        "gitHost": "code",
        "droneHost": "builds",
    },
    "teams": {"list": [{"name": "red", "players": ["ada", "grace"]}, {"name": "blue", "players": ["linus"]}]},
    "costs": {"maxDailyEur": 120},
    "sources": {
        "charts": {"grafana": "oci://mirror.example/charts"},
        "chartTimeoutSeconds": 300,
        "acmeDirectory": "https://acme.example/directory",
        "acmeCaBundle": CERTIFICATE,
        "k3sUrl": "https://mirror.example/k3s",
        "k3sSha256": 64 * "a",
        "helmUrl": "https://mirror.example/helm.tar.gz",
        "helmSha256": 64 * "b",
        "debian": "http://mirror.example/debian",
        "images": {"git": f"registry.example.org/git@sha256:{64 * 'c'}"},
        "registries": {"docker.io": "mirror.example/docker"},
    },
}

MISSING = object()
"""What `spoiled` takes for a setting that is to be left out."""


def complete() -> Tree:
    return copy.deepcopy(_COMPLETE)


def spoiled(changes: dict[str, object]) -> Tree:
    """The complete environment with other values at some keys, written as `scaleway.region` or `operators.cidrs[0]`."""
    tree = complete()
    for key, value in changes.items():
        *path, last = re.findall(r"[^.\[\]]+", key)
        place: Any = tree
        for step in path:
            place = place[int(step) if isinstance(place, list) else step]
        if value is MISSING:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return tree
