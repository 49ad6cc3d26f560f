"""A real PostgreSQL server of one's own for tests: started on a free port, stopped and removed at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "s3cret-pa55word"


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _unprivileged() -> str | None:
    """Whom PostgreSQL may run as: not root, which it refuses."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; its superuser is ``owner`` with ``PASSWORD``."""

    programs: Path
    home: Path
    port: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://owner:{PASSWORD}@{self.address}/{database}"

    def psql(self, script: str, database: str = "postgres") -> None:
        """Run SQL as the superuser; fails on its first error."""
        path = self.home / "script.sql"
        path.write_text(script)
        place = ("-h", "127.0.0.1", "-p", self.port, "-U", "owner", "-d", database, "-f", str(path))
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *place, PGPASSWORD=PASSWORD)

    def control(self, *command: str) -> None:
        """``pg_ctl`` on this server: start, stop, restart."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self.home} -c fsync=off -c max_connections=200"
        place = ("-D", str(self.home / "data"), "-l", str(self.home / "log"), "-w", "-o", options)
        self.run("pg_ctl", *place, *command)

    def run(self, program: str, *arguments: str, **variables: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=_unprivileged(),
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The test skips where PostgreSQL is absent, and fails where REGULARS_REQUIRE_POSTGRES is set."""
    programs = _programs()
    if programs is None:
        if os.environ.get("REGULARS_REQUIRE_POSTGRES"):
            pytest.fail("REGULARS_REQUIRE_POSTGRES is set and PostgreSQL's programs are not installed")
        pytest.skip("PostgreSQL's programs are not installed")
    home = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    if user := _unprivileged():
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = PostgresServer(programs, home, port)
    secret = home / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    settings = ("--auth=scram-sha-256", "--username=owner", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync")
    try:
        server.run("initdb", "-D", str(home / "data"), *settings)
        server.control("start")
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
