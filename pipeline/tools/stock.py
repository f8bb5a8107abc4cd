"""The tools of the stock sales agent."""

from __future__ import annotations

from pipeline.tools.callbacks import callback_tool
from pipeline.tools.crm import Crm
from pipeline.tools.database import Database
from pipeline.tools.lookup import lookup_tool
from pipeline.tools.tool import Tool


def stock_tools(database: Database, crm: Crm) -> tuple[Tool, ...]:
    """All of them, on one database. A caller's words are held against their cues in this order."""
    return (callback_tool(database), lookup_tool(crm))
