"""What the disk has ever shown of a station's log, to be held against it later: nothing may be gone or changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests import plain


class Ledger:
    """The records that were seen on the disk, by id, with a hash of all that stood in them."""

    def __init__(self, folder: Path) -> None:
        """Begins with what is there."""
        self._folder = folder
        self._sealed: set[str] = set()
        self.seen: dict[str, str] = {}
        self.types: dict[str, int] = {}
        self.badges: dict[str, str] = {}
        self.note()

    @staticmethod
    def _print(document: dict[str, Any]) -> str:
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

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
                self.seen.setdefault(document["id"], self._print(document))
            if path.name != "open.json":
                self._sealed.add(path.name)
        return len(self.seen)

    def broken(self) -> list[str]:
        """The ids that were seen and are gone, changed, or there twice."""
        there: dict[str, list[str]] = {}
        for path in plain.segment_files(self._folder):
            for document in plain.documents(path):
                there.setdefault(document["id"], []).append(self._print(document))
        return [id_ for id_, seen in self.seen.items() if there.get(id_) != [seen]]
