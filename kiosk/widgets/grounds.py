"""Containers whose ground is painted in one go: nothing of it is seen but where nothing stands on it."""

from __future__ import annotations

from textual.containers import Horizontal, Vertical, VerticalScroll


class Stack(Vertical):
    """One below the other."""

    BLANK = True


class Beside(Horizontal):
    """One beside the other."""

    BLANK = True


class Scroll(VerticalScroll):
    """One below the other, as far as it is scrolled."""

    BLANK = True
