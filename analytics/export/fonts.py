"""A font of this machine that can write Chinese: pictures of text are drawn with it, and not drawn without one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analytics.i18n import Language

OWN_FONT = "REGULARS_FONT"  # the path of a font file to use instead
# File names by language, the best first; fonts of the other script stand in, their glyph forms differ a little.
_TRADITIONAL = ("notosanscjktc", "notosanstc", "sourcehansanstc", "notosanscjk", "pingfang", "msjh", "mingliu")
_SIMPLIFIED = ("notosanscjksc", "notosanssc", "sourcehansanssc", "notosanscjk", "pingfang", "msyh", "wqy-microhei",
               "wqy-zenhei", "simhei", "stheiti")  # fmt: skip
_LATIN = ("sourcesans3-regular", "sourcesanspro-regular", "notosans-regular", "segoeui", "liberationsans-regular",
          "helvetica", "arial", "dejavusans")  # fmt: skip
_REGION = {"en": " SC", "zh_CN": " SC", "zh_TW": " TC"}


HAN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_RUNS = re.compile(rf"{HAN.pattern}+|[^{HAN.pattern[1:]}+")


@dataclass(frozen=True, slots=True)
class Face:
    """One font file's regular and bold face: paths and positions in them, and the family's name."""

    path: str
    index: int
    bold_path: str
    bold_index: int
    family: str

    def at(self, size: int, bold: bool) -> Any:
        from PIL import ImageFont

        path, index = (self.bold_path, self.bold_index) if bold else (self.path, self.index)
        return ImageFont.truetype(path, size, index=index)


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes text of one size: Han characters with one font, the rest with another."""

    han: Any
    latin: Any
    size: int

    @property
    def step(self) -> int:
        """From one line to the next, in pixels."""
        return round(self.size * 1.42)

    def getlength(self, text: str) -> float:
        return sum(float(font.getlength(run)) for run, font in self._runs(text))

    def write(self, draw: Any, place: tuple[float, float], text: str, color: str) -> None:
        """Write one line whose box begins at ``place``."""
        x, y = place
        for run, font in self._runs(text):
            draw.text((x, y + 1.06 * self.size), run, font=font, fill=color, anchor="ls")
            x += font.getlength(run)

    def _runs(self, text: str) -> list[tuple[str, Any]]:
        if self.han is self.latin:
            return [(text, self.han)]
        return [(run, self.han if HAN.match(run) else self.latin) for run in _RUNS.findall(text)]


@dataclass(frozen=True, slots=True)
class Typeface:
    """With what a language is written; ``chinese``: whether Han characters can be."""

    han: Face
    latin: Face
    chinese: bool

    @property
    def family(self) -> str:
        return self.latin.family

    def at(self, size: int, *, bold: bool = False) -> Pen:
        """A pen of ``size`` pixels."""
        han = self.han.at(size, bold)
        return Pen(han, han if self.latin is self.han else self.latin.at(size, bold), size)


@cache
def typeface(language: Language) -> Typeface | None:
    """The best faces for a language; None where there is no font at all. Quotes may be Chinese in any language."""
    own = os.environ.get(OWN_FONT, "")
    if own and Path(own).is_file():
        face = _face(own, own, language)
        return Typeface(face, face, _writes_chinese(face))
    files = {path.stem.lower(): path for path in _font_files()}
    wanted = _SIMPLIFIED + _TRADITIONAL if language == "zh_CN" else _TRADITIONAL + _SIMPLIFIED
    han, latin = _first(wanted, files, language), _first(_LATIN, files, language)
    if han is None or not _writes_chinese(han):
        return None if latin is None else Typeface(latin, latin, chinese=False)
    # Chinese text takes all its marks from the Chinese font; English quotation marks would be too wide in it.
    return Typeface(han, latin if language == "en" and latin is not None else han, chinese=True)


def _first(starts: tuple[str, ...], files: dict[str, Path], language: Language) -> Face | None:
    for start in starts:
        names = sorted(name for name in files if name.startswith(start) and _is_plain(name))
        if names:
            return _face(str(files[names[0]]), str(_bold(names[0], files) or files[names[0]]), language)
    return None


def _writes_chinese(face: Face) -> bool:
    return all(_has(face, letter) for letter in "常客戶户")


def _is_plain(name: str) -> bool:
    marks = (
        "bold",
        "light",
        "black",
        "thin",
        "medium",
        "demi",
        "oblique",
        "italic",
        "condensed",
        "bd",
        "extra",
        "mono",
    )
    return not any(mark in name for mark in marks)


def _bold(name: str, files: dict[str, Path]) -> Path | None:
    stem = name.removesuffix("-regular").removesuffix("-vf")
    return next((files[each] for each in (f"{stem}-bold", f"{stem}bd", f"{stem}b") if each in files), None)


def _face(path: str, bold: str, language: Language) -> Face:
    index, family = _position(path, language)
    return Face(path, index, bold, _position(bold, language)[0], family)


def _position(path: str, language: Language) -> tuple[int, str]:
    """Which face of a collection is the region's, and its family's name."""
    from PIL import ImageFont

    found: list[str] = []
    for index in range(32 if path.lower().endswith(".ttc") else 1):
        try:
            found.append(ImageFont.truetype(path, 12, index=index).getname()[0] or "")
        except OSError:
            break
    plain = [i for i, family in enumerate(found) if "Mono" not in family]
    best = next((i for i in plain if found[i].endswith(_REGION[language])), plain[0] if plain else 0)
    return best, found[best] if found else ""


def _has(face: Face, letter: str) -> bool:
    """Whether the face draws a letter otherwise than what it draws for one that no font has."""
    font = face.at(24, bold=False)
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffd"))


def _font_files() -> Iterator[Path]:
    home = Path.home()
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
    if sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    elif sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    for folder in folders:
        if folder.is_dir():
            yield from (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in {".ttf", ".otf", ".ttc"})
