"""`walkprint capture`: the page shows what the service sees, and why it sees nothing."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.demo.street import SAMPLE
from app.walker_files import write_walk
from tests.app.command import Run, runner
from tests.walks import walk_masks, walk_video, walk_zip


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `walkprint` with words."""
    return runner(capsys)


class Page(HTMLParser):
    """What a reader of the page gets: its words, and what it would load."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def frames_in(video: Path) -> int:
    reader = cv2.VideoCapture(str(video))
    count = 0
    while reader.read()[0]:
        count += 1
    reader.release()
    return count


def test_a_walk_is_shown_with_its_pictures_and_nothing_else_is_loaded(
    run: Run, tmp_path: Path
) -> None:
    clip, out = tmp_path / "entrance.mp4", tmp_path / "seen"
    clip.write_bytes(walk_video(1))

    said = run("capture", clip, "--out", out)

    page = Page(out / "index.html")
    assert said.code == 0
    assert "index.html" in said.out
    assert "Usable: 1 walk of walker 1" in page.text
    assert "walking left" in page.text
    assert "Gait cycle" in page.text
    assert len(page.sources) == 4  # video, one frame, the image, the silhouettes
    assert all(source.startswith("data:") for source in page.sources)
    assert "script" not in page.tags
    assert len(list(out.glob("*.png"))) == 2
    assert frames_in(out / "masks.webm") == 50


def test_masks_lie_where_the_walker_is(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "seen"
    packed = tmp_path / "walk.zip"
    packed.write_bytes(walk_zip(1))

    run("capture", packed, "--out", out)

    reader = cv2.VideoCapture(str(out / "masks.webm"))
    for mask_hw in walk_masks(1)[:5]:
        shown_hw = reader.read()[1].max(axis=2) > 50
        found, truth = shown_hw[:, : mask_hw.shape[1]], mask_hw > 0
        assert (found & truth).sum() / (found | truth).sum() > 0.8
    reader.release()


def test_several_walkers_are_all_shown_though_nobody_would_be_taken(
    run: Run, tmp_path: Path
) -> None:
    two_thw = np.concatenate([walk_masks(1), walk_masks(2)], axis=2)
    clip = write_walk(two_thw, tmp_path / "two", "mp4", frames_per_second=25.0)

    alone = run("capture", clip, "--out", tmp_path / "only", "--json")
    together = run("capture", clip, "--out", tmp_path / "all", "--walker", "all", "--json")

    (only,), (everybody,) = json.loads(alone.out), json.loads(together.out)
    assert (alone.code, only["usable"], only["problem"]) == (1, False, "several-walkers")
    assert (together.code, everybody["usable"]) == (0, True)
    assert [walker["chosen"] for walker in everybody["walkers"]] == [True, True]
    page = Page(tmp_path / "only" / "index.html")
    assert "Several people walk" in page.text
    assert "Walker 2 (not used)" in page.text


def test_in_the_sample_clip_a_woman_walks_and_neither_the_leaves_nor_the_man_above_do(
    run: Run, tmp_path: Path
) -> None:
    said = run("capture", SAMPLE, "--out", tmp_path, "--walker", "all", "--json")

    (seen,) = json.loads(said.out)
    (walker,) = seen["walkers"]
    (walk,) = walker["walks"]
    assert walk["direction"] == "left"
    assert walk["last_frame"] - walk["first_frame"] > 100
    assert "Usable: 1 walk of walker 1." in Page(tmp_path / "index.html").text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is not a film\n" * 100, "not readable media"),
        (b"", "not readable media"),
    ],
)
def test_a_recording_that_cannot_be_used_gets_a_page_that_says_why(
    run: Run, tmp_path: Path, content: bytes, words: str
) -> None:
    broken, out = tmp_path / "<b>walk.mp4", tmp_path / "seen"
    broken.write_bytes(content)

    said = run("capture", broken, "--out", out)

    page = Page(out / "index.html")
    assert said.code == 1
    assert "Not usable" in said.out
    assert words in page.text
    assert "Send one video" in page.text
    assert "<b>walk.mp4" in page.text  # as words: the name of a file is not HTML
    assert "b" not in page.tags
    assert not (out / "masks.webm").exists()


def test_several_recordings_get_a_folder_each(run: Run, tmp_path: Path) -> None:
    first = tmp_path / "walk.zip"
    first.write_bytes(walk_zip(1))

    said = run("capture", first, first, "--out", tmp_path / "seen", "--json")

    pages = [Path(report["page"]) for report in json.loads(said.out)]
    assert len(set(pages)) == 2
    assert all(page.is_file() for page in pages)


def test_a_path_that_leads_nowhere_is_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    said = run("capture", tmp_path / "nowhere.mp4")

    assert (said.code, said.out) == (1, "")
    assert "nowhere.mp4" in said.err
