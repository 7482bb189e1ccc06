"""What an import loads and touches, looked at in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plain

CORE = (
    *("station", "setup", "store", "segments", "durable", "keys", "badge", "settings", "sheet", "roster", "rules"),
    *("assignment", "places", "campaign", "records", "i18n", "errors", "crashlog", "wording", "demo"),
    *("telling", "summary", "tables", "export", "scanner"),
    *("printing.queue", "printing.sending", "printing.finding"),
)
AUDIT = """
import json, sys
touched = []
def note(event, arguments):
    # What is opened to be run as code is no business of ours.
    if event == "open" and isinstance(arguments[0], str):
        writes = isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if writes or not arguments[0].endswith((".py", ".pyc", ".so", ".pth")):
            touched.append(arguments[0])
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.chmod", "socket.connect", "subprocess.Popen", "os.putenv"):
        touched.append(event)
sys.addaudithook(note)
"""
MACHINERY = (sys.prefix, sys.base_prefix, "/dev/", "/proc/", "/usr/", "/etc/")
"""Where Python and the installed packages read what they need themselves."""


def after(script: str, folder: Path) -> list[str]:
    """Runs `script` in an empty folder and returns the JSON list that it prints."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(plain.ROOT), "HOME": str(folder)}
    environment |= {"KIOSK_DATA": str(folder / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True, timeout=60)
    assert list(folder.iterdir()) == []
    found: list[str] = json.loads(done.stdout)
    return found


def loaded_by(names: tuple[str, ...], folder: Path) -> set[str]:
    imports = "; ".join(f"import kiosk.{name}" for name in names)
    script = f"import sys, json; {imports}; print(json.dumps(sorted(sys.modules)))"
    return {name.split(".")[0] for name in after(script, folder)}


def test_the_core_knows_of_no_screen(tmp_path: Path) -> None:
    loaded = loaded_by(CORE, tmp_path)
    assert "msgspec" in loaded  # the list of modules is what it says
    assert loaded & {"textual", "rich", "sqlalchemy", "fsspec"} == set()


@pytest.mark.parametrize("name", CORE)
def test_heavy_imports_wait_until_they_are_used(name: str, tmp_path: Path) -> None:
    late = {"qrcode", "png", "PIL", "cryptography", "pyrage", "platformdirs", "uuid_utils", "xlsxwriter", "pypinyin"}
    late |= {"escpos", "usb", "tinydb"}
    assert loaded_by((name,), tmp_path) & late == set()


def test_the_command_line_is_light(tmp_path: Path) -> None:
    loaded = loaded_by(("__main__",), tmp_path)
    assert "resource" in loaded
    heavy = {"argparse", "tinydb", "textual", "rich", "cryptography", "pyrage", "qrcode", "platformdirs", "uuid_utils"}
    assert loaded & heavy == set()


@pytest.mark.parametrize("names", [CORE, ("__main__",)], ids=["core", "command line"])
def test_an_import_touches_nothing(names: tuple[str, ...], tmp_path: Path) -> None:
    imports = "\n".join(f"import kiosk.{name}" for name in names)
    touched = after(f"{AUDIT}\n{imports}\nprint(json.dumps(touched))", tmp_path)
    assert [name for name in touched if not name.startswith(MACHINERY)] == []


def test_the_search_for_what_is_touched_finds_it(tmp_path: Path) -> None:
    script = f"{AUDIT}\nfrom kiosk.campaign_files import shipped\nshipped()\nprint(json.dumps(touched))"
    assert any(name.endswith("campaign.json") for name in after(script, tmp_path))
