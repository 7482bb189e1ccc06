"""Another station whose badges count, since headquarters has signed a directory that names it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from kiosk.badge import Badge, issue
from kiosk.station import Station
from kiosk.trust import Directory


class Elsewhere(Struct):
    """The other station, and headquarters."""

    hq: Ed25519PrivateKey
    key: Ed25519PrivateKey
    station: str = "S999"

    @classmethod
    def known_to(cls, folder: Path) -> Elsewhere:
        """Makes both, and lets the station in `folder` know of them."""
        found = cls(Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate())
        public = base64.b64encode(found.hq.public_key().public_bytes_raw()).decode()
        age = (folder / "keys" / "lead.pub").read_text()  # any recipient will do
        (folder / "keys" / "hq.json").write_text(json.dumps({"age": age, "ed25519": public}))
        (folder / "keys" / "directory.json").write_text(found.directory())
        return found

    def directory(self, signer: Ed25519PrivateKey | None = None, **more: Any) -> str:
        """The directory as headquarters, or somebody else, signs it; `more` is what else it says."""
        stations = {self.station: (self.key.public_key().public_bytes_raw(),)}
        told = Directory(**{"number": 1, "stations": stations, **more})
        return told.sign((signer or self.hq).sign).decode()

    def badge(self, number: str, today: Station) -> str:
        """The code of a badge that it has issued."""
        made = Badge(self.station, number, today.campaign.id, today.today().replace(year=2022))
        return issue(made, self.key.sign)
