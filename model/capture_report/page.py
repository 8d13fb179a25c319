"""The report as one HTML file that needs no other and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from model.capture_report.overlay import colour_of
from model.capture_report.sighting import Sighting
from model.judged_walk import JudgedWalk, RefusedWalk
from model.judgement_score import GOOD_FROM, POOR_BELOW
from model.refusals import WalkRefused
from model.report_page.pictures import data_uri

_LARGEST_EMBEDDED_BYTES = 12 * 2**20
"""Of a video; browsers become slow with larger pages, and the file lies beside the page anyway."""

_POLICY = (
    "default-src 'none'; img-src data:; media-src data: file: 'self'; style-src 'unsafe-inline'"
)
_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.verdict { border-left: .4rem solid; padding: .6rem 1rem; background: var(--soft); }
.yes { border-color: #009e73; } .no { border-color: #d55e00; }
.verdict p { margin: .3rem 0; }
video, img.still { width: 100%; max-width: 40rem; border: 1px solid var(--line); display: block; }
figure { margin: 1rem 0; } figcaption { font-size: .85rem; opacity: .8; }
.walk { display: flex; gap: 1.5rem; flex-wrap: wrap; align-items: flex-start; }
.walk img.gei { height: 16rem; image-rendering: pixelated; background: #000; }
.walk dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
.walk dt { opacity: .75; } .walk dd { margin: 0; }
.strip { max-width: 100%; background: #000; }
.dot { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em; }
meter { width: 10rem; }
.findings li { margin: .4rem 0; }
"""


@dataclass(frozen=True, slots=True)
class Still:
    """One frame with its masks drawn in.

    Attributes:
        number: of the frame in the recording.
        png: the picture.
    """

    number: int
    png: bytes


@dataclass(frozen=True, slots=True)
class WalkPictures:
    """The pictures of one walk, as PNG.

    Attributes:
        strip_png: its silhouettes.
        gei_png: its gait energy image; None where it has none.
    """

    strip_png: bytes
    gei_png: bytes | None


def html_page(
    sighting: Sighting,
    pictures: Mapping[tuple[int, int], WalkPictures],
    stills: Sequence[Still],
    video: Path | None,
    *,
    title: str,
) -> str:
    """Writes the page.

    Args:
        sighting: what was seen.
        pictures: of each walk, by walker number and first frame.
        stills: some frames of the video.
        video: masks over frames; lies beside the page.
        title: what the recording is called.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}: what Walkprint sees</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>What Walkprint sees in {escape(title)}</h1>",
        _verdict(sighting),
        *([_video(video, any_walker=bool(sighting.people))] if video else []),
        *(_still(still) for still in stills),
        *(_walker(walks, sighting, pictures) for walks in sighting.people),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _verdict(sighting: Sighting) -> str:
    if sighting.refusal is not None:
        return f'<div class="verdict no">{_refusal(sighting.refusal)}</div>'
    walks = [
        each
        for person in sighting.people
        for each in person
        if isinstance(each, JudgedWalk) and each.walk.walker in sighting.chosen
    ]
    walkers = sorted({each.walk.walker for each in walks})
    numbers = ", ".join(str(number) for number in walkers)
    who = "walker" if len(walkers) == 1 else "walkers"
    stretches = "1 walk" if len(walks) == 1 else f"{len(walks)} walks"
    return (
        f'<div class="verdict yes"><p><strong>Usable:</strong> {stretches} of {who}'
        f" {numbers}.</p></div>"
    )


def _refusal(refusal: WalkRefused) -> str:
    return (
        f"<p><strong>{escape(refusal.title)}.</strong> {escape(refusal.detail)}</p>"
        f"<p>{escape(refusal.advice)}</p>"
    )


def _video(video: Path, *, any_walker: bool) -> str:
    source = video.name
    if video.stat().st_size <= _LARGEST_EMBEDDED_BYTES:
        source = data_uri(video.read_bytes(), "video/webm")
    shown = (
        "The masks that the service cut out, over the frames it worked on"
        if any_walker
        else "The frames the service worked on; it cut nothing out"
    )
    return (
        f'<figure><video controls loop muted src="{escape(source)}"></video>'
        f"<figcaption>{shown} (also in {escape(video.name)}).</figcaption></figure>"
    )


def _still(still: Still) -> str:
    return (
        f'<figure><img class="still" alt="Frame {still.number} with masks"'
        f' src="{data_uri(still.png)}">'
        f"<figcaption>Frame {still.number}</figcaption></figure>"
    )


def _walker(
    walks: Sequence[JudgedWalk | RefusedWalk],
    sighting: Sighting,
    pictures: Mapping[tuple[int, int], WalkPictures],
) -> str:
    number = walks[0].walk.walker
    blue, green, red = colour_of(number)
    used = "" if number in sighting.chosen else " (not used)"
    parts = [
        f'<h2><span class="dot" style="background: rgb({red} {green} {blue})"></span>'
        f"Walker {number}{used}</h2>"
    ]
    for each in walks:
        of_walk = pictures[number, each.walk.first_frame]
        parts.append(f"<h3>{escape(_when(each))}</h3>")
        parts.append(_judged(each, of_walk) if isinstance(each, JudgedWalk) else _refused(each))
        parts.append(
            '<figure><img class="strip" alt="Silhouettes of this walk"'
            f' src="{data_uri(of_walk.strip_png)}">'
            "<figcaption>Silhouettes from the first to the last, scaled to one height.</figcaption>"
            "</figure>"
        )
    return "\n".join(parts)


def _when(each: JudgedWalk | RefusedWalk) -> str:
    walk, rate = each.walk, each.walk.sequence.frames_per_second
    when = f"Frames {walk.first_frame} to {walk.last_frame}"
    if rate:
        when += f", {walk.first_frame / rate:.1f} to {(walk.last_frame + 1) / rate:.1f} s"
    return f"{when}, walking {walk.direction}" if walk.direction else when


def _judged(each: JudgedWalk, pictures: WalkPictures) -> str:
    quality, judgement = each.image.quality, each.judgement
    seconds = f" ({quality.period_seconds:.2f} s)" if quality.period_seconds else ""
    dropped = ", ".join(f"{count} {reason}" for reason, count in quality.frames_dropped.items())
    facts = {
        "Quality": f'<meter min="0" max="1" low="{POOR_BELOW}" high="{GOOD_FROM}" optimum="1"'
        f' value="{judgement.score:.3f}"></meter> {judgement.score:.2f}, {judgement.level}',
        "Gait cycle": f"{quality.period_frames:.1f} frames{seconds}",
        "Whole cycles": f"{quality.cycles:.0f}",
        "Frames used": f"{quality.frames_used} of {quality.frames_seen}",
        "Left out": escape(dropped) or "none",
        "Height": f"{each.walk.height:.0f} pixels",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    findings = "".join(
        f"<li>{escape(finding.sentence)} <em>{escape(finding.advice)}</em></li>"
        for finding in judgement.findings
    )
    gei = data_uri(pictures.gei_png or b"")
    return (
        f'<div class="walk"><img class="gei" alt="Gait energy image" src="{gei}">'
        f"<div><dl>{rows}</dl>"
        + (f'<ul class="findings">{findings}</ul>' if findings else "<p>Nothing is wrong.</p>")
        + "</div></div>"
    )


def _refused(each: RefusedWalk) -> str:
    return f'<div class="verdict no">{_refusal(each.refusal)}</div>'
