"""Whatever is done to the registry, in whatever order: it, the index and a dictionary agree.

Hypothesis draws the deeds and, where they disagree, finds the shortest way there.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.errors import Problem
from app.registry import Registry
from app.search import GallerySearch
from app.search.snapshots import Snapshots
from tests.app.registry.stored_walks import NEW, OLD, new_checkpoint, settled
from tests.consistency.town import GALLERIES, Merged, Town, check, embed_again, enrol
from tests.servers import empty

_EXAMPLES = int(os.environ.get("WALKPRINT_STATE_EXAMPLES", "6"))
_STEPS = 25
_NAMES = st.sampled_from(["ada", "bob", "cyd", "dan"])
_GALLERIES = st.sampled_from(GALLERIES)


class RegistryMachine(RuleBasedStateMachine):
    """One registry, one index over it, and the town that both must be."""

    url: ClassVar[str]
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.numbers = itertools.count(1)
        self.registry = Registry.open(empty_database(self.url))
        settled(self.registry, installed=[new_checkpoint(NEW)])
        self.snapshots_folder = Path(tempfile.mkdtemp(dir=self.folder))
        self.search = self.opened()

    def opened(self) -> GallerySearch:
        snapshots = Snapshots(self.snapshots_folder, self.registry, least_templates=1)
        return GallerySearch(self.registry, snapshots=snapshots)

    def teardown(self) -> None:
        self.search.close()
        self.registry.close()
        shutil.rmtree(self.snapshots_folder)

    @rule(gallery=_GALLERIES, name=_NAMES, walks=st.integers(1, 3))
    def enrol(self, gallery: str, name: str, walks: int) -> None:
        numbers = [next(self.numbers) for _ in range(walks)]
        ids = enrol(self.registry, gallery, name, numbers)
        self.town.walks.setdefault((gallery, name), set()).update(numbers)
        self.town.ids.update(zip(numbers, ids, strict=True))

    @precondition(lambda self: self.town.walks)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        gallery, name = data.draw(st.sampled_from(sorted(self.town.walks)))
        self.registry.subjects.delete(name, gallery=gallery)
        self.search.refresh()
        self.town.forget(self.town.walks.pop((gallery, name)))
        self.forget_merges()

    @precondition(lambda self: self.town.ids)
    @rule(data=st.data())
    def erase_walk(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.town.ids)))
        self.registry.walks.delete(self.town.ids[number])
        for walks in self.town.walks.values():
            walks.discard(number)
        self.town.forget({number})

    @precondition(lambda self: len(self.town.walks) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        who = st.sampled_from(sorted(self.town.walks))
        (gallery, name), (into_gallery, into) = data.draw(st.tuples(who, who))
        if (gallery, name) == (into_gallery, into):
            return
        merge, _ = self.registry.merges.merge(
            name,
            into,
            undo_within=timedelta(days=1),
            gallery=gallery,
            into_gallery=into_gallery,
        )
        walks = self.town.walks.pop((gallery, name))
        self.town.walks[into_gallery, into] |= walks
        self.town.merges[merge.id] = Merged(name, gallery, frozenset(walks))

    @precondition(lambda self: self.town.merges)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        merge_id = data.draw(st.sampled_from(sorted(self.town.merges)))
        survivor = self.registry.merges.get(merge_id)
        merged = self.town.merges[merge_id]
        if (merged.gallery, merged.subject) in self.town.walks:
            with pytest.raises(Problem):
                self.registry.merges.undo(merge_id)
            return
        self.registry.merges.undo(merge_id)
        del self.town.merges[merge_id]
        held = self.town.walks[survivor.gallery, survivor.subject]
        back = held & merged.walks
        held -= back
        self.town.walks[merged.gallery, merged.subject] = back

    @precondition(lambda self: self.town.walks)
    @rule(data=st.data(), to_gallery=_GALLERIES)
    def move(self, data: st.DataObject, to_gallery: str) -> None:
        gallery, name = data.draw(st.sampled_from(sorted(self.town.walks)))
        self.registry.galleries.ensure(to_gallery)
        if to_gallery != gallery and (to_gallery, name) in self.town.walks:
            with pytest.raises(Problem):
                self.registry.transfers.move(name, to_gallery, gallery=gallery)
            return
        self.registry.transfers.move(name, to_gallery, gallery=gallery)
        self.town.walks[to_gallery, name] = self.town.walks.pop((gallery, name))

    @rule()
    def change_checkpoint(self) -> None:
        other = NEW if self.town.checkpoint == OLD else OLD
        switch = self.registry.switching.activate(other, accept_loss=False)
        if not switch.done:
            embed_again(self.registry, "machine")
        self.town.checkpoint = other

    @rule()
    def begin_another_checkpoint(self) -> None:
        """Walks that are enrolled from here on get templates by both."""
        other = NEW if self.town.checkpoint == OLD else OLD
        if self.registry.switching.activate(other, accept_loss=False).done:
            self.town.checkpoint = other
        else:
            self.registry.reembeddings.change(other, "cancelled")

    @rule()
    def restart(self) -> None:
        """Indexes are saved, and read from their snapshots when they are next needed."""
        self.search.close()
        self.search = self.opened()

    @rule()
    def restart_after_a_crash(self) -> None:
        """Nothing was saved; older snapshots may lie there."""
        self.search = self.opened()

    @invariant()
    def all_agree(self) -> None:
        check(self.town, self.registry, self.search)

    def forget_merges(self) -> None:
        """Those into a subject that was erased went along."""
        left = {
            merge.id
            for gallery, name in self.town.walks
            for merge in self.registry.merges.list(name, gallery=gallery)
        }
        self.town.merges = {key: merged for key, merged in self.town.merges.items() if key in left}


def empty_database(url: str) -> str:
    """The same database without a row."""
    if url.startswith("postgres"):
        empty(url)
        return url
    template = Path(url.removeprefix("sqlite:///"))
    copy = Path(tempfile.mkdtemp(dir=template.parent)) / "walkprint.db"
    shutil.copy(template, copy)
    return f"sqlite:///{copy}"


def test_registry_index_and_dictionary_agree(database_url: str, tmp_path: Path) -> None:
    class Machine(RegistryMachine):
        url = database_url
        folder = tmp_path

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=_EXAMPLES,
            stateful_step_count=_STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
