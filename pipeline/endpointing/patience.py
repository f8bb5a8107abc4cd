"""How much silence to wait for before a turn is the agent's, sans-I/O.

Silence alone says little: people pause for half a second inside a sentence and leave a fifth of a
second between turns. So the wait follows from how finished the words sound, and from this caller:
whose pause sounded final and was not is given more time than that pause took, until turns go well
again.
"""

from __future__ import annotations

from pipeline.config_timing import TurnSettings

_LONGER = 1.2
"""How much longer than a misjudged pause this caller's next ones may be."""

_FORGIVEN = 0.5
"""What a turn without misjudgement leaves of the time that they are given more."""


class Patience:
    """One caller's pauses."""

    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        # Milliseconds that this caller needs beyond the settings' short wait.
        self._extra_ms = 0.0
        # Whether the present pause was judged to be an end.
        self._judged_final = False
        # Whether any pause of the present turn was judged so, wrongly.
        self._misjudged = False

    def wait_ms(self, finished: float) -> int:
        """Silence to wait for, given the probability (0 to 1) that the caller has finished."""
        settings = self._settings
        self._judged_final = finished >= settings.finished_at
        if self._judged_final:
            return min(settings.end_ms + round(self._extra_ms), settings.unsure_ms)
        if finished > settings.unfinished_at:
            return settings.unsure_ms
        return settings.unfinished_ms

    def went_on(self, pause_ms: float) -> None:
        """The caller went on after the pause that was judged last, which took ``pause_ms``."""
        needed_ms = pause_ms * _LONGER - self._settings.end_ms
        if self._judged_final and needed_ms > 0:
            self._misjudged = True
            self._extra_ms = max(self._extra_ms, needed_ms)
        self._judged_final = False

    def settled(self) -> None:
        """The turn is over, and the caller did not take it back."""
        if not self._misjudged:
            self._extra_ms *= _FORGIVEN
        self._misjudged = self._judged_final = False
