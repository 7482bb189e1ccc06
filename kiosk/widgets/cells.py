"""Text in the cells of a terminal, where a Chinese character takes two."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import cell_len, set_cell_size


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells; what is too long ends in two dots, and nothing in it moves the cursor."""
    text = "".join(char if char.isprintable() else " " for char in text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(set_cell_size(text, max(0, width - 2)).rstrip() + "..", width)
    return " " * (width - length) + text if right else text + " " * (width - length)


def spread(text: str) -> str:
    """Chinese with room between the characters, as large as a terminal can write; other text as it is."""
    pairs = zip_longest(text, text[1:], fillvalue="")
    return "".join(f"{one} " if _is_chinese(one) and _is_chinese(other) else one for one, other in pairs)


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
