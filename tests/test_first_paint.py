"""Nothing heavy is loaded before the welcome screen is painted: that is what a person in the cold waits for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import plain

HEAVY = {"cryptography", "pyrage", "qrcode", "png", "PIL", "numpy", "sqlalchemy", "fsspec", "uuid_utils", "pypinyin"}
SCRIPT = """
import json, sys
from pathlib import Path
from kiosk.app import KioskApp
from kiosk.station import Station

folder = Path(sys.argv[1])
app = KioskApp(folder, Station(folder))


def painted(station):
    # Called after the first paint, in place of what is loaded then.
    page = app.screen
    text = "".join(strip.text for strip in page._compositor.render_strips())
    print(json.dumps({"page": type(page).__name__, "painted": bool(text.strip()), "loaded": sorted(sys.modules)}))
    app.exit()

app._warm_up = painted
app.run(headless=True, size=(80, 24))
app.station.close()
"""


def test_the_first_paint_waits_for_nothing_heavy(station_folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(plain.ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(station_folder)],
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout.decode().splitlines()[-1])
    assert (told["page"], told["painted"]) == ("WelcomePage", True)
    loaded = {name.split(".")[0] for name in told["loaded"]}
    assert "textual" in loaded
    assert loaded & HEAVY == set()
    assert "kiosk.screens.flow" not in told["loaded"], "the other screens wait as well"
