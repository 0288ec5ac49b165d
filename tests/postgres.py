"""A PostgreSQL server on loopback for the tests that ask for one, left out where there is none."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

Fresh = Callable[[], str]


def binaries() -> Path | None:
    """The folder of `initdb`, wherever the system keeps it."""
    found = shutil.which("initdb")
    kept = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return Path(found or kept[-1]).parent if found or kept else None


def server() -> Iterator[Fresh]:
    """Yield a function that makes a new database and tells its URL; the server is stopped at the end."""
    bin_folder = binaries()
    if bin_folder is None:
        pytest.skip("no PostgreSQL here (Debian: apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="perpbook-postgres-") as name:
        yield from _served(bin_folder, Path(name))


def _served(bin_folder: Path, folder: Path) -> Iterator[Fresh]:
    as_user = _unprivileged(folder)

    def run(*words: object) -> None:
        subprocess.run([*as_user, *map(str, words)], check=True, capture_output=True, cwd=folder)

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    data = folder / "data"
    run(bin_folder / "initdb", "-D", data, "-U", "guard", "--auth=trust", "--no-sync")
    asked = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(bin_folder / "pg_ctl", "-D", data, "-o", asked, "-l", folder / "log", "-w", "start")
    names = (f"j{number}" for number in range(10_000))

    def fresh() -> str:
        name = next(names)
        with psycopg.connect(f"postgresql://guard@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://guard@127.0.0.1:{port}/{name}"

    try:
        yield fresh
    finally:
        run(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: as the user it was installed with, then."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
