"""What the disk has ever shown of a station's log, to be held against it later: nothing may be gone or changed.

But for the objects about a person who wished to be forgotten, which may be gone, and not changed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests import plain

OBJECTS = {"personal", "health"}


class Ledger:
    """The records that were seen on the disk, by id, with a hash of all that stood in them."""

    def __init__(self, folder: Path) -> None:
        """Begins with what is there."""
        self._folder = folder
        self._sealed: set[str] = set()
        self.seen: dict[str, str] = {}
        self._objects: dict[tuple[str, str], str] = {}
        self.types: dict[str, int] = {}
        self.badges: dict[str, str] = {}
        self.note()

    @staticmethod
    def _print(value: object) -> str:
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

    def _rest(self, document: dict[str, Any]) -> str:
        return self._print({name: value for name, value in document.items() if name not in OBJECTS})

    def note(self) -> int:
        """Notes what is on the disk now, beside the running writer; returns how many records were ever seen."""
        for path in plain.segment_files(self._folder):
            if path.name in self._sealed:
                continue
            try:
                documents = plain.documents(path)
            except FileNotFoundError:
                continue  # it was sealed between two looks; the next finds it there
            for document in documents:
                if document["id"] not in self.seen:
                    self.types[document["type"]] = self.types.get(document["type"], 0) + 1
                    if document["type"] == "badge_issued":
                        self.badges[document["volunteer"]] = document["code"]
                self.seen.setdefault(document["id"], self._rest(document))
                for name in OBJECTS & document.keys():
                    self._objects.setdefault((document["id"], name), self._print(document[name]))
            if path.name != "open.json":
                self._sealed.add(path.name)
        return len(self.seen)

    def broken(self) -> list[str]:
        """The ids that were seen and are gone, changed, or there twice."""
        there: dict[str, list[str]] = {}
        wrong: list[str] = []
        documents = [document for path in plain.segment_files(self._folder) for document in plain.documents(path)]
        forgotten: set[tuple[str | None, str]] = set()
        for document in reversed(documents):
            there.setdefault(document["id"], []).append(self._rest(document))
            if document["type"] == "forgotten":
                forgotten |= {(document["volunteer"], name) for name in document["objects"]}
            for name in OBJECTS:
                seen = self._objects.get((document["id"], name))
                if name in document:
                    wrong += [document["id"]] if seen not in (None, self._print(document[name])) else []
                elif seen is not None and (document["volunteer"], name) not in forgotten:
                    wrong.append(document["id"])
        return [*wrong, *(id_ for id_, seen in self.seen.items() if there.get(id_) != [seen])]
