"""The parent domain by a DNS server, and the sources by a web server, both on loopback."""

from __future__ import annotations

import time

import pytest

from cli.doctor import parent_domain, running, sources
from cli.doctor.doctor_command import CHECKS
from cli.doctor.lines import Line, State
from cli.doctor.running import run
from tests.commands.doctor.name_server import BROKEN
from tests.commands.doctor.site import Site

ZONE = "hunt-dev.example.org"


def failures(lines: list[Line]) -> list[str]:
    return [line.found for line in lines if line.state is State.FAILURE]


def looked(site: Site) -> list[Line]:
    return list(parent_domain.check(site.environment))


def test_a_domain_that_scaleway_hosts_passes(site: Site) -> None:
    assert {line.state for line in looked(site)} == {State.OK}


def test_a_domain_that_somebody_else_hosts_fails_where_scaleway_should(site: Site) -> None:
    site.names.table["example.org", "NS"] = ["ns.registrar.example."]
    (found,) = failures(looked(site))
    assert found == (
        "example.org is hosted by ns.registrar.example, not by Scaleway: nobody would see the records made there"
    )


def test_a_domain_that_somebody_else_hosts_passes_where_it_may(site: Site) -> None:
    site.tree["parentZone"] = "external"
    site.names.table["example.org", "NS"] = ["ns.registrar.example."]
    assert {line.state for line in looked(site)} == {State.OK}
    site.names.table["example.org", "NS"] = ["ns0.dom.scw.cloud."]
    assert {line.what for line in looked(site) if line.state is State.WARNING} == {parent_domain.PARENT}


def test_a_zone_that_is_not_in_the_project_fails(site: Site) -> None:
    site.tree["domain"] = "example.net"
    site.names.table["example.net", "NS"] = ["ns0.dom.scw.cloud."]
    (found,) = failures(looked(site))
    assert "example.net is no zone in Scaleway DNS of this project" in found


def test_a_domain_that_does_not_exist_fails(site: Site) -> None:
    site.names.table = {}
    assert failures(looked(site)) == ["example.org does not exist in public DNS"]


def test_a_domain_inside_of_another_zone_needs_its_host(site: Site) -> None:
    site.names.table = {
        ("example.org", "A"): ["192.0.2.1"],
        ("org", "SOA"): ["a0.example. hostmaster.example. 1 7200 3600 1209600 300"],
    }
    assert failures(looked(site)) == ["example.org is not delegated to Scaleway: it lies in the zone org"]
    site.tree["parentZone"] = "external"
    assert {line.state for line in looked(site)} == {State.OK}


def test_a_zone_that_is_delegated_to_somebody_else_fails(site: Site) -> None:
    site.names.table[ZONE, "NS"] = ["ns.other.example.", "ns1-hunt-dev.example.org."]
    (found,) = failures(looked(site))
    assert found == f"{ZONE} is delegated already, to ns.other.example"


def test_a_zone_that_is_delegated_to_the_game_master_passes(site: Site) -> None:
    site.names.table[ZONE, "NS"] = ["ns1-hunt-dev.example.org."]
    assert failures(looked(site)) == []


def test_a_delegation_to_servers_that_are_silent_is_a_warning(site: Site) -> None:
    site.names.table[ZONE, BROKEN] = []
    (line,) = [line for line in looked(site) if line.state is State.WARNING]
    assert line.found.startswith(f"{ZONE} is delegated to servers that do not answer")


def lets_encrypt(site: Site) -> None:
    del site.tree["sources"]["acmeDirectory"], site.tree["sources"]["acmeCaBundle"]


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (['0 issue "ca.example"'], "example.org lets ca.example issue (issue), not letsencrypt.org"),
        (['0 issue ";"'], "example.org lets nobody issue (issue), not letsencrypt.org"),
        (
            ['0 issue "letsencrypt.org"', '0 issuewild "ca.example"'],
            "example.org lets ca.example issue (issuewild), not letsencrypt.org",
        ),
    ],
)
def test_caa_records_that_forbid_the_authority_fail(site: Site, records: list[str], found: str) -> None:
    lets_encrypt(site)
    site.names.table["example.org", "CAA"] = records
    assert failures(looked(site)) == [found]


@pytest.mark.parametrize(
    "records", [['0 issue "letsencrypt.org; validationmethods=dns-01"'], ['0 iodef "mailto:ca@example.org"'], []]
)
def test_other_caa_records_pass(site: Site, records: list[str]) -> None:
    lets_encrypt(site)
    site.names.table["example.org", "CAA"] = records
    assert failures(looked(site)) == []


def test_the_nearest_caa_records_count(site: Site) -> None:
    lets_encrypt(site)
    site.names.table["example.org", "CAA"] = ['0 issue "ca.example"']
    site.names.table[ZONE, "CAA"] = ['0 issue "letsencrypt.org"']
    assert failures(looked(site)) == []


def test_another_authority_is_asked_for_its_name(site: Site) -> None:
    site.mirror.bodies["/directory"] = b'{"meta": {"caaIdentities": ["ca.example"]}}'
    site.names.table["example.org", "CAA"] = ['0 issue "letsencrypt.org"']
    assert failures(looked(site)) == ["example.org lets letsencrypt.org issue (issue), not ca.example"]


def test_dns_that_does_not_answer_fails(site: Site) -> None:
    site.names.silent = True
    (found,) = failures(looked(site))
    assert found.startswith("DNS does not answer")


def test_public_dns_is_left_alone_where_nobody_waits_for_it(site: Site) -> None:
    site.tree["certificates"]["delegationTimeoutSeconds"] = 0
    site.names.silent = True
    assert failures(looked(site)) == []


def test_sources_that_answer_are_one_line(site: Site) -> None:
    # Registries are asked by TLS, which the mirror here has not.
    lines = list(sources.check(site.environment))
    assert failures(lines) == []
    assert lines[-1].found == "6 of 7 addresses answer"


def test_a_chart_s_repository_that_is_gone_fails(site: Site) -> None:
    site.tree["sources"]["charts"]["loki"] = "http://127.0.0.1:9/charts"
    site.mirror.missing = {"/charts/index.yaml"}
    assert failures(list(sources.check(site.environment))) == [
        f"{site.mirror.url}/charts/index.yaml: answers 404; used by this program",
        "http://127.0.0.1:9/charts/index.yaml: [Errno 111] Connection refused; used by this program",
    ]


def test_the_published_ingress_chart_also_needs_what_its_schema_refers_to(site: Site) -> None:
    """Helm fetches it at every install, though the chart itself may come from a mirror's copy of the registry."""

    def named() -> list[str]:
        return [each.name for each in sources.sources(site.settings)]

    assert "schema of nginx-ingress" not in named()
    site.tree["sources"]["charts"]["nginx-ingress"] = "oci://ghcr.io/nginx/charts"
    assert "schema of nginx-ingress" in named()


@pytest.mark.parametrize(
    ("path", "what", "used_by"),
    [
        ("/k3s", "K3s", "the game master"),
        ("/helm.tar.gz", "Helm", "the game master"),
        ("/debian/dists/trixie/Release", "Debian mirror", "the game master"),
        ("/directory", "ACME directory", "the game master and cert-manager"),
    ],
)
def test_what_others_load_is_a_warning(site: Site, path: str, what: str, used_by: str) -> None:
    site.mirror.missing = {path}
    (line,) = [line for line in sources.check(site.environment) if line.what == what]
    assert line.state is State.WARNING
    assert f"answers 404; used by {used_by}, which may reach it all the same" in line.found
    assert line.mend.startswith(f"curl --head {site.mirror.url}{path}")


def test_every_source_of_the_settings_is_asked(site: Site) -> None:
    found = {source.url for source in sources.sources(site.settings)}
    own = site.tree["sources"]
    assert {own["k3sUrl"], own["helmUrl"], own["acmeDirectory"], site.tree["scaleway"]["apiUrl"]} <= found
    del site.tree["sources"]["registries"], site.tree["sources"]["charts"]
    found = {source.url for source in sources.sources(site.settings)}
    assert {"https://ghcr.io/v2/", "https://quay.io/v2/", "https://registry-1.docker.io/v2/"} <= found
    assert "https://releases.rancher.com/server-charts/latest/index.yaml" in found


def test_an_api_that_is_silent_is_said_within_the_time_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SECONDS", 1)
    site.api.ask("POST", "/rehearsal/faults", {"answer": "timeout", "seconds": 30})
    environment, began = site.environment, time.monotonic()
    found = list(run({"zone": parent_domain.check}, environment))
    assert time.monotonic() - began < 3
    assert failures(found) == ["no answer within 1 seconds"]
    site.api.ask("DELETE", "/rehearsal/faults")


def test_an_api_that_is_not_there_is_a_line_for_each_concern(site: Site) -> None:
    site.tree["scaleway"]["apiUrl"] = "http://127.0.0.1:9"
    found = list(run(CHECKS, site.environment))
    for concern in ("API key", "quotas", "types", "parent domain"):
        (line,) = [line for line in found if line.what == concern]
        assert (line.state, line.found) == (
            State.FAILURE,
            "http://127.0.0.1:9 cannot be asked: [Errno 111] Connection refused",
        )


def test_an_api_that_fails_is_a_failure(site: Site) -> None:
    site.api.ask("POST", "/rehearsal/faults", {"answer": 503, "seconds": 30, "path": "/domain/"})
    found = list(run({"zone": parent_domain.check}, site.environment))
    assert "Scaleway answers 503" in failures(found)[0]
