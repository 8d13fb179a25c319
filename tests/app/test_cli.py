"""The command line against a running service: what is printed, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.demo import ServiceProcess
from app.demo.service_process import free_port
from app.walker_files import write_walk
from tests.app.command import Run, runner
from tests.walks import walk_masks, walk_video, walk_zip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service for all commands, in a process of its own: its log is not what they print."""
    environment = {"WALKPRINT_DEVICE": "cpu"}
    with ServiceProcess(tmp_path_factory.mktemp("cli"), environment=environment) as running:
        yield running


@pytest.fixture
def run(
    service: ServiceProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs `walkprint` with words, against the service, in this process."""
    monkeypatch.setenv("WALKPRINT_URL", service.url)
    return runner(capsys)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """One walk of the first person, as an archive."""
    path = tmp_path / "walk.zip"
    path.write_bytes(walk_zip(0))
    return path


def test_a_person_is_enrolled_from_files_and_found_in_another_walk(
    run: Run, walk: Path, tmp_path: Path
) -> None:
    video = tmp_path / "walk.mp4"
    video.write_bytes(walk_video(0, walk=2))
    again = tmp_path / "again.zip"
    again.write_bytes(walk_zip(0, walk=3))
    enrolled = run("enroll", "ada", walk, video, "-g", "office", "--name", "Ada L.", "--json")
    assert enrolled.code == 0
    answer = json.loads(enrolled.out)
    assert (answer["subject"], answer["created"], len(answer["walks"])) == ("ada", True, 2)

    found = json.loads(run("identify", again, "--gallery", "office", "--json").out)
    assert found["candidates"][0]["subject"] == "ada"
    assert found["gallery_size"] == 1
    verified = json.loads(run("verify", again, "ada", "-g", "office", "--json").out)
    assert verified["subject"] == "ada"
    assert verified["decision"] in {"match", "no-match"}

    for_people = run("identify", again, "--gallery", "office").out
    assert "candidate" in for_people
    assert f"{found['score']:.3f}" in for_people


def test_everybody_in_a_recording_is_named_and_without_being_asked_for_it_is_refused(
    run: Run, tmp_path: Path
) -> None:
    for person, name in ((1, "ada"), (2, "bob")):
        alone = tmp_path / f"{name}.mp4"
        alone.write_bytes(walk_video(person))
        run("enroll", name, alone, "-g", "entrance")
    two_thw = np.concatenate([walk_masks(1), walk_masks(2)], axis=2)
    clip = write_walk(two_thw, tmp_path / "two", "mp4", frames_per_second=25.0)

    refused = run("identify", clip, "-g", "entrance")
    named = json.loads(run("identify", clip, "-g", "entrance", "--walker", "all", "--json").out)
    for_people = run("identify", clip, "-g", "entrance", "--walker", "all")
    largest = run("verify", clip, "ada", "-g", "entrance", "--walker", "largest", "--json")

    assert refused.code == 1
    assert "2 people walk" in refused.err
    assert {walker["subject"] for walker in named["walkers"]} == {"ada", "bob"}
    assert "Walker 1" in for_people.out
    assert "Walker 2" in for_people.out
    assert "quality" in for_people.out
    assert json.loads(largest.out)["walker"]["number"] in {1, 2}
    assert run("enroll", "eve", clip, "--walker", "all").code == 2


def test_people_are_listed_shown_renamed_and_erased(run: Run, walk: Path) -> None:
    for person in ("bea", "cyd"):
        run("enroll", person, walk, "-g", "list", "--metadata", '{"desk": 12}')
    rows = json.loads(run("subjects", "list", "-g", "list", "--json").out)
    assert [row["subject"] for row in rows] == ["bea", "cyd"]
    assert "Bea B." in run("subjects", "rename", "bea", "Bea B.", "-g", "list").out
    shown = run("subjects", "show", "bea", "-g", "list").out
    assert "Bea B." in shown
    assert "desk" in shown
    erased = run("subjects", "delete", "bea", "-g", "list", "--yes", "--json")
    assert json.loads(erased.out)["walks"] == 1
    rows = json.loads(run("subjects", "list", "-g", "list", "--json").out)
    assert [row["subject"] for row in rows] == ["cyd"]


def test_people_are_merged_told_apart_again_and_moved(run: Run, walk: Path) -> None:
    for person in ("fay", "gus"):
        run("enroll", person, walk, "-g", "one-person")
    run("enroll", "hal", walk, "-g", "elsewhere")

    merged = run("subjects", "merge", "gus", "--into", "fay", "-g", "one-person")
    listed = json.loads(run("subjects", "merges", "fay", "-g", "one-person", "--json").out)
    undone = run("subjects", "unmerge", listed[0]["id"])
    moved = run("subjects", "move", "gus", "-g", "one-person", "--to", "elsewhere", "--json")

    assert (merged.code, listed[0]["id"] in merged.err) == (0, True)
    assert "gus" in undone.out
    assert json.loads(moved.out)["gallery"] == "elsewhere"
    shown = run("subjects", "merges", "fay", "-g", "one-person")
    assert (shown.code, "gus" in shown.out) == (0, False)


def test_the_rules_of_a_gallery_are_set_shown_and_lifted(run: Run, walk: Path) -> None:
    run("enroll", "ian", walk, "-g", "tidy")

    run("galleries", "rules", "tidy", "--walks-per-subject", 1, "--keep-walks", 90)
    shown = run("galleries", "rules", "tidy").out
    again = run("enroll", "ian", walk, "-g", "tidy")
    lifted = run("galleries", "rules", "tidy", "--walks-per-subject", "all", "--json")

    assert "90 days" in shown
    assert again.code == 0
    assert json.loads(run("subjects", "show", "ian", "-g", "tidy", "--json").out)["walks"] == 1
    rules = json.loads(lifted.out)
    assert (rules["walks_per_subject"], rules["keep_walks_days"]) == (None, 90)
    assert run("galleries", "rules", "tidy", "--keep-walks", "long").code == 2


def test_a_gallery_is_listed_renamed_and_removed_with_everybody(run: Run, walk: Path) -> None:
    run("enroll", "dan", walk, "-g", "rehearsal")
    assert "rehearsal" in run("galleries", "list").out
    assert run("galleries", "rename", "rehearsal", "stage").code == 0
    kept = run("galleries", "delete", "stage")
    assert (kept.code, "stage" in kept.err) == (1, True)
    removed = run("galleries", "delete", "stage", "--with-everybody", "--json")
    assert json.loads(removed.out)["subjects"] == 1


def test_a_job_can_be_looked_at_afterwards(run: Run, walk: Path) -> None:
    enrolled = json.loads(run("enroll", "eva", walk, "-g", "jobs", "--json").out)
    job = json.loads(run("jobs", enrolled["job"], "--wait", "--json").out)
    assert (job["kind"], job["state"]) == ("enroll", "succeeded")
    assert job["result"]["subject"] == "eva"
    assert "succeeded" in run("jobs", enrolled["job"]).out


def test_a_refusal_is_a_sentence_with_advice_and_no_traceback(run: Run, tmp_path: Path) -> None:
    fake = tmp_path / "walk.mp4"
    fake.write_text("this is not a video")
    refused = run("identify", fake)
    assert (refused.code, refused.out) == (1, "")
    assert "Error:" in refused.err
    assert "Traceback" not in refused.err
    as_json = run("identify", fake, "--json")
    problem = json.loads(as_json.err)
    assert (as_json.code, as_json.out, problem["status"]) == (1, "", 422)
    assert problem["advice"]


def test_what_cannot_be_sent_is_said_at_once(run: Run, tmp_path: Path) -> None:
    missing = run("identify", tmp_path / "nowhere.mp4")
    assert (missing.code, "nowhere.mp4" in missing.err) == (1, True)
    assert run("enroll", "ada").code == 2
    assert run("enroll", "ada", tmp_path, "--metadata", "[1]").code == 2


def test_a_folder_of_people_is_enrolled_and_the_second_run_sends_nothing(
    run: Run, tmp_path: Path
) -> None:
    people = tmp_path / "people"
    for person in range(3):
        (people / f"p{person}").mkdir(parents=True)
        (people / f"p{person}" / "monday.zip").write_bytes(walk_zip(person))
    (people / "p2" / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    first = run("enroll", "--from-folder", people, "-g", "folder", "--requests", 2, "--json")
    summary = json.loads(first.out)
    assert (first.code, summary["enrolled"], summary["failed"]) == (1, 3, 1)
    report = Path(summary["report"])
    assert report.parent == tmp_path
    lines = [json.loads(row) for row in report.read_text().splitlines()]
    failed = next(line for line in lines if line["outcome"] == "failed")
    assert failed["walk"] == "broken.zip"
    assert failed["problem"]["advice"]

    (people / "p2" / "broken.zip").write_bytes(walk_zip(2, walk=2))
    second = run("enroll", "--from-folder", people, "-g", "folder")
    assert second.code == 0
    assert "1 enrolled, 3 already there, 0 failed" in second.out
    rows = json.loads(run("subjects", "list", "-g", "folder", "--json").out)
    assert [row["walks"] for row in rows] == [1, 1, 2]


def test_generated_walkers_can_be_enrolled_as_they_are_written(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "walkers"
    written = run(
        "walkers", "--out", folder, "--subjects", 2, "--walks", 2, "--as", "folder", "--json"
    )
    assert json.loads(written.out)["walks"] == 4
    assert run("walkers", "--out", folder).code == 2  # it is not empty
    enrolled = run("enroll", "--from-folder", folder, "-g", "generated", "--json")
    assert json.loads(enrolled.out)["enrolled"] == 4


def test_every_command_explains_itself(run: Run) -> None:
    services = ("serve", "enroll", "identify", "verify", "subjects", "galleries", "jobs")
    commands = (*services, "data", "train", "finetune", "evaluate", "walkers", "demo")
    overview = run("--help").out
    for command in commands:
        assert command in overview
        assert run(command, "--help").code == 0


def test_a_service_on_all_addresses_is_refused_with_advice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "serve", "--host", "0.0.0.0"]  # noqa: S104
    command += ["--data", str(tmp_path / "data")]
    done = subprocess.run(  # noqa: S603 (our own program)
        command, capture_output=True, text=True, env={**os.environ}, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("WALKPRINT_CHECKPOINT", "{folder}/no-such.safetensors", "no-such.safetensors"),
        ("WALKPRINT_DEVICE", "cuda", "no GPU"),
    ],
)
def test_a_service_that_could_never_recognise_ends_and_says_why(
    tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    """Rather than answering 503 for ever. (A machine with a GPU has CUDA hidden here.)"""
    environment = {variable: value.format(folder=tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(free_port())]
    done = subprocess.run(  # noqa: S603 (our own program)
        [*command, "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=150,
        check=False,
    )
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
