"""Wrong values of single settings, each with what its refusal says is allowed."""

from __future__ import annotations

import pytest

from common.settings import SettingsError, parse
from tests.support.example import MISSING, OTHER_KEY, PASSWORD, spoiled

LABEL = "must be a DNS label"
SUBNET = "must be a private IPv4 network (in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) from /20 to /29"
CIDR = "must be an IPv4 network with its prefix and no host bits set"
MINOR = "must be a minor version in quotes, from '1.34' to '1.36', as Rancher 2.15 takes no other"
IMAGE = "must be an image by its registry and digest"
NODE = "it refuses DEV1-S, PLAY2-PICO and STARDUST"
MAIN = "boards.blue.pools.main"

WRONG: list[tuple[str, object, str]] = [
    ("environment", "prod", "must be one of dev, staging, production, rehearsal"),
    ("environment", "staging", "must be the environment of the stack, which is 'dev'"),
    ("environment", MISSING, "is missing; it must be one of dev, staging, production, rehearsal"),
    ("domain", "example", "must be a domain name of two labels or more in small letters"),
    ("domain", "Example.org", "must be a domain name"),
    ("domain", "example..org", "must be a domain name"),
    ("domain", "192.0.2.1", "must be a domain name"),
    ("domain", "example.org.", "must be a domain name"),
    ("domain", ".".join(60 * ["abcde"]), "must be a domain name"),
    ("subdomain", "hunt_dev", "must be one or more DNS labels"),
    ("subdomain", ".".join(39 * ["abcd"]), "must leave room for names below it"),
    ("subdomain", 60 * "x", "must begin with a label of at most 59 characters"),
    ("certificates.delegationTimeoutSeconds", -1, "must be a whole number from 0 to 86400 seconds"),
    ("parentZone", "gandi", "must be one of scaleway, external"),
    ("scaleway", "fr-par", "must be an object with region, zone, projectId"),
    ("scaleway.region", "fr-pari", "must be one of fr-par, nl-ams, pl-waw (did you mean fr-par?)"),
    ("scaleway.zone", "nl-ams-4", "must be one of fr-par-1"),
    ("scaleway.zone", "fr-par-1", "must lie in the region nl-ams"),
    ("scaleway.projectId", "my-project", "must be a UUID"),
    ("scaleway.organizationId", "my-organisation", "must be a UUID"),
    (
        "scaleway.accessKey",
        "AKIA0123456789ABCDEF",
        "must be a Scaleway access key: SCW and 17 capital letters or digits",
    ),
    ("scaleway.secretKey", "hunter2-hunter2", "must be a Scaleway secret key, which is a UUID"),
    ("scaleway.apiUrl", "http://api.scaleway.com", "must be an https:// URL (http:// on loopback only)"),
    ("scaleway.apiUrl", "https://somebody:hunter2@api.scaleway.com", "without user name, password"),
    ("scaleway.apiUrl", "https://api.scaleway.com:0x50", "must be an https:// URL"),
    ("operators.cidrs", [], "must be a list of at least 1"),
    ("operators.cidrs", "203.0.113.0/24", "must be a list of at least 1"),
    ("operators.cidrs[1]", "198.51.100.7/24", CIDR),
    ("operators.cidrs[1]", "198.51.100.7", CIDR),
    ("operators.cidrs[1]", "2001:db8::/32", CIDR),
    ("operators.cidrs[1]", "198.51.100.0/255.255.255.0", CIDR),
    ("operators.sshPublicKey", "ssh-rsa AAAA", "must be an SSH public key that begins with 'ssh-ed25519 '"),
    ("operators.sshPublicKey", 7, "must be an SSH public key"),
    ("operators.sshPrivateKey", "hunter2-hunter2", "must be an Ed25519 private key in OpenSSH's format"),
    ("operators.sshPrivateKey", OTHER_KEY.private, "must be the private half of operators.sshPublicKey"),
    ("players.cidrs[0]", "198.51.100.7", CIDR),
    ("gamemaster.type", "play2 micro", "must be an Instance type, such as 'PLAY2-MICRO'"),
    ("gamemaster.image", "debian_bookworm", "must be one of debian_trixie"),
    ("gamemaster.volumeSizeGb", 9, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", "20", "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", True, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", 20.5, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeType", "b_ssd", "must be one of sbs_volume, l_ssd"),
    ("gamemaster.subnet", "10.20.0.0/16", SUBNET),
    ("gamemaster.subnet", "192.0.2.0/24", SUBNET),
    ("gamemaster.hostKey.private", OTHER_KEY.private, "must be the private half of gamemaster.hostKey.public"),
    ("gamemaster.dnsUpdateKey", "aHVudGVyMi1odW50ZXIy", "must be 32 bytes in base64"),
    ("gamemaster.bootTimeoutSeconds", 5, "must be a whole number from 30 to 3600 seconds"),
    ("boards", {}, "must be an object with at least 1 entry of names"),
    ("boards.blue.kubernetesVersion", 1.36, MINOR),
    ("boards.blue.kubernetesVersion", "1.37", MINOR),
    ("boards.blue.kubernetesVersion", "1.33", MINOR),
    ("boards.blue.kubernetesVersion", "1.9", MINOR),
    ("boards.blue.kubernetesVersion", "1.36.2", MINOR),
    ("boards.blue.cni", "flannel", "must be one of cilium, calico"),
    ("boards.green.subnet", "10.20.0.128/25", "must not overlap gamemaster.subnet (10.20.0.0/24)"),
    ("boards.green.subnet", "10.21.2.0/24", "must not overlap boards.blue.subnet (10.21.0.0/22)"),
    ("gamemaster.subnet", "10.43.0.0/24", "must not overlap the network of K3s' Services (10.43.0.0/16)"),
    ("boards.green.subnet", "10.42.4.0/22", "must not overlap the network of K3s' pods (10.42.0.0/16)"),
    ("gamemaster.type", "COPARM1-2C-8G", "must be an Instance type of x86-64"),
    ("gamemaster.type", "STARDUST1-S", "must be an Instance type of at least 4 GB of memory"),
    ("gamemaster.type", "BASIC2-A2C-2G", "must be an Instance type of at least 4 GB of memory"),
    ("gamemaster.volumeSizeGb", 10, "must be at least 20 GB where rancher.enabled is true"),
    ("boards.green.subnet", "10.32.8.0/22", "must not overlap the network of Kapsule's Services (10.32.0.0/20)"),
    ("boards.blue.pools", {}, "must be an object with at least 1 entry of names"),
    ("boards.blue.apiCidrs[0]", "everywhere", CIDR),
    ("boards.blue.autoUpgrade.day", "Tuesday", "must be one of any, monday, tuesday"),
    ("boards.blue.autoUpgrade.startHour", 24, "must be a whole number from 0 to 23"),
    (f"{MAIN}.nodeType", "DEV1-S", NODE),
    (f"{MAIN}.nodeType", "PRO2-XXXS", NODE),
    (f"{MAIN}.nodeType", "PR02-XXS", "did you mean PRO2-XXS?"),
    (f"{MAIN}.rootVolumeType", "ssd", "must be one of l_ssd, sbs_5k, sbs_15k"),
    (f"{MAIN}.nodeType", "PLAY2-PICO", NODE),
    (f"{MAIN}.nodeType", "STARDUST1-S", NODE),
    (f"{MAIN}.size", 0, "must be a whole number from 1 to 500 nodes"),
    (f"{MAIN}.size", 5, "must lie between minSize (2) and maxSize (4)"),
    (f"{MAIN}.minSize", 5, "must be at most maxSize (4)"),
    (f"{MAIN}.autoscaling", "yes", "must be true or false"),
    (f"{MAIN}.rootVolumeSizeGb", 10, "must be a whole number from 20 to 10000 GB"),
    (f"{MAIN}.taints[0].effect", "NoShedule", "(did you mean NoSchedule?)"),
    (f"{MAIN}.zone", "fr-par-1", "must lie in the region nl-ams"),
    ("activeBoard", "bleu", "must name one of the boards: blue, green (did you mean blue?)"),
    *(
        (key, f"{12 * 'x'}{taken_apart}", "must be a password of 12 to 128 letters, digits, '-', '.', '_' and '~'")
        for key in ("observability.grafanaAdminPassword", "observability.lokiPassword")
        for taken_apart in (":", "$", "#", "%", '"', "\\", " ", "\u00fc")
    ),
    *(
        (key, f"{12 * 'x'}{taken_apart}", "must be a key of 12 to 512 letters, digits, '-', '.', '_', '~', '+', '/'")
        for key in (
            "observability.signIn.clientSecret",
            "observability.logs.objectStorage.accessKey",
            "observability.logs.objectStorage.secretKey",
        )
        for taken_apart in ("$", "%", "#", ": ", '"', "'")
    ),
    ("observability.lokiPassword", '"quoted-at-the-start', "must be a password of 12 to 128 letters"),
    ("observability.grafanaAdminPassword", "hunter2", "must be a password of 12 to 128 letters"),
    ("rancher.bootstrapPassword", "hunter2", "must be a password of 12 to 128 printable ASCII characters"),
    # JSON writes it as half a pair each, which YAML does not put together again.
    ("rancher.bootstrapPassword", "an-owl-\U0001f989-in-the-dark", "must be a password of 12 to 128 printable ASCII"),
    # What reads it from a file takes such a space away.
    ("delivery.signingPassword", " begins-with-a-space", "without a space at either end"),
    ("observability.players", 0, "must be a whole number from 1 to 10000 players"),
    ("observability.logs.retentionDays", 0, "must be a whole number from 1 to 365 days"),
    ("observability.logs.objectStorage.endpoint", "https://s3.nl-ams.scw.cloud", "must be a domain name"),
    ("observability.metrics.volumeSizeGb", 4, "must be a whole number from 5 to 10000 GB"),
    ("observability.signIn.tokenUrl", "http://login.example.org/", "must be an https:// URL"),
    ("delivery.components", [], "must be a list of at least 1"),
    ("delivery.components[0]", "denied", "must be a component's name: at most 50 small letters, digits and hyphens"),
    ("delivery.components[0]", "team-red", "not beginning with 'team-', as the teams' repositories do"),
    ("delivery.components[0]", "p" * 51, "must be a component's name: at most 50 small letters, digits and hyphens"),
    ("delivery.components[1]", "portal", "must not be another component's name"),
    ("delivery.registry", "registry.example.org", "must be a folder of a container registry"),
    ("delivery.registry", MISSING, "must be given where delivery.registryConfig is; leave out both for a registry at"),
    ("delivery.registryConfig", MISSING, "must be given where delivery.registry is; leave out both for a registry at"),
    ("delivery.registryKeyExpiresAt", "2027-01-31T18:00:00Z", "must be left out where delivery.registry is given"),
    ("delivery.registryKeyExpiresAt", "next year", "must be a moment in UTC"),
    ("delivery.registryKeyExpiresAt", "2027-02-30T18:00:00Z", "must be a moment in UTC"),
    ("delivery.signingKey", MISSING, "must be given where delivery.masterKey is"),
    ("delivery.apiCidrs", ["10.32.0.1/32"], "is no setting"),
    ("delivery.masterKey", MISSING, "must be given where teams play"),
    ("delivery.droneHost", "code", "must be a name of its own below the zone, not that of delivery.gitHost"),
    ("delivery.gitHost", "start", "must be a name of its own below the zone, not that of gameApp.host"),
    ("gameApp.hunt", "../elsewhere", "must be the name of a folder in the project's folder"),
    ("gameApp.checkSeconds", 1, "must be a whole number from 5 to 600 seconds"),
    ("gameApp.host", "play.here", LABEL),
    ("gameApp.host", "grafana", "must be a name of its own below the zone, not that of Grafana"),
    ("rancher.host", "grafana", "must be a name of its own below the zone, not that of Grafana"),
    (
        "sources.charts.grafana",
        "http://charts.example/",
        "must be an https:// or oci:// URL (http:// on loopback only)",
    ),
    ("sources.chartTimeoutSeconds", 0, "must be a whole number from 30 to 3600 seconds"),
    ("certificates.authority", "stagin", "must be one of production, staging, none (did you mean staging?)"),
    ("certificates.email", "operators", "must be an e-mail address, such as"),
    ("sources.acmeDirectory", "http://acme.example/directory", "must be an https:// URL (http:// on loopback only)"),
    ("sources.acmeCaBundle", "-----BEGIN", "must be one or more X.509 certificates in PEM"),
    ("rancher.bootstrapPassword", MISSING, "must be given where rancher.enabled is true"),
    ("rancher.adminPassword", MISSING, "must be given where rancher.enabled is true"),
    ("rancher.adminPassword", PASSWORD, "must not be rancher.bootstrapPassword"),
    ("certificates.authority", "none", "must be an authority, for Rancher is served by TLS only"),
    ("sources.k3sUrl", "http://mirror.example/k3s", "must be an https:// URL (http:// on loopback only)"),
    ("sources.k3sSha256", 63 * "a", "must be a SHA-256 of 64 hexadecimal digits"),
    ("sources.debian", "ftp://mirror.example/debian", "must be an https:// or http:// URL"),
    ("sources.images.git", "docker.io/alpine/git", IMAGE),
    ("sources.images.git", "docker.io/alpine/git:latest", IMAGE),
    ("sources.images.git", "docker.io/alpine/git:edge", IMAGE),
    ("sources.images.git", "alpine/git:v2.49.1", IMAGE),
    ("sources.images.git", f"mirror.example.org/git@sha256:{63 * 'a'}", IMAGE),
    ("sources.images.git", f"mirror.example.org/git@sha512:{64 * 'a'}", IMAGE),
    ("sources.images.git", "mirror.example.org/git:1.0\n  privileged: true", IMAGE),
    ("sources.images.drone", "docker.io/drone/drone:2.28.2-oss", "must not be built with the tag oss"),
]


def refusal(changes: dict[str, object], stack: str = "dev") -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled(changes), stack)
    return caught.value
