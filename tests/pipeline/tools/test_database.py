"""The pool against a real PostgreSQL: cancelling, time-outs, lost connections, starting twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from pipeline.config import DatabaseSettings
from pipeline.errors import SettingsError, ToolFailed
from pipeline.tools.database import Database, open_database

ONE = DatabaseSettings(pool_size=1, statement_timeout_s=1.0)


def on(
    url: str, steps: Callable[[Database], Awaitable[None]], settings: DatabaseSettings = ONE
) -> None:
    async def main() -> None:
        async with open_database(url, settings) as database:
            await steps(database)

    asyncio.run(main())


async def cancel_when_running(database_url: str, task: asyncio.Task[object]) -> None:
    """Cancel ``task`` once the server shows its statement at work."""
    watch = await asyncpg.connect(database_url)
    try:
        while not await watch.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE query LIKE '%pg_sleep(%' AND state = 'active' AND pid <> pg_backend_pid()"
        ):
            assert not task.done(), "it ended before it was seen at work"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        await watch.close()


@pytest.mark.real
def test_a_cancelled_query_leaves_the_connection_usable(database_url: str) -> None:
    async def steps(database: Database) -> None:
        for _ in range(3):
            query = asyncio.create_task(database.fetch("SELECT pg_sleep(0.9)"))
            await cancel_when_running(database_url, query)
            row = await database.fetchrow("SELECT 1 AS one")
            assert row is not None
            assert row["one"] == 1
        assert database.statistics().idle == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_cancelled_transaction_leaves_no_trace(database_url: str) -> None:
    async def write_slowly(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO companies (name) VALUES ('Half Done')")
            await connection.execute("SELECT pg_sleep(0.9)")

    async def steps(database: Database) -> None:
        await cancel_when_running(database_url, asyncio.create_task(write_slowly(database)))
        assert await database.fetch("SELECT * FROM companies") == []
        assert database.statistics().idle == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_cancelled_wait_for_a_connection_takes_none(database_url: str) -> None:
    async def steps(database: Database) -> None:
        async with database.transaction():
            waiting = asyncio.create_task(database.fetch("SELECT 1"))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert len(await database.fetch("SELECT 1")) == 1
        assert database.statistics().idle == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_slow_statement_is_ended_by_the_server_and_told_as_the_databases_failure(
    database_url: str,
) -> None:
    async def steps(database: Database) -> None:
        with pytest.raises(ToolFailed, match="records") as failed:
            await database.fetch("SELECT pg_sleep(5)")
        assert isinstance(failed.value.__cause__, asyncpg.QueryCanceledError)
        assert len(await database.fetch("SELECT 1")) == 1

    on(database_url, steps, DatabaseSettings(pool_size=1, statement_timeout_s=0.05))


@pytest.mark.real
def test_nobody_waits_for_a_connection_longer_than_a_statement_may_take(database_url: str) -> None:
    async def steps(database: Database) -> None:
        async with database.transaction():
            with pytest.raises(ToolFailed):
                await database.fetch("SELECT 1")
        assert len(await database.fetch("SELECT 1")) == 1

    on(database_url, steps, DatabaseSettings(pool_size=1, statement_timeout_s=0.05))


@pytest.mark.real
def test_a_lost_connection_costs_one_statement_and_is_replaced(database_url: str) -> None:
    async def steps(database: Database) -> None:
        with pytest.raises(ToolFailed):
            await database.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        assert len(await database.fetch("SELECT 1")) == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_mistake_in_a_statement_is_not_taken_for_the_databases_failure(database_url: str) -> None:
    async def steps(database: Database) -> None:
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await database.fetch("SELEC 1")
        with pytest.raises(asyncpg.DataError):
            await database.fetch("SELECT $1::int", "one")

    on(database_url, steps)


@pytest.mark.real
def test_any_number_of_servers_may_start_at_once_on_an_empty_database(database_url: str) -> None:
    async def start() -> None:
        async with open_database(database_url, ONE) as database:
            await database.fetch("SELECT * FROM contacts")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(start())

    asyncio.run(main())


@pytest.mark.real
def test_starting_again_keeps_what_was_written(database_url: str) -> None:
    async def write(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO companies (name) VALUES ('Acme')")

    async def read(database: Database) -> None:
        assert len(await database.fetch("SELECT * FROM companies")) == 1
        assert len(await database.fetch("SELECT * FROM schema_applied")) == 1

    on(database_url, write)
    on(database_url, read)


@pytest.mark.real
def test_every_table_says_what_it_is_for(database_url: str) -> None:
    async def steps(database: Database) -> None:
        uncommented = await database.fetch(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_name <> 'schema_applied' "
            "AND obj_description(table_name::regclass) IS NULL"
        )
        assert uncommented == []

    on(database_url, steps)


@pytest.mark.real
def test_each_connection_carries_its_limits(database_url: str) -> None:
    async def steps(database: Database) -> None:
        row = await database.fetchrow(
            "SELECT current_setting('statement_timeout') AS timeout, "
            "current_setting('application_name') AS name, current_setting('timezone') AS zone"
        )
        assert row is not None
        assert dict(row) == {"timeout": "1s", "name": "parley", "zone": "UTC"}
        assert database.statistics().size == 1

    on(database_url, steps)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://bob:hunter2@127.0.0.1:9/sales", "127.0.0.1:9/sales"),
        ("postgresql://bob:hunter2@/sales?host=/nowhere", "/nowhere/sales"),
        ("postgresql://bob:12/hunter2@127.0.0.1/sales", "the address"),
        ("postgresql://bob:hunter2@127.0.0.1:port/sales", "cannot be understood"),
        ("mysql://bob:hunter2@127.0.0.1/sales", "cannot be understood"),
        ("hunter2", "cannot be understood"),
    ],
)
def test_an_address_that_does_not_work_is_named_without_its_password(url: str, named: str) -> None:
    async def main() -> None:
        async with open_database(url, ONE):
            raise AssertionError("opened")

    with pytest.raises(SettingsError) as failed:
        asyncio.run(main())
    assert failed.value.field == "database.url"
    assert named in str(failed.value)
    assert "hunter2" not in str(failed.value)


@pytest.mark.real
def test_a_database_that_does_not_exist_is_named(database_url: str) -> None:
    async def main() -> None:
        async with open_database(database_url.replace("test_", "absent_"), ONE):
            raise AssertionError("opened")

    with pytest.raises(SettingsError, match="absent_"):
        asyncio.run(main())
