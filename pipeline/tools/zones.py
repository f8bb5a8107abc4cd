"""Which zone a contact lives in, as far as a clock reading with its offset can tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

# Where phone agents are used most, so that a change of clocks is most likely the right one; then
# the zones that are not whole hours from UTC.
_LIKELY = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Australia/Sydney",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Adelaide",
)


def zone_at(now: datetime, preferred: str) -> str:
    """An IANA zone whose clocks show ``now`` with the offset that it has: ``preferred`` if that is
    one, else a likely one, else one without changes of clocks.

    Raises:
        ValueError: ``now`` has no offset, or one that no zone has.
    """
    offset = now.utcoffset()
    if offset is None:
        raise ValueError("now has no offset from UTC")
    for zone in (preferred, *_LIKELY):
        if now.astimezone(ZoneInfo(zone)).utcoffset() == offset:
            return zone
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest or not -12 <= hours <= 14:
        raise ValueError(f"no zone that we know is {offset} from UTC")
    return f"Etc/GMT{-hours:+d}"  # POSIX counts westwards
