"""PostgreSQL through asyncpg: a pool sized for calls, statements prepared once, errors told apart.

No ORM: a statement is written where it is used. Every connection is opened at start and kept, so
that no caller waits for a handshake, and each has a statement timeout, so that none waits for a
stuck query either. asyncpg prepares a statement at its first use on a connection and keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg
import orjson

from pipeline.config import DatabaseSettings
from pipeline.errors import SettingsError, ToolFailed

# In quotes, because the classes are generic in their stubs alone.
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

_SCHEMA = Path(__file__).with_name("schema.sql")
_SCHEMA_LOCK = 0x7061726C  # any number, the same in every server that shares a database
_SCHEMA_TIMEOUT_S = 60
_CONNECT_TIMEOUT_S = 10

# What is the database's fault or the network's, not a mistake in our statement.
_UNAVAILABLE = (
    OSError,  # TimeoutError is one
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # a statement over its timeout; the server shutting down
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """A pool at one moment."""

    size: int
    """Connections open."""

    idle: int
    """Of them, those that nobody uses."""


class Database:
    """Statements on a pool of connections. Made by :func:`open_database`."""

    def __init__(self, pool: Pool, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """All rows. If cancelled, the statement is cancelled and its connection stays usable.

        Raises:
            ToolFailed: the database cannot be reached, or did not answer in time.
        """
        async with self._connection() as connection:
            return await connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """The first row, or None. If cancelled, as :meth:`fetch`.

        Raises:
            ToolFailed: as :meth:`fetch`.
        """
        async with self._connection() as connection:
            return await connection.fetchrow(sql, *values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction, committed when the block ends and rolled back when
        it raises. If cancelled, it is rolled back, unless the commit was already under way: then
        it happened or not, and an idempotency key makes trying again safe.

        Raises:
            ToolFailed: as :meth:`fetch`.
        """
        async with self._connection() as connection, connection.transaction():
            yield connection

    def statistics(self) -> PoolStatistics:
        """How busy the pool is."""
        return PoolStatistics(self._pool.get_size(), self._pool.get_idle_size())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with _told():
            async with self._pool.acquire(timeout=self._acquire_timeout_s) as connection:
                yield connection


@asynccontextmanager
async def open_database(url: str, settings: DatabaseSettings) -> AsyncIterator[Database]:
    """Apply the schema if it is new, then open the pool; both are closed with the block.

    Any number of servers may start at once on one database. If cancelled, nothing stays open.

    Raises:
        SettingsError: the database cannot be reached, or refuses us. It names host and database,
            never the password.
    """
    with _refused(url):
        await _apply_schema(url)
        pool = await asyncpg.create_pool(
            url,
            min_size=settings.pool_size,
            max_size=settings.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=_CONNECT_TIMEOUT_S,
            # The server's timeout ends a slow statement; this one a server that fell silent.
            command_timeout=settings.statement_timeout_s + 1,
            init=_set_codecs,
            server_settings={
                "application_name": "parley",
                "timezone": "UTC",
                "statement_timeout": str(round(settings.statement_timeout_s * 1000)),
                "idle_in_transaction_session_timeout": "10000",
                "jit": "off",  # compiling costs more than any statement of ours runs
            },
        )
    try:
        yield Database(pool, settings.statement_timeout_s)
    finally:
        await pool.close()


async def _apply_schema(url: str) -> None:
    schema = _SCHEMA.read_text(encoding="utf-8")
    digest = hashlib.sha256(schema.encode()).hexdigest()
    connection = await asyncpg.connect(
        url, timeout=_CONNECT_TIMEOUT_S, command_timeout=_SCHEMA_TIMEOUT_S
    )
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_applied ("
                "digest text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
            # Asked first, because even IF NOT EXISTS takes locks that live calls would wait for.
            if await connection.fetchval("SELECT 1 FROM schema_applied WHERE digest = $1", digest):
                return
            await connection.execute(schema)
            await connection.execute("INSERT INTO schema_applied (digest) VALUES ($1)", digest)
    finally:
        await connection.close()


async def _set_codecs(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


@contextmanager
def _told() -> Iterator[None]:
    """The database's failures as the one error that tools and calls know."""
    try:
        yield
    except asyncpg.DataError:
        raise
    except _UNAVAILABLE as error:
        raise ToolFailed("database", "our records cannot be reached right now") from error


@contextmanager
def _refused(url: str) -> Iterator[None]:
    """What goes wrong at start, as an error about the setting."""
    try:
        yield
    except (asyncpg.InterfaceError, ValueError):
        # A malformed address. Nothing of the driver's words: they may quote it, password and all.
        raise SettingsError("database.url", "cannot be understood", _FORM) from None
    except (*_UNAVAILABLE, asyncpg.PostgresError) as error:
        problem = f"{_place(url)} cannot be used: {str(error) or type(error).__name__}"
        raise SettingsError("database.url", problem, _REMEDY) from error


_FORM = "Write it as postgresql://user:password@host:5432/name"
_REMEDY = "Check that PostgreSQL runs there and lets this user in, or leave url out to use our own"


def _place(url: str) -> str:
    """Host and database of an address, for people; nothing secret."""
    parts = urlsplit(url)
    if "@" in parts.path:  # an unescaped slash in the password: nothing of it may be shown
        return "the address"
    host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["localhost"])[0]
    return f"{host}/{parts.path.lstrip('/') or 'postgres'}"
