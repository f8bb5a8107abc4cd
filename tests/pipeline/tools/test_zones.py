"""A clock reading's offset names a zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.tools.zones import zone_at


@pytest.mark.parametrize(
    ("now", "zone"),
    [
        ("2026-03-02T10:00:00-06:00", "America/Chicago"),
        ("2026-07-02T10:00:00-05:00", "America/Chicago"),
        ("2026-03-02T10:00:00-05:00", "America/New_York"),
        ("2026-03-02T10:00:00+00:00", "Europe/London"),
        ("2026-07-02T10:00:00+01:00", "Europe/London"),
        ("2026-03-02T10:00:00+05:30", "Asia/Kolkata"),
        ("2026-03-02T10:00:00+09:00", "Etc/GMT-9"),
        ("2026-03-02T10:00:00-11:00", "Etc/GMT+11"),
    ],
)
def test_a_zone_shows_the_reading_as_it_was_given(now: str, zone: str) -> None:
    reading = datetime.fromisoformat(now)
    assert zone_at(reading, "America/Chicago") == zone
    assert reading.astimezone(ZoneInfo(zone)).isoformat() == now


def test_an_offset_that_no_zone_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        zone_at(datetime.fromisoformat("2026-03-02T10:00:00+00:17"), "UTC")
    with pytest.raises(ValueError, match="no offset"):
        zone_at(datetime.fromisoformat("2026-03-02T10:00:00"), "UTC")
