"""The server's folder: its files by name, and no way out of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from analytics.errors import AnalysisError

MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of the allowed folder: its name and its size in bytes."""

    name: str
    n_bytes: int


def list_files(folder: str) -> tuple[FolderFile, ...]:
    """The files that may be chosen, by name; raises ``AnalysisError("folder_unreadable")``.

    Hidden files, folders within and links that lead out of the folder are left out.
    """
    try:
        root = Path(folder).resolve(strict=True)
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        raise AnalysisError("folder_unreadable") from None
    found: list[FolderFile] = []
    for entry in entries:
        if len(found) == MOST_FILES:
            break
        try:
            path = locate(folder, entry.name)
        except AnalysisError:
            continue
        found.append(FolderFile(entry.name, path.stat().st_size))
    return tuple(found)


def locate(folder: str, name: str) -> Path:
    """The file ``name`` of the folder.

    A name is no path: separators, "..", absolute paths, hidden files and links that lead out of the folder are
    refused alike with ``AnalysisError("not_in_folder")``, which names no path.
    """
    if not name or name.startswith(".") or any(mark in name for mark in ("/", "\\", "\0")) or Path(name).is_absolute():
        raise AnalysisError("not_in_folder")
    try:
        root = Path(folder).resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise AnalysisError("not_in_folder") from None
    if path.parent != root or not path.is_file():
        raise AnalysisError("not_in_folder")
    return path


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, equal to that of the same bytes uploaded; read piece by piece."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
