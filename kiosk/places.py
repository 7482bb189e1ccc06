"""Streets and communities as people look for them: by a part of the name, by its pinyin, by the initials of that.

Pure: a campaign and a text in, communities out. What somebody typed is kept nowhere; only the readings of characters
that stand in the campaign's names are remembered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from kiosk.campaign import Campaign, Community, Street, fold

_DIGRAPHS = ("zh", "ch", "sh")
_PENALTY_RARE = 8
"""A character read in another than its usual way: such hits stand behind all others."""


@lru_cache(maxsize=8192)
def readings(char: str) -> tuple[str, ...]:
    """The ways to read a character in pinyin without tones, the usual one first, such as `nong`, `long` for 弄.

    An umlaut is written v, as it is typed. What is no Chinese character reads as itself, in lower case.
    """
    # The table of 47,000 phrases tells the tones of whole words: 30 MB and 0.2 s that nobody needs here.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    from pypinyin import Style, pinyin

    found = pinyin(char, style=Style.NORMAL, heteronym=True, errors=str.casefold)
    return tuple(dict.fromkeys(found[0])) if found else (char,)


@lru_cache(maxsize=8192)
def _begins(char: str) -> frozenset[str]:
    """What a text begins with that may stand for the character: itself, or the first letter of a reading."""
    return frozenset((char, *(reading[0] for reading in readings(char))))


def find(campaign: Campaign, text: str, near: str) -> list[Community]:
    """The communities that `text` may mean, best first.

    It may be any part of the names of street and community together (the street's also as it was misprinted, or
    without its last word), their pinyin, the initials of that, or a mixture: 农科院, nongke, nky, jqnky, jianqiao.

    Args:
        campaign: whose communities they are.
        text: what was typed; nothing finds everything.
        near: the code of a community; it and its street come first among equals.
    """
    wanted = "".join(fold(text).casefold().replace("\u00fc", "v").replace("'", "").split())
    found = []
    for street in campaign.streets:
        spelt = list(_spelt(street))
        for community in street.communities:
            distance = community.code != near, community.street != near[:9]
            scores = [score for part in spelt if (score := _score(wanted, part, community.name)) is not None]
            if scores:
                found.append((min(scores), distance, community.code, community))
    return [item[3] for item in sorted(found, key=lambda item: item[:3])]


def _spelt(street: Street) -> Iterator[str]:
    for name in (street.name, *street.aliases):
        yield name
        if name.endswith("街道"):
            yield name.removesuffix("街道")


def _score(wanted: str, street: str, community: str) -> tuple[int, int, int] | None:
    """How well the text fits, less being better: by rare readings, by where it begins, by what it leaves over."""
    if not wanted:
        return 0, 0, 0
    name = street + community
    best: tuple[int, int, int] | None = None
    for start, char in enumerate(name):
        if wanted[0] not in _begins(char):
            continue
        fits = _fits(wanted, name, start)
        if fits is None:
            continue
        penalty, end = fits
        inside = start >= len(street)
        if start == len(street):
            place = 0
        elif start == 0:
            place = 1
        else:
            place = 2 if inside else 3
        score = penalty, place, len(name) - end if inside else 0
        best = score if best is None else min(best, score)
    return best


def _fits(wanted: str, name: str, start: int) -> tuple[int, int] | None:
    """Whether `wanted` spells `name` from `start` on: the least penalty and where it ends there."""
    reached = {0: 0}
    for place in range(start, len(name)):
        onwards: dict[int, int] = {}
        for at, penalty in reached.items():
            for length, more in _steps(wanted[at:], name[place]):
                onwards[at + length] = min(penalty + more, onwards.get(at + length, penalty + more))
        if len(wanted) in onwards:
            return onwards[len(wanted)], place + 1
        if not onwards:
            return None
        reached = onwards
    return None


def _steps(rest: str, char: str) -> Iterator[tuple[int, int]]:
    """How much of `rest` the character may stand for, and at which penalty."""
    if rest.startswith(char):
        yield len(char), 0
    if not rest or not rest[0].isascii():
        return
    for rank, reading in enumerate(readings(char)):
        penalty = _PENALTY_RARE if rank else 0
        if rest.startswith(reading):
            yield len(reading), penalty
        elif reading.startswith(rest):
            yield len(rest), penalty  # the syllable that is being typed
        if rest[0] == reading[0]:
            yield 1, penalty
            if rest[:2] == reading[:2] and reading[:2] in _DIGRAPHS:
                yield 2, penalty
