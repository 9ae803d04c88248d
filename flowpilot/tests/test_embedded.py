"""The embedded server: started by the first, joined by others, stopped by the last."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from flowpilot.postgres.embedded import EmbeddedPostgres, socket_dir

JOIN_AND_WAIT = (
    "import sys; from pathlib import Path; from flowpilot.postgres.embedded import EmbeddedPostgres\n"
    "with EmbeddedPostgres(Path(sys.argv[1]), is_throwaway=True) as server:\n"
    "    print(server.connect().execute('SELECT pg_postmaster_start_time()::text').fetchone()[0], flush=True)\n"
    "    sys.stdin.read()\n"
)


class Other:
    """Another process that uses the server until it is told to leave."""

    def __init__(self, root: Path):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", JOIN_AND_WAIT, root], cwd=settings.BASE_DIR, **pipes)

    def started_at(self) -> str:
        """Return when the server it uses was started."""
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "postgres"


@pytest.fixture
def others(root):
    """Start other processes on the same folder; all have left when the test is over."""
    started = []

    def start():
        started.append(Other(root))
        return started[-1]

    yield start
    for other in started:
        other.leave()


def _runs(root: Path) -> bool:
    return (root / "data" / "postmaster.pid").exists()


def test_the_second_joins_the_server_of_the_first_and_the_last_stops_it(root, others):
    first, second = others(), others()  # at the same time, on an empty folder
    assert first.started_at() == second.started_at() != ""

    first.leave()
    assert _runs(root)

    second.leave()
    assert not _runs(root)


def test_the_socket_of_a_long_path_lies_in_the_temporary_folder(tmp_path):
    long = tmp_path / ("deep/" * 30)

    assert len(str(socket_dir(long) / ".s.PGSQL.5432")) < 107
    assert long not in socket_dir(long).parents


def test_two_long_paths_have_two_sockets(tmp_path):
    assert socket_dir(tmp_path / ("a" * 120)) != socket_dir(tmp_path / ("b" * 120))


def test_the_socket_of_a_short_path_lies_inside():
    assert socket_dir(Path("/srv/flowpilot")) == Path("/srv/flowpilot/socket")


def test_a_server_under_a_long_path_runs(tmp_path):
    root = tmp_path / ("deep/" * 30)

    with EmbeddedPostgres(root, is_throwaway=True) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    shutil.rmtree(socket_dir(root))


def test_the_server_listens_on_its_socket_only(root):
    with EmbeddedPostgres(root, is_throwaway=True) as server, server.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert server.socket.stat().st_mode & 0o077 == 0
