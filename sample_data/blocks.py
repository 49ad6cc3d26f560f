"""Tables that come block by block, written without ever holding a whole world."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

Frames = dict[str, pl.DataFrame]


def write_blocks(
    blocks: Iterable[tuple[Frames, Frames]], places: tuple[tuple[Path, tuple[str, ...]], ...]
) -> list[Path]:
    """Write what each block yields, table by table, in the blocks' order.

    ``places``: for each of the two kinds of tables that a block holds (served, truth), its folder and the names of the
    tables there. The parts lie beside the first folder until they are joined.
    """
    for folder, _ in places:
        folder.mkdir(parents=True, exist_ok=True)
    parts = Path(tempfile.mkdtemp(prefix="parts-", dir=places[0][0].parent))
    written: list[Path] = []
    try:
        n_blocks = 0
        for block in blocks:
            for kind, frames in enumerate(block):
                for name, frame in frames.items():
                    frame.write_parquet(parts / f"{kind}-{name}-{n_blocks:04d}.parquet", compression="zstd")
            n_blocks += 1
        for kind, (folder, names) in enumerate(places):
            for name in names:
                written.append(folder / f"{name}.parquet")
                _join([parts / f"{kind}-{name}-{k:04d}.parquet" for k in range(n_blocks)], written[-1])
    finally:
        shutil.rmtree(parts)
    return written


def write_tables(frames: Mapping[str, pl.DataFrame], folder: Path) -> list[Path]:
    """Write tables that are there as a whole."""
    paths = [folder / f"{name}.parquet" for name in frames]
    for frame, path in zip(frames.values(), paths, strict=True):
        _write_small(frame, path)
    return paths


def write_parameters(parameters: Mapping[str, Any], path: Path) -> Path:
    """Write planted parameters as readable JSON."""
    path.write_text(json.dumps(parameters, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _join(files: list[Path], path: Path) -> None:
    """Join the blocks' files into one, streaming; a single block is written with the best compression."""
    if len(files) == 1:
        _write_small(pl.read_parquet(files[0]), path)
    else:
        pl.scan_parquet(files).sink_parquet(path, compression="zstd", maintain_order=True)


def _write_small(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=19)
