"""Answers about walks, printed for people: who it is, how sure, and how good the recording was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from app.client import (
    Enrollment,
    Identification,
    IdentifiedEverybody,
    SeenWalk,
    ThresholdSource,
    Verification,
    Walker,
)
from app.commands.output import answers, notes, print_fields, print_table


def print_enrollment(enrolled: Enrollment) -> None:
    """Prints what was stored, what was left out and why, and who walks much alike."""
    verb = "Enrolled" if enrolled.created else "Added to"
    answers.print(
        f"[green]{verb}[/] [bold]{escape(enrolled.subject)}[/] in gallery {enrolled.gallery}"
    )
    rows = [
        (
            stored.id,
            stored.direction,
            stored.quality.get("frames_used"),
            stored.quality.get("cycles"),
            stored.quality.get("score"),
            stored.quality.get("level"),
        )
        for stored in enrolled.walks
    ]
    print_table(None, ("walk", "direction", "frames used", "cycles", "quality", ""), rows)
    print_left_out(enrolled.left_out)
    if enrolled.replaced:
        notes.print(f"Made room: {len(enrolled.replaced)} earlier walks were erased.")
    for stored in enrolled.walks:
        print_findings(stored.quality)
    for duplicate in enrolled.possible_duplicates:
        notes.print(
            f"[yellow]Walks much like {escape(duplicate.subject)}[/] (score {duplicate.score:.3f}):"
            " the same person under two ids?"
        )


def print_identification(answer: Identification) -> None:
    """Prints the decision with what it rests on."""
    if answer.is_match:
        answers.print(f"[bold green]match[/]: [bold]{escape(str(answer.subject))}[/]")
    else:
        answers.print("[bold yellow]unknown[/]: nobody in this gallery walks like that")
    print_fields(
        {
            "score": None if answer.score is None else f"{answer.score:.3f}",
            "threshold": f"{answer.threshold:.3f} (target FPIR {answer.target_fpir:g},"
            f" {answer.gallery_size} subjects)",
            "it rests on": _rests_on(answer.threshold_source),
            "quality": _quality(answer.quality),
            "seen": _seen(answer.walker),
            "checkpoint": answer.checkpoint,
        }
    )
    if answer.candidates:
        rows = [(who.subject, who.name, who.score) for who in answer.candidates]
        print_table(None, ("candidate", "name", "score"), rows)
    _print_doubts(answer.quality, answer.walker)


def print_everybody(answer: IdentifiedEverybody) -> None:
    """Prints one identification per walker, and who could not be used."""
    for one in answer.walkers:
        number = one.walker.number if one.walker else "?"
        answers.print(f"[bold]Walker {number}[/]", end=" ")
        print_identification(one)
        answers.print()
    for walker in answer.left_out:
        answers.print(f"[bold]Walker {walker.number}[/] [yellow]cannot be used[/]")
        print_left_out(walker.walks)


def print_verification(answer: Verification) -> None:
    """Prints whether the claim holds."""
    colour = "green" if answer.is_match else "red"
    answers.print(
        f"[bold {colour}]{answer.decision}[/] with [bold]{escape(str(answer.subject))}[/]"
    )
    print_fields(
        {
            "score": None if answer.score is None else f"{answer.score:.3f}",
            "threshold": f"{answer.threshold:.3f} (target FMR {answer.target_fmr:g})",
            "it rests on": _rests_on(answer.threshold_source),
            "quality": _quality(answer.quality),
            "seen": _seen(answer.walker),
            "checkpoint": answer.checkpoint,
        }
    )
    _print_doubts(answer.quality, answer.walker)


def _rests_on(source: ThresholdSource | None) -> str | None:
    """Whom the threshold was measured on."""
    if source is None:
        return None
    if source.kind == "checkpoint":
        again = "; the gallery has changed, calibrate it again" if source.out_of_date else ""
        return f"the checkpoint's calibration, {source.subjects} people{again}"
    return (
        f"{source.subjects} people of this gallery, measured {str(source.measured_at)[:10]};"
        f" 95 % interval {source.lowest:.3f} to {source.highest:.3f}"
    )


def _quality(quality: Mapping[str, Any]) -> str | None:
    if "level" not in quality:
        return None
    return f"{quality['level']} ({quality['score']:.2f})"


def _seen(walker: Walker | None) -> str | None:
    if walker is None:
        return None
    walks = [
        walk.when + (f", walking {walk.direction}" if walk.direction else "")
        for walk in walker.walks
        if walk.used
    ]
    return f"{'; '.join(walks)}; {walker.height_pixels:.0f} pixels tall"


def _print_doubts(quality: Mapping[str, Any], walker: Walker | None) -> None:
    if walker is not None:
        print_left_out(tuple(walk for walk in walker.walks if not walk.used))
    if quality.get("level") == "poor":
        notes.print("[red]The recording is poor[/]: do not rely on this answer alone.")
    print_findings(quality)


def print_left_out(walks: tuple[SeenWalk, ...]) -> None:
    """Prints the walks that were seen and not used, and why."""
    for walk in walks:
        notes.print(f"[yellow]Not used, {walk.when}:[/] {escape(str(walk.detail))}")


def print_findings(quality: Mapping[str, Any]) -> None:
    """Prints what is wrong with a recording and what to do about it."""
    for finding in quality.get("findings", ()):
        notes.print(f"[dim]{escape(finding['sentence'])} {escape(finding['advice'])}[/]")
