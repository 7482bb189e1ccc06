"""The command line: runs one command and gives its exit code. No traceback ever reaches a user."""

from __future__ import annotations

import io
import os
import resource
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk import i18n
from kiosk.errors import KioskError
from kiosk.i18n import _
from kiosk.settings import default_folder, read_settings
from kiosk.wording import cause

if TYPE_CHECKING:
    from argparse import Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the arguments, without the program's name; those of the process by default.

    Returns:
        The exit code: 0 when all is well, 1 when something in the data is wrong, 2 on wrong usage.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show is no error
    # The memory of a process that has crashed holds what was typed last; it must not come to lie on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    arguments = list(sys.argv[1:] if argv is None else argv)
    call, folder, options = _said(arguments)
    module, function = call.split(".")
    try:
        code: int = getattr(import_module(f"kiosk.commands.{module}"), function)(folder, options)
        sys.stdout.flush()
        return code
    except KioskError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read has had enough; Python's own flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(_("This did not work: {error}.").format(error=cause(error)), file=sys.stderr)
        return 1
    except Exception as error:  # the outermost boundary: noted without anything personal, told in a sentence
        from kiosk import crashlog

        crashlog.note(folder, error, datetime.now().astimezone())
        print(_("An internal error happened; it was noted in {file}.").format(file=folder / "log"), file=sys.stderr)
        return 1


def _said(arguments: Sequence[str]) -> tuple[str, Path, Namespace | None]:
    """The function that is wanted, the data folder, and the options; speaks the folder's language from now on."""
    match arguments:  # the screen must not wait for the parsers of all commands
        case []:
            folder = default_folder()
        case ["--data", name] if name.strip() and not name.startswith("-"):
            folder = Path(name)
        case _:
            from kiosk.commands import parser

            _speak(parser.folder(arguments))
            options = parser.parser().parse_args(arguments)
            return options.call, options.data or default_folder(), options
    _speak(folder)
    return "screen.run", folder, None


def _speak(folder: Path) -> None:
    try:
        i18n.use(read_settings(folder).language)
    except KioskError:
        i18n.use("zh")


if __name__ == "__main__":
    sys.exit(main())
