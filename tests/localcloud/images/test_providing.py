"""Where each image of a board comes from, and what an operator reads when one can be had from nowhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from common.versions import Images
from rehearsal.images.catalogue import IMAGES, PAUSE, Image, StandIn
from rehearsal.images.choice import choose_images
from rehearsal.images.provided_images import BUILT, PULLED, STAND_IN, read_provided
from rehearsal.images.providing import provide_images
from rehearsal.session import Session, SessionError

STORE = Image("registry.example/store:1", StandIn("the store", {3100: "/ready"}))
FOR_TEAMS = Image("registry.example/builds:1", StandIn("builds"), teams=True)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(name="mine", home=tmp_path, slot=10)


def silent(_registry: str) -> str:
    return "no such host"


def answering(_registry: str) -> str:
    return ""


async def test_without_the_publisher_what_cannot_be_built_is_a_stand_in(session: Session) -> None:
    await provide_images(session, Console(file=io.StringIO()), teams=False, images=(PAUSE, STORE), answers=silent)
    built, stand_in = read_provided(session)
    assert (built.what, stand_in.what) == (BUILT, STAND_IN)
    assert stand_in.origin == "stand-in for the store"
    assert "stand-in" in stand_in.path.name


async def test_with_the_publisher_what_cannot_be_built_is_pulled(session: Session) -> None:
    await provide_images(session, Console(file=io.StringIO()), teams=False, images=(PAUSE, STORE), answers=answering)
    built, pulled = read_provided(session)
    assert (built.what, pulled.what) == (BUILT, PULLED)
    assert not pulled.folder


async def test_an_image_from_debian_that_stands_in_for_another_gives_way_to_the_publishers(session: Session) -> None:
    [ingress] = (image for image in IMAGES if "nginx-ingress" in image.reference)
    await provide_images(session, Console(file=io.StringIO()), teams=False, images=(ingress,), answers=answering)
    [pulled] = read_provided(session)
    assert (pulled.what, pulled.origin) == (PULLED, "docker.io")


async def test_images_of_teams_are_left_out_where_there_are_none(session: Session) -> None:
    images = (PAUSE, FOR_TEAMS)
    await provide_images(session, Console(file=io.StringIO()), teams=False, images=images, answers=silent)
    assert [image.reference for image in read_provided(session)] == [PAUSE.full]
    await provide_images(session, Console(file=io.StringIO()), teams=True, images=images, answers=silent)
    assert [image.reference for image in read_provided(session)] == [PAUSE.full, FOR_TEAMS.full]


async def test_publishers_images_are_all_pulled_also_what_could_be_built(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGES", "publishers")
    choose_images(session)
    await provide_images(session, Console(file=io.StringIO()), teams=False, images=(PAUSE, STORE), answers=answering)
    assert {image.what for image in read_provided(session)} == {PULLED}


async def test_publishers_images_that_cannot_be_had_are_named_at_once_with_what_to_do(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGES", "publishers")
    choose_images(session)
    with pytest.raises(SessionError) as refused:
        await provide_images(session, Console(file=io.StringIO()), teams=False, images=(PAUSE, STORE), answers=silent)
    said = str(refused.value)
    assert "registry.example/store:1: registry.example does not answer (no such host)" in said
    assert f"{PAUSE.full}: registry.k8s.io does not answer" in said
    assert "'make rehearse NAME=mine NODES=real IMAGES=local'" in said


def test_a_kind_of_images_that_does_not_exist_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES", "mine")
    with pytest.raises(SessionError, match="IMAGES=mine is neither local nor publishers"):
        choose_images(session)


def test_every_image_that_the_program_pins_is_known(session: Session) -> None:
    """Else its pods would wait for an image that nobody makes."""
    known = {image.full for image in IMAGES}
    assert {image.split("@")[0] for image in vars(Images()).values()} <= known
