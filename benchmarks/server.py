"""A fresh server of the app on this machine, for benchmarks and for tests with a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent


@contextmanager
def served(script: str = "app.py", **environment: str) -> Iterator[tuple[str, psutil.Process]]:
    """A fresh server of ``script`` on a free port of this machine, and its process; ended by its process id.

    Its saved work goes to a store of its own that is gone with it, unless the ``environment`` names REGULARS_STORE.
    """
    if "REGULARS_STORE" in environment:
        with _running(script, environment) as running:
            yield running
        return
    with (
        tempfile.TemporaryDirectory(prefix="regulars-served-store-", ignore_cleanup_errors=True) as folder,
        _running(script, {**environment, "REGULARS_STORE": folder}) as running,
    ):
        yield running


@contextmanager
def _running(script: str, environment: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true", "--server.address=127.0.0.1"]
    command += [f"--server.port={port}", "--server.fileWatcherType=none"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen(command, cwd=ROOT, stdout=sys.stderr, stderr=sys.stderr, env=variables)  # nosec B603 # a fixed command, no shell
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 180  # a machine with other work to do
        while True:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # nosec B310 # this machine's own address
                    break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
