"""Decides of each image where it comes from, and builds those that are built here."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from rich.console import Console

from rehearsal.images import debian_image, pod_image
from rehearsal.images.catalogue import IMAGES, FromDebian, FromSource, Image, StandIn
from rehearsal.images.choice import publishers_only
from rehearsal.images.debian_image import DebianImage
from rehearsal.images.pod_image import PodImage
from rehearsal.images.provided_images import BUILT, PULLED, STAND_IN, ProvidedImage, write_provided
from rehearsal.instances import Mirrors
from rehearsal.session import Session, SessionError, make
from rehearsal.toolchain import pod_programs
from rehearsal.toolchain.providing import provide_built

_CONNECT_SECONDS = 5
_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
Answers = Callable[[str], str]
"""Takes the host name of a registry, and gives why it cannot be reached; empty where it answers."""


def trouble_with(registry: str) -> str:
    """Why a registry cannot be reached from this machine; empty where it answers."""
    # Docker Hub's images have one host in their names and another that serves them.
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    question = urllib.request.Request(f"https://{host}/v2/", method="HEAD")
    try:
        with urllib.request.urlopen(question, timeout=_CONNECT_SECONDS):  # noqa: S310
            return ""
    except urllib.error.HTTPError:
        # Who is not logged in is refused, but answered.
        return ""
    except OSError as error:
        return str(getattr(error, "reason", error))


async def provide_images(
    session: Session,
    console: Console,
    *,
    teams: bool,
    images: Sequence[Image] = IMAGES,
    answers: Answers = trouble_with,
) -> None:
    """Have every image of a rehearsal ready for its registry, or know that its publisher answers.

    teams: whether there are teams, whose images are left out otherwise.
    Raises SessionError where a publisher does not answer whose images are chosen, and the errors of builds.
    """
    wanted = [image for image in images if teams or not image.teams]
    strict = publishers_only(session)
    asked = [image for image in wanted if strict or image.stand_in]
    registries = sorted({image.publisher for image in asked})
    told = await asyncio.gather(*(asyncio.to_thread(answers, registry) for registry in registries))
    troubles = {registry: why for registry, why in zip(registries, told, strict=True) if why}
    if strict and troubles:
        raise SessionError(_unreachable(session, asked, troubles))
    provided: list[ProvidedImage] = []
    for image in wanted:
        if image in asked and image.publisher not in troubles:
            provided.append(ProvidedImage(image.full, PULLED, image.publisher))
        else:
            provided.append(await _provide(image, console))
    write_provided(session, provided)


def _unreachable(session: Session, images: Sequence[Image], troubles: dict[str, str]) -> str:
    lines = [
        f"  {image.full}: {image.publisher} does not answer ({troubles[image.publisher]})"
        for image in images
        if image.publisher in troubles
    ]
    again = make("rehearse", session.name)
    return "\n".join(
        [
            "IMAGES=publishers takes every image from its publisher, and these cannot be had:",
            *lines,
            f"Let this machine reach those registries, or run '{make('rehearse-down', session.name)}', then "
            f"'{again} NODES=real IMAGES=local', which builds what can be built and lets stand-ins take the other "
            "places.",
        ]
    )


async def _provide(image: Image, console: Console) -> ProvidedImage:
    recipe = image.recipe
    name = image.reference.rpartition("/")[2].replace(":", "-")

    def tell(line: str) -> None:
        console.print(f"  {line}", markup=False, soft_wrap=True)

    if isinstance(recipe, FromDebian):
        made = await asyncio.to_thread(_of_debian, name, recipe, console)
        folder = await debian_image.provide(made, Mirrors(), tell)
        return ProvidedImage(image.full, STAND_IN if image.stand_in else BUILT, recipe.origin, str(folder))
    if isinstance(recipe, FromSource):
        made = await asyncio.to_thread(_of_source, name, recipe, console)
        what, origin = BUILT, f"source of {recipe.source.name} {recipe.source.version}"
    else:
        made = await asyncio.to_thread(_standing_in, name, recipe, console)
        what, origin = STAND_IN, f"stand-in for {recipe.of}"
    folder = await asyncio.to_thread(pod_image.provide, made, tell)
    return ProvidedImage(image.full, what, origin, str(folder))


def _of_debian(name: str, recipe: FromDebian, console: Console) -> DebianImage:
    programs = {inside: provide_built(source, console).path for inside, source in recipe.programs.items()}
    return DebianImage(
        name,
        recipe.packages,
        recipe.then,
        {**programs, **recipe.files},
        entrypoint=recipe.entrypoint,
        user=recipe.user,
        environment=_PATH,
    )


def _of_source(name: str, recipe: FromSource, console: Console) -> PodImage:
    program = provide_built(recipe.source, console).path
    return PodImage(name, {recipe.at: program}, [f"/{recipe.at}"], recipe.user, _PATH)


def _standing_in(name: str, recipe: StandIn, console: Console) -> PodImage:
    program = provide_built(pod_programs.STAND_IN, console).path
    ports = (*recipe.probes, *recipe.ports)
    return PodImage(
        f"stand-in-{name}",
        dict.fromkeys(("stand-in", *recipe.also), program),
        ["/stand-in"],
        environment=_PATH
        | {
            "STAND_IN_FOR": recipe.of,
            "STAND_IN_PORTS": " ".join(map(str, ports)),
            "STAND_IN_PROBES": " ".join(f"{port}{path}" for port, path in recipe.probes.items()),
        },
    )
