"""`walkprint enroll`, `identify` and `verify`: walks on their way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.client import Client
from app.client.options import EnrollOptions, EverybodyOptions
from app.commands import folder
from app.commands.explained import print_check, print_explanation
from app.commands.options import (
    DEFAULT_URL,
    AsJson,
    ExpiresIn,
    FramesPerSecond,
    GalleryName,
    Url,
    WaitSeconds,
    WalkerOrAll,
    WhoseWalk,
)
from app.commands.output import print_json
from app.commands.recognised import (
    print_enrollment,
    print_everybody,
    print_identification,
    print_verification,
)
from app.commands.stages import stages

WalkPath = Annotated[
    Path, typer.Argument(help="A video, a .zip/.tar of frames, or a folder of PNG/JPEG frames.")
]


def enroll(
    subject: Annotated[str | None, typer.Argument(help="Your id for the person.")] = None,
    walk: Annotated[
        list[Path] | None, typer.Argument(help="Their walks: videos, archives, folders of frames.")
    ] = None,
    gallery: GalleryName = None,
    name: Annotated[str | None, typer.Option(help="A name for people to read.")] = None,
    metadata: Annotated[str | None, typer.Option(help="A JSON object to keep.")] = None,
    walker: WhoseWalk = "only",
    fps: FramesPerSecond = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say how good the walks are; enrol nobody.")
    ] = False,
    from_folder: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Enrol everybody in a folder: DIR/<subject>/<walk>.mp4, .zip, .tar or a folder.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            show_default="DIR.enrolled.jsonl", help="With --from-folder: where the report goes."
        ),
    ] = None,
    requests: Annotated[
        int, typer.Option(min=1, max=64, help="With --from-folder: walks sent at once.")
    ] = 4,
    wait: WaitSeconds = None,
    expires_in: ExpiresIn = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Enrol a person from one or more walks, or a whole folder of people.

    \b
    Examples:
      walkprint enroll ada monday.mp4 tuesday.zip --gallery office
      walkprint enroll ada frames/ --name "Ada L." --metadata '{"desk": 12}'
      walkprint enroll ada monday.mp4 --check
      walkprint enroll --from-folder people/ --gallery office

    --check enrols nobody and ends with exit code 1 where no walk is good enough.
    With --from-folder, a report (one JSON line per walk) says what was done and what failed and
    why. Run the same command again to go on after an interruption and to retry failures.
    """
    if from_folder is not None:
        if subject is not None or name or metadata or check:
            raise typer.BadParameter(
                "--from-folder takes no subject, walks, name, metadata or --check."
            )
        folder.enroll_folder(from_folder, gallery or "default", report, requests, url, as_json)
        return
    if subject is None or not walk:
        raise typer.BadParameter("Name a subject and at least one walk, or use --from-folder.")
    with Client(url) as client, stages("Checking" if check else "Enrolling") as on_progress:
        options: EnrollOptions = {
            "gallery": gallery,
            "name": name,
            "metadata": None if metadata is None else _object(metadata),
            "walker": walker,
            "frames_per_second": fps,
            "wait_seconds": wait,
            "expires_in_seconds": expires_in,
            "on_progress": on_progress,
        }
        if check:
            checked = client.check_enrollment(subject, list(walk), **options)
        else:
            enrolled = client.enroll(subject, list(walk), **options)
    if as_json:
        print_json(checked.json if check else enrolled.json)
    elif check:
        print_check(checked)
    else:
        print_enrollment(enrolled)
    if check and not checked.would_enroll:
        raise typer.Exit(1)


def identify(
    walk: WalkPath,
    gallery: GalleryName = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", "-k", min=1, max=50, help="Candidates to name.")
    ] = None,
    target_fpir: Annotated[
        float | None, typer.Option(help="Accepted share of strangers who are given a name.")
    ] = None,
    walker: WalkerOrAll = "only",
    fps: FramesPerSecond = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say what the answer rests on.")
    ] = False,
    wait: WaitSeconds = None,
    expires_in: ExpiresIn = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Say who is walking, or that it is nobody in the gallery.

    \b
    Examples:
      walkprint identify visitor.mp4
      walkprint identify frames/ --gallery office --target-fpir 0.001 --json
      walkprint identify entrance.mp4 --walker all
      walkprint identify gate.mp4 --wait 10 --expires-in 30
      walkprint identify gate.mp4 --explain
    """
    with Client(url) as client, stages("Identifying") as on_progress:
        options: EverybodyOptions = {
            "gallery": gallery,
            "top_k": top_k,
            "target_fpir": target_fpir,
            "explain": explain,
            "frames_per_second": fps,
            "wait_seconds": wait,
            "expires_in_seconds": expires_in,
            "on_progress": on_progress,
        }
        if walker == "all":
            everybody = client.identify_everybody(walk, **options)
            answers, job, json_answer = everybody.walkers, everybody.job, everybody.json
        else:
            answer = client.identify(walk, walker=walker, **options)
            answers, job, json_answer = (answer,), answer.job, answer.json
        explanations = [
            client.explanation(job, walker=one.walker.number if one.walker else None)
            for one in answers
            if one.is_explained
        ]
    if as_json:
        # The service keeps explanations beside its answer; who asked for both gets both.
        more = {"explanations": [each.json for each in explanations]} if explain else {}
        print_json({**json_answer, **more})
        return
    if walker == "all":
        print_everybody(everybody)
    else:
        print_identification(answer)
    for one, explanation in zip(answers, explanations, strict=False):
        print_explanation(one, explanation)


def verify(
    walk: WalkPath,
    subject: Annotated[str, typer.Argument(help="The id the walker claims.")],
    gallery: GalleryName = None,
    target_fmr: Annotated[
        float | None, typer.Option(help="Accepted share of other people who pass.")
    ] = None,
    walker: WhoseWalk = "only",
    fps: FramesPerSecond = None,
    wait: WaitSeconds = None,
    expires_in: ExpiresIn = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Say whether a walk is the claimed subject's.

    \b
    Example:
      walkprint verify gate-3.mp4 ada --gallery office
    """
    with Client(url) as client, stages("Verifying") as on_progress:
        answer = client.verify(
            walk,
            subject,
            gallery=gallery,
            target_fmr=target_fmr,
            walker=walker,
            frames_per_second=fps,
            wait_seconds=wait,
            expires_in_seconds=expires_in,
            on_progress=on_progress,
        )
    if as_json:
        print_json(answer.json)
        return
    print_verification(answer)


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as unreadable:
        raise typer.BadParameter(f"--metadata is not JSON: {unreadable}") from unreadable
    if not isinstance(value, dict):
        raise typer.BadParameter("--metadata must be a JSON object, such as '{\"desk\": 12}'.")
    return value
