"""What a SQLite store accepts, keeps and forgets, and where it refuses to."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from test_sqlite_store import KEY, record, written

from conftest import BODY, Backend, Clock
from liveperson_engagement import InvalidRequest, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds
from liveperson_engagement.stores.sqlite import network_file_system

KEYS = ["", " ", "a", "a:b", "\ud800", "\udfff a", "\ud83d\ude00", "\U0001f600", "a\x00b", "a\x00", "\x00", "ключ", "%"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database."""
    return tmp_path / "visits.db"


@pytest.fixture
def clocks() -> tuple[Clock, Clock]:
    """Have the time of day, and the other one."""
    return Clock(), Clock()


@pytest.fixture
def expiring(path: Path, clocks: tuple[Clock, Clock]) -> Callable[[], SQLiteStore]:
    """Make a store that forgets after a minute."""
    return lambda: SQLiteStore(path, time_to_live=60, clock=clocks[0], monotonic=clocks[1])


class Named:
    """Says its path, as `Path` does, but whatever it is."""

    def __init__(self, path: Any) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        """Return it."""
        return self._path


@pytest.mark.parametrize(
    "path", [":memory:", "", None, 5, 1.5, True, b"visits.db", "a\0b", [], Named(b"visits.db"), Named(""), object()]
)
def test_what_is_no_path_is_refused_at_once(path: Any) -> None:
    """A store that remembers nothing, or elsewhere, would be noticed late."""
    with pytest.raises(InvalidRequest) as raised:
        SQLiteStore(path)
    assert raised.value.path == "path"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "60", True])
def test_what_is_no_time_to_live_is_refused(path: Path, seconds: Any) -> None:
    """Before the file is made."""
    with pytest.raises(InvalidRequest, match="time_to_live"):
        SQLiteStore(path, time_to_live=seconds)
    assert not path.exists()


def test_a_path_may_be_anything_that_names_a_file(tmp_path: Path) -> None:
    """Text, `Path`, others like it, and names that look like something else."""
    with SQLiteStore(tmp_path / "file:a?mode=memory") as store:
        store.compare_and_set(KEY, None, record())
    names: list[Any] = [tmp_path / "file:a?mode=memory", f"{tmp_path}/file:a?mode=memory"]
    for name in (*names, Named(names[1])):
        with SQLiteStore(name) as store:
            assert store.load(KEY)


def test_any_text_is_a_key(path: Path) -> None:
    """Lone surrogates and NUL included; each is a key of its own, is listed as it was, and has its lock."""
    with SQLiteStore(path) as store, SQLiteStore(path) as other:
        for number, key in enumerate(KEYS):
            assert store.acquire(key, "token \ud800", 0, 30)
            assert not other.acquire(key, "another", 0, 30)
            assert store.extend(key, "token \ud800", 30)
            assert store.compare_and_set(key, None, record(f"{number}"))
            store.release(key, "token \ud800")
        for number, key in enumerate(KEYS):
            found = other.load(key)
            assert found
            assert found.record == record(f"{number}")
            assert asyncio.run(other.aload(key)) is not None
        assert sorted(other.keys()) == sorted(KEYS)
        for key in KEYS:
            found = store.load(key)
            assert store.compare_and_set(key, found and found.version, None)
        assert store.keys() == []


def test_all_keys_are_listed(path: Path) -> None:
    """However many there are."""
    with SQLiteStore(path) as store:
        for number in range(2500):
            store.compare_and_set(f"{number}", None, record())
        assert sorted(map(int, store.keys())) == [*range(2500)]
        assert store.forget_older_than(-60) == 2500
        assert store.keys() == []


def test_a_visit_that_is_not_saved_again_is_forgotten(
    backend: Backend, sandbox: Sandbox, expiring: Callable[[], SQLiteStore], clocks: tuple[Clock, Clock]
) -> None:
    """After `time_to_live` the key has another visitor."""
    store = expiring()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.create_session(BODY)
    clocks[0].now += 59
    assert visit.create_session(BODY).visitor_id == first.visitor_id
    clocks[0].now += 59
    assert visit.create_session(BODY).visitor_id == first.visitor_id
    clocks[0].now += 60
    second = visit.create_session(BODY)
    assert second.visitor_id != first.visitor_id
    assert visit.create_session(BODY).visitor_id == second.visitor_id
    store.close()


@pytest.mark.parametrize(
    ("wall", "monotonic", "rebooted", "remembered"),
    [
        (59.9, 59.9, False, True),
        (60, 0, False, False),  # the machine slept
        (0, 60, False, False),  # somebody set the time of day back
        (-1000, 60, False, False),
        (-1000, 59, False, True),
        (0, 1e6, True, True),  # says nothing, in another boot
        (60, -1000, True, False),
    ],
)
def test_either_clock_may_say_that_a_visit_has_expired(
    path: Path,
    expiring: Callable[[], SQLiteStore],
    clocks: tuple[Clock, Clock],
    wall: float,
    monotonic: float,
    rebooted: bool,
    remembered: bool,
) -> None:
    """The monotonic one counts within one boot; what has expired is gone from the file once it was asked for."""
    with expiring() as store:
        assert store.compare_and_set(KEY, None, record())
        if rebooted:
            written(path, "UPDATE visits SET boot = (boot + 1) % 1000")
        clocks[0].now += wall
        clocks[1].now += monotonic
        assert (store.load(KEY) is not None) is remembered
        assert store.keys() == [KEY] * remembered
        assert (store.compare_and_set(KEY, None, record("another")) is None) is remembered


@pytest.mark.parametrize("way", ["sync", "async"])
def test_saving_removes_what_has_expired(
    path: Path, expiring: Callable[[], SQLiteStore], clocks: tuple[Clock, Clock], way: str
) -> None:
    """A few of the oldest each time, so that it takes no time; what has not expired stays."""

    def save(key: str) -> None:
        if way == "sync":
            assert store.compare_and_set(key, None, record())
        else:
            assert asyncio.run(store.acompare_and_set(key, None, record()))

    with expiring() as store:
        for number in range(35):
            save(f"{number}")
            clocks[0].now += 1
        clocks[0].now += 54
        for left in (26, 17, 8, 9, 10):
            save(f"later {left}")
            assert len(store.keys()) == left
        assert {f"{number}" for number in range(30, 35)} < {*store.keys()}
    assert written(path, "SELECT name FROM sqlite_master WHERE type = 'index'") == [("visits_by_wall",)]


def test_nothing_of_it_costs_anything_without_time_to_live(path: Path) -> None:
    """There is no index, and nothing is ever removed."""
    clock = Clock()
    with SQLiteStore(path, clock=clock, monotonic=clock) as store:
        store.compare_and_set(KEY, None, record())
        clock.now += 1e9
        store.compare_and_set("another", None, record())
        assert store.load(KEY)
    assert written(path, "SELECT name FROM sqlite_master WHERE type = 'index'") == []


@pytest.mark.parametrize("way", ["forget", "forget_older_than", "time_to_live"])
def test_nothing_is_left_in_the_files_of_what_was_forgotten(path: Path, way: str) -> None:
    """Not even where SQLite leaves what it deletes as it is."""
    clock, secret = Clock(), b"c0ffee"
    with SQLiteStore(path, clock=clock, monotonic=clock, time_to_live=60) as store:
        for number in range(100):
            ids = VisitIds(f"visitor {secret.decode()} {number}", secret.decode(), secret.decode())
            version = store.compare_and_set(f"{number}", None, Record(ids, "x" * 50 * number + secret.decode()))
            assert store.compare_and_set(f"{number}", version, Record(ids, "y" * 50 * number + secret.decode()))
        store.compare_and_set("stays", None, record("stays"))
    assert secret in path.read_bytes()
    with SQLiteStore(path, clock=clock, monotonic=clock, time_to_live=60) as store:
        with closing(sqlite3.connect(path)) as careless:  # it does not matter what others have set
            careless.execute("PRAGMA secure_delete = OFF").fetchone()
        if way == "forget_older_than":
            store.forget_older_than(0)
        clock.now += 60 * (way == "time_to_live")
        for number in range(100 * (way == "forget")):
            found = store.load(f"{number}")
            assert found
            assert store.compare_and_set(f"{number}", found.version, None)
        for number in range(20 * (way == "time_to_live")):
            assert store.compare_and_set(f"later {number}", None, record())
    for file in path.parent.iterdir():
        assert secret not in file.read_bytes()


MOUNTS = """\
22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 27 0:42 / /mnt/share rw,relatime shared:15 - nfs4 server:/export rw,vers=4.2,addr=10.0.0.1
32 27 0:43 / /mnt/with\\040space rw,relatime - cifs //server/share rw
33 27 0:44 / /home/me/far rw,nosuid - fuse.sshfs me@server:/ rw,user_id=0
34 27 0:45 / /run/user rw - tmpfs tmpfs rw
35 27 0:46 / /mnt/old rw,relatime shared:16 master:2 - nfs server:/old rw
36 27 0:47 / /mnt/local rw - fuse.ntfs-3g /dev/sdb1 rw
37 27 0:48 / /mnt/c rw - 9p drvfs rw
38 27 8:17 / /data rw - xfs /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("0:42", "nfs4"),
        ("0:43", "cifs"),
        ("0:44", "fuse.sshfs"),
        ("0:46", "nfs"),
        ("8:1", None),
        ("0:45", None),
        ("0:47", None),
        ("0:48", None),
        ("8:17", None),
        ("0:4", None),
        ("42", None),
    ],
)
def test_a_network_file_system_is_known_by_its_mount(device: str, kind: str | None) -> None:
    """The device of the file says which line counts; what is not there is no network's."""
    assert network_file_system(MOUNTS, device) == kind
    assert network_file_system(f"\n-\nrubbish\n - \n{MOUNTS}", device) == kind
    assert network_file_system("", device) is None


@pytest.mark.skipif(not hasattr(os, "major"), reason="needs device numbers")
@pytest.mark.parametrize("exists", [False, True])
def test_a_network_file_system_is_refused(
    backend: Backend, sandbox: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    """Before a file is made or anything is sent, with a word on what to do."""
    if exists:
        path.touch()
    device = os.stat(path.parent).st_dev
    mounts = path.parent / "mountinfo"
    mounts.write_text(f"1 0 {os.major(device)}:{os.minor(device)} / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr("liveperson_engagement.stores.sqlite.MOUNTS", mounts)
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match=r"^session store: the file is on a network file system \(nfs4\).*RedisStore"):
        backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY)
    assert sandbox.requests == ()
    assert path.exists() is exists
    mounts.unlink()
    assert store.compare_and_set(KEY, None, record())
    store.close()
