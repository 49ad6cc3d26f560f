"""Command line: python -m sample_data --world marketplace|streaming --customers 1000000 --seed 7 --out DIR"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sample_data import dirty, marketplace, streaming

MOST_CUSTOMERS = 5_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a world and say where; return 0, or 2 with a message when the wish cannot be met."""
    parser = argparse.ArgumentParser(
        prog="python -m sample_data",
        description="Make a world of customer data with planted truth. Same seed and size: same rows.",
    )
    parser.add_argument("--world", choices=["marketplace", "streaming"], default="marketplace")
    parser.add_argument("--variant", choices=["clean", "dirty"], default="clean")
    parser.add_argument("--customers", type=int, default=None, help="default 4000; dirty 700; streaming 2000")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another truth (default 7)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder to write into (default: out)")
    wish = parser.parse_args(arguments)
    if wish.world == "streaming" and wish.variant == "dirty":
        parser.error("there is no dirty variant of the streaming world")
    is_streaming = wish.world == "streaming"
    usual = 2000 if is_streaming else {"clean": 4000, "dirty": 700}[wish.variant]
    customers = wish.customers if wish.customers is not None else usual
    most = dirty.MOST_CUSTOMERS if wish.variant == "dirty" else MOST_CUSTOMERS
    if not marketplace.MIN_CUSTOMERS <= customers <= most:
        parser.error(f"--customers must lie between {marketplace.MIN_CUSTOMERS} and {most} ({wish.variant})")
    if wish.seed < 0:
        parser.error("--seed must not be negative")
    if wish.out.exists() and not wish.out.is_dir():
        parser.error(f"--out {wish.out} is a file, not a folder")
    begin = time.perf_counter()
    wish.out.mkdir(parents=True, exist_ok=True)
    write = streaming.write if is_streaming else marketplace.write
    if wish.variant == "dirty":
        write = dirty.write_dirty
    written = write(customers, wish.seed, wish.out)
    for path in written:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{customers:,} customers, seed {wish.seed}, {time.perf_counter() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
