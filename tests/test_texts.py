"""Chinese first, English by one key, and nothing left untranslated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from kiosk import i18n
from kiosk.campaign_files import shipped_folder
from tests.pictures import ambiguous

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "kiosk" / "locale"
PO = LOCALE / "zh_CN" / "LC_MESSAGES" / "kiosk.po"
MARKS = {"_": 1, "N_": 1, "ngettext": 2}


def in_the_code() -> Iterator[tuple[str, str]]:
    """Every text that is marked for translation, and where: found without Babel, which overlooks f-strings."""
    for path in sorted((ROOT / "kiosk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MARKS:
                continue
            for argument in node.args[: MARKS[node.func.id]]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value, f"{path.name}:{node.lineno}"
                elif isinstance(argument, ast.JoinedStr):
                    raise AssertionError(f"{path.name}:{node.lineno}: an f-string cannot be translated")


def catalogue() -> Catalog:
    return read_po(BytesIO(PO.read_bytes()), locale="zh_CN")


def texts(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The English and the Chinese forms of a message."""
    english = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    chinese = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return tuple(map(str, english)), tuple(form or "" for form in chinese)


def test_every_text_of_the_code_is_in_the_chinese_catalogue():
    translated = {form for message in catalogue() if message.id and not message.fuzzy for form in texts(message)[0]}
    missing = [f"{place}: {text}" for text, place in in_the_code() if text not in translated]
    assert missing == []


def test_every_message_is_translated_and_none_is_out_of_date():
    marked = {text for text, _place in in_the_code()}
    for message in catalogue():
        if not message.id:
            continue
        english, chinese = texts(message)
        assert all(chinese), english
        assert not message.fuzzy, english
        assert set(english) <= marked, f"{english}: no longer in the code; run make messages"


def test_placeholders_are_the_same_in_both_languages():
    for message in catalogue():
        if message.id:
            english, chinese = texts(message)
            wanted = set(re.findall(r"{\w+}", english[-1]))
            for form in chinese:
                assert set(re.findall(r"{\w+}", form)) == wanted, english


def test_the_compiled_catalogue_is_that_of_the_source():
    compiled = read_mo(BytesIO(PO.with_suffix(".mo").read_bytes()))
    assert {texts(m)[0]: texts(m)[1] for m in compiled if m.id} == {
        texts(m)[0]: texts(m)[1] for m in catalogue() if m.id
    }, "run make messages"


def test_the_language_is_chinese_unless_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("LANGUAGE", "en")
    assert i18n._("Next") == "下一步"
    i18n.use("en")
    assert i18n._("Next") == "Next"
    with pytest.raises(ValueError, match="fr"):
        i18n.use("fr")


def test_no_text_has_characters_of_ambiguous_width():
    said = [form for message in catalogue() if message.id for side in texts(message) for form in side]
    data = [(shipped_folder() / name).read_text(encoding="utf-8") for name in ("campaign.json", "communities.json")]
    assert ambiguous("".join([*said, *data])) == set()
