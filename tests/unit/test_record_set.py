from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import pulumi
import pytest
from pulumi_command import Provider as Ssh

from gamemaster.record_set import AAAA, CAA, CNAME, MX, TXT, A, Record, RecordError, RecordSet, RecordSetArgs
from gamemaster.ssh_steps import Host
from tests.support import programs
from tests.support.monitor import run


def record_set(label: str, records: Sequence[Record]) -> None:
    master = programs.game_master({"rancher.enabled": False, "certificates.authority": "none"})
    own = RecordSetArgs(host=master.host, zone=master.zone, label=label, records=records)
    RecordSet("record-set", own, opts=pulumi.ResourceOptions(providers=[Ssh("other-ssh")]))


@pytest.mark.parametrize(
    ("records", "written"),
    [
        ([A("192.0.2.1"), A("192.0.2.2")], "192.0.2.1\n192.0.2.2"),
        ([AAAA("2001:DB8:0::20")], "2001:db8::20"),
        ([CNAME("play.hunt.example.org")], "play.hunt.example.org."),
        ([TXT('say "hi" \\ bye')], r'"say \"hi\" \\ bye"'),
        ([TXT(300 * "x")], f'"{255 * "x"}" "{45 * "x"}"'),
        ([MX(10, "mail.example.org.")], "10 mail.example.org."),
        ([CAA("issue", ";")], '0 issue ";"'),
        ([CAA("issuewild", "example.org", critical=True)], '128 issuewild "example.org"'),
    ],
)
def test_each_type_is_written_as_bind9_reads_it(records: Sequence[Record], written: str) -> None:
    graph = run(partial(record_set, "*.blue", records), preview=False)
    given = graph["record-set-nsupdate"].given
    assert given["data"] == written
    assert given["type"] == records[0].type
    assert given["name"] == "*.blue.hunt.example.org."


def test_a_value_that_is_known_later_is_written_too() -> None:
    graph = run(lambda: record_set("play", [A(pulumi.Output.from_input("192.0.2.1"))]), preview=False)
    assert graph["record-set-nsupdate"].given["data"] == "192.0.2.1"


def args(label: str, *records: Record) -> RecordSetArgs:
    return RecordSetArgs(host=cast("Host", None), zone="hunt.example.org", label=label, records=records)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (A("192.0.2.300"), r"'192\.0\.2\.300' is no value for a record; the value must be an IPv4 address"),
        (A("2001:db8::1"), "must be an IPv4 address"),
        (AAAA("192.0.2.1"), "must be an IPv6 address"),
        (CNAME("play"), "must be a full domain name"),
        (CNAME("play .example.org"), "must be a full domain name"),
        (TXT("two\nlines"), "must be a text of printable ASCII"),
        (TXT(""), "must be a text of printable ASCII"),
        (MX(70_000, "mail.example.org"), "'70000' is no value for a record; the value must be a preference"),
        (CAA("isue", "example.org"), "'isue' is no value for a record; the value must be one of issue, issuewild"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_registered(record: Record, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        args("play", record)


@pytest.mark.parametrize(
    ("label", "records", "said"),
    [
        ("play", (), "The name 'play' is given no records"),
        ("play", (A("192.0.2.1"), TXT("x")), "The name 'play' is given A, TXT; a record set has records of one type"),
        ("Play", (A("192.0.2.1"),), "A record set is called 'Play'; the name must be '@', or DNS labels"),
        ("a.*", (A("192.0.2.1"),), "of which the first may be"),
        ("*blue", (A("192.0.2.1"),), "of which the first may be"),
        ("@", (CNAME("example.org"),), "the zone itself none"),
        ("www", (CNAME("a.example.org"), CNAME("b.example.org")), "a name may have one"),
    ],
)
def test_records_that_do_not_go_together_are_refused(label: str, records: Sequence[Record], said: str) -> None:
    with pytest.raises(RecordError, match=said):
        args(label, *records)


@pytest.mark.parametrize("label", ["@", "*", "*.blue", "_acme-challenge.play", "a.b"])
def test_names_of_all_shapes_are_taken(label: str) -> None:
    assert args(label, A("192.0.2.1")).type == "A"
