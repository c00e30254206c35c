"""The database of galleries: SQLite with sqlite-vec, or PostgreSQL with pgvector."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlite_vec
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from gateway.deadline import Clock
from gateway.galleries.errors import GalleriesDownError
from gateway.galleries.tables import POSTGRESQL
from store.disk import locked

SQLITE = "sqlite"

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_S = 5.0  # another worker, or another gateway, may be writing for so long
_CONNECT_S = 2.0
_AGAIN_S = 1.0  # after a failure nobody tries for so long: who waits for a database that is away keeps others from work
_MIGRATION_LOCK = 0x6B6D6161  # one number of PostgreSQL's advisory locks
_WRITES = "kmaas_writes"

_alembic = threading.Lock()  # what it works on is kept in its modules

_log = logging.getLogger(__name__)


class Database:
    """Opened, made and brought up to date when it is first asked, so that a gateway without galleries needs none, and
    one whose database is away does all else. Safe to share between threads.
    """

    def __init__(self, url: str, connections: int, clock: Clock = time.monotonic) -> None:
        """`url`: as the setting `database` has it. `connections`: at once, further callers wait for one."""
        self._url = make_url(url)
        if self._url.get_backend_name() == POSTGRESQL:
            self._url = self._url.set(drivername=f"{POSTGRESQL}+psycopg")
        self._connections = connections
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._clock = clock
        self._away_until = 0.0

    @property
    def dialect(self) -> str:
        return self._url.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Within it the database stays as it is. Raises `GalleriesDownError`, also for what fails in the block."""
        with self._connected(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """What is written in the block is there afterwards, all of it, or nothing after an error. In SQLite one block
        runs at a time. Raises as `reading`."""
        with self._connected(writes=True) as connection:
            yield connection
            connection.commit()

    def erase_traces(self) -> bool:
        """Takes what was deleted out of SQLite's log, too; its pages were overwritten already. False where a reader
        held it, or where a database has its own way to forget.
        """
        if self.dialect != SQLITE:
            return False
        with self._told(), self._opened().connect() as connection:
            checkpoint = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(checkpoint[0] == 0)

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Connection]:
        with self._told(), self._opened().connect() as connection:
            yield connection.execution_options(**{_WRITES: writes})

    def _opened(self) -> Engine:
        """Raises `GalleriesDownError` while another caller tries in vain, or has just tried."""
        if not self._lock.acquire(timeout=_AGAIN_S):
            raise GalleriesDownError
        try:
            if self._clock() < self._away_until:
                raise GalleriesDownError
            if self._engine is None:
                engine = _engine(self._url, self._connections)
                try:
                    with self._first():
                        _migrate(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine
        finally:
            self._lock.release()

    def _first(self) -> AbstractContextManager[None]:
        """SQLite does not wait for its lock where a connection makes the log: of several workers one does it first."""
        return locked(Path(str(self._url.database)).parent) if self.dialect == SQLITE else nullcontext()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the database as ours. What they say may name tables and addresses: it is for the log."""
        try:
            yield
        except (SQLAlchemyError, OSError) as exc:
            if not isinstance(exc, DBAPIError) or isinstance(exc, OperationalError):
                self._away_until = self._clock() + _AGAIN_S
            cause = exc.orig if isinstance(exc, DBAPIError) else exc  # without the statement and its values
            _log.warning("the galleries' database %s: %s", self._url.render_as_string(), cause)
            raise GalleriesDownError from exc


def _engine(url: URL, connections: int) -> Engine:
    if url.get_backend_name() == POSTGRESQL:
        arguments = {"connect_timeout": int(_CONNECT_S), "options": f"-c statement_timeout={int(_BUSY_S * 1000)}"}
        return create_engine(
            url, pool_size=connections, max_overflow=0, pool_timeout=_BUSY_S, pool_pre_ping=True, connect_args=arguments
        )
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        module=_sqlite(),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_BUSY_S,
        connect_args={"timeout": _BUSY_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _sqlite() -> Any:
    """With extensions: Python's own is often built without, and there is not a wheel for every machine."""
    try:
        import pysqlite3
    except ImportError:
        import sqlite3

        return sqlite3
    return pysqlite3


def _prepare(connection: Any, _record: object) -> None:
    """Raises `OSError` where no extension can be had."""
    if not hasattr(connection, "enable_load_extension"):
        raise OSError("the SQLite of this Python takes no extensions; take another Python, or PostgreSQL")
    connection.isolation_level = None  # transactions are begun by `_begin`
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    connection.enable_load_extension(False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: one that began by reading could not wait for it."""
    immediate = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _migrate(engine: Engine) -> None:
    """Makes the tables, or brings them up to date; of several workers one does, while the others wait.

    Raises:
        OSError: a later kmaas has made it.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(**{_WRITES: True}) as connection:
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            with _alembic:
                command.upgrade(config, "head")
        except CommandError as exc:
            raise OSError(f"its tables are of another kmaas: {exc}") from exc
        connection.commit()
