"""What a decision rests on, and what an enrolment would find, printed for people."""

from __future__ import annotations

from rich.markup import escape

from app.client import EnrollmentCheck, Explanation, Identification
from app.commands.output import answers, notes, print_fields, print_table
from app.commands.recognised import print_findings, print_left_out


def print_explanation(answer: Identification, explanation: Explanation) -> None:
    """Prints the gait that was measured, and how strangers would score."""
    rate = explanation.frames_per_second
    cycle = f"{explanation.period_frames:g} frames"
    if rate:
        cycle += f" ({explanation.period_frames / rate:.2f} s)"
    spreads = [at.spread for at in explanation.legs]
    answers.print("[bold]What it rests on[/]")
    print_fields(
        {
            "seen in": f"{len(explanation.masks)} frames of"
            f" {explanation.frame_width}×{explanation.frame_height} pixels",
            "gait cycle": cycle,
            "legs apart": f"{min(spreads):.2f} to {max(spreads):.2f} of the height"
            if spreads
            else None,
            "strangers": _strangers(answer, explanation),
        }
    )


def _strangers(answer: Identification, explanation: Explanation) -> str | None:
    """How many strangers would have scored as high."""
    share = None if answer.score is None else explanation.strangers_reaching(answer.score)
    if share is None:
        return None
    accepted = f"the threshold lets {100 * answer.target_fpir:.3g} % pass"
    # Beyond what was measured the share is 0, which no measurement shows.
    if share <= 0:
        return f"none of those measured scored {answer.score:.3f}; {accepted}"
    return f"{100 * share:.2g} % of them would score {answer.score:.3f} or more; {accepted}"


def print_check(checked: EnrollmentCheck) -> None:
    """Prints how good each walk is, and whether an enrolment would take it."""
    verdict = "[green]good enough[/]" if checked.would_enroll else "[red]not good enough[/]"
    answers.print(f"[bold]{escape(checked.subject)}[/]: {verdict}; nobody was enrolled")
    rows = [
        (
            walk.recording,
            walk.seen.when,
            walk.seen.direction,
            walk.quality.get("score"),
            walk.quality.get("level"),
            "yes" if walk.good_enough else "no",
        )
        for walk in checked.walks
    ]
    columns = ("recording", "walk", "direction", "quality", "", "would be stored")
    print_table(None, columns, rows)
    print_left_out(checked.left_out)
    for walk in checked.walks:
        print_findings(walk.quality)
    for duplicate in checked.possible_duplicates:
        notes.print(
            f"[yellow]Walks much like {escape(duplicate.subject)}[/] (score {duplicate.score:.3f})"
        )
