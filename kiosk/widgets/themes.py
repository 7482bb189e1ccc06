"""The two looks of the kiosk, dark and light: the same screens in other colours.

Every colour for text stands out from every surface by at least 7:1 (WCAG 2, level AAA), so that a page may put any
of them on any of the others; the tests measure it on what is drawn.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme


def _theme(name: str, *, dark: bool, surfaces: tuple[str, str, str], texts: tuple[str, str, str, str, str]) -> Theme:
    background, surface, panel = surfaces
    foreground, primary, secondary, success, error = texts
    # What Textual's own widgets would mix for themselves, and too faintly.
    variables = {
        "text": foreground,
        "text-muted": secondary,
        "text-disabled": secondary,
        "text-primary": primary,
        "text-error": error,
        "block-cursor-background": primary,
        "block-cursor-foreground": background,
        "block-cursor-blurred-background": panel,
        "block-cursor-blurred-foreground": foreground,
        "block-hover-background": panel,
        "input-cursor-background": foreground,
        "input-cursor-foreground": background,
        "input-cursor-text-style": "none",
    }
    return Theme(
        name=name,
        dark=dark,
        background=background,
        surface=surface,
        panel=panel,
        foreground=foreground,
        primary=primary,
        secondary=secondary,
        accent=primary,
        success=success,
        warning=primary,
        error=error,
        variables=variables,
    )


THEMES: Final = {
    "dark": _theme(
        "kiosk-dark",
        dark=True,
        surfaces=("#0b1826", "#15293c", "#1e3a54"),
        texts=("#f6f9fc", "#ffd166", "#b4dcf2", "#8ee6b0", "#ffc2b5"),
    ),
    "light": _theme(
        "kiosk-light",
        dark=False,
        surfaces=("#ffffff", "#ebf0f5", "#d8e2ec"),
        texts=("#0d1722", "#0b3a73", "#2b4257", "#0b4a2c", "#8a1010"),
    ),
}
"""By the names that stand in station.json."""
