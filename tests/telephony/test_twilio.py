"""Media Streams without a socket: literals as Twilio documents them, every oddity, and rubbish."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import AudioFrame
from pipeline.errors import LineError
from pipeline.turn import KeyPressed, MarkPlayed
from telephony import twilio
from telephony.g711 import ulaw_decode
from telephony.twilio import Oddity, StreamStarted, StreamStopped, TwilioStream

SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
TONE = bytes(range(160))

CONNECTED = '{"event": "connected", "protocol": "Call", "version": "1.0.0"}'
START = """{"event": "start", "sequenceNumber": "1", "start": {
  "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0",
  "accountSid": "AC123", "callSid": "CA123", "tracks": ["inbound"],
  "customParameters": {"phone": "+15125550100", "token": "one-time"},
  "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}},
  "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0"}"""


def message(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, "streamSid": SID, **fields})


def media(payload: bytes | str = TONE, **numbers: Any) -> str:
    text = payload if isinstance(payload, str) else base64.b64encode(payload).decode()
    return message("media", media={"track": "inbound", "payload": text, **numbers})


def stamped(index: int) -> str:
    """The chunk of this index as Twilio numbers it."""
    return media(chunk=str(index + 1), timestamp=str(20 * index))


def started() -> TwilioStream:
    stream = TwilioStream()
    stream.receive(START)
    return stream


def kinds(events: Any) -> list[str]:
    return [event.kind for event in events if isinstance(event, Oddity)]


def frames(events: Any) -> list[AudioFrame]:
    return [event for event in events if isinstance(event, AudioFrame)]


def wire_name(text: bytes) -> str:
    name: str = json.loads(text)["mark"]["name"]
    return name


def returned(name: str) -> str:
    return message("mark", mark={"name": name})


# -- A call as it should be -------------------------------------------------------------------


def test_a_documented_call_from_start_to_stop() -> None:
    stream = TwilioStream()
    assert list(stream.receive(CONNECTED)) == []
    (start,) = stream.receive(START.encode())
    assert start == StreamStarted(
        SID, "CA123", "AC123", {"phone": "+15125550100", "token": "one-time"}
    )
    frame = frames(stream.receive(stamped(0)))[0]
    assert frame.pcm.tolist() == ulaw_decode(TONE).tolist()
    assert list(stream.receive(message("dtmf", dtmf={"track": "inbound_track", "digit": "#"}))) == [
        KeyPressed("#")
    ]
    assert list(stream.receive(message("stop", stop={"callSid": "CA123"}))) == [StreamStopped()]
    assert not stream.oddities


def test_time_is_counted_in_samples() -> None:
    stream = started()
    at = [frame.at for index in range(100) for frame in frames(stream.receive(stamped(index)))]
    assert at == [pytest.approx(index / 50) for index in range(100)]


def test_simple_clients_may_leave_out_the_numbers() -> None:
    stream = started()
    assert [frames(stream.receive(media()))[0].at for _ in range(3)] == [0.0, 0.02, 0.04]
    assert not stream.oddities


def test_sound_of_any_size_becomes_frames_of_20_ms() -> None:
    stream = started()
    sizes = [1, 159, 100, 500, 40]
    got = [len(frames(stream.receive(media(b"\x10" * size)))) for size in sizes]
    assert got == [0, 1, 0, 3, 1]


# -- What goes out ----------------------------------------------------------------------------


def test_sound_goes_out_as_mulaw_in_one_message() -> None:
    pcm = ulaw_decode(TONE * 10)
    sent = json.loads(started().media(pcm))
    assert sent["event"] == "media"
    assert sent["streamSid"] == SID
    assert ulaw_decode(base64.b64decode(sent["media"]["payload"])).tolist() == pcm.tolist()


def test_a_stream_id_that_needs_escaping_is_escaped() -> None:
    stream = TwilioStream()
    odd_sid = 'a"\\\n'
    stream.receive(json.dumps({"event": "start", "streamSid": odd_sid, "start": {"callSid": "c"}}))
    for text in (stream.media(np.zeros(0, np.int16)), stream.mark("m"), stream.clear()):
        assert json.loads(text)["streamSid"] == odd_sid


# -- Marks and clears -------------------------------------------------------------------------


def test_a_mark_comes_back_under_the_name_it_was_given() -> None:
    stream = started()
    names = [wire_name(stream.mark(name)) for name in ("a", "b", "a")]
    assert len(set(names)) == 3
    events = [event for name in names for event in stream.receive(returned(name))]
    assert events == [MarkPlayed("a"), MarkPlayed("b"), MarkPlayed("a")]


def test_a_mark_behind_an_empty_buffer_counts_as_played() -> None:
    stream = started()
    stream.clear()
    assert list(stream.receive(returned(wire_name(stream.mark("now"))))) == [MarkPlayed("now")]


def test_marks_that_a_clear_returns_were_not_played() -> None:
    stream = started()
    names = [wire_name(stream.mark(str(n))) for n in range(3)]
    assert list(stream.receive(returned(names[0]))) == [MarkPlayed("0")]
    stream.clear()
    assert [list(stream.receive(returned(name))) for name in names[1:]] == [[], []]
    assert not stream.oddities


def test_a_mark_in_flight_while_we_clear_is_not_believed() -> None:
    # On the wire: its return left Twilio before our clear arrived there. We cannot tell.
    stream = started()
    name = wire_name(stream.mark("a"))
    stream.clear()
    assert list(stream.receive(returned(name))) == []


def test_marks_of_the_next_reply_are_believed_before_and_after_cleared_ones_return() -> None:
    stream = started()
    old = wire_name(stream.mark("clause"))
    stream.clear()
    new = [wire_name(stream.mark("clause")), wire_name(stream.mark("end"))]
    order = [new[0], old, new[1]]
    events = [event for name in order for event in stream.receive(returned(name))]
    assert events == [MarkPlayed("clause"), MarkPlayed("end")]


def test_no_clear_brings_back_the_marks_of_an_earlier_one() -> None:
    stream = started()
    first = wire_name(stream.mark("a"))
    stream.clear()
    second = wire_name(stream.mark("b"))
    stream.clear()
    assert [*stream.receive(returned(first)), *stream.receive(returned(second))] == []
    assert not stream.oddities


def test_a_mark_that_we_never_sent_or_that_comes_twice_is_odd() -> None:
    stream = started()
    name = wire_name(stream.mark("a"))
    stream.receive(returned(name))
    for stranger in (name, "mine", "", "99999999999/1/a", "1/1/a"):
        assert kinds(stream.receive(returned(stranger))) == ["unknown mark"]


def test_a_peer_that_returns_no_marks_does_not_fill_our_memory() -> None:
    stream = started()
    first = wire_name(stream.mark("first"))
    for _ in range(twilio.MARKS_LIMIT):
        last = wire_name(stream.mark("later"))
    assert kinds(stream.receive(returned(first))) == ["unknown mark"]
    assert list(stream.receive(returned(last))) == [MarkPlayed("later")]


# -- What is odd and survived -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        '{"event": "media"',
        "[]",
        "7",
        "null",
        '"media"',
        "{}",
        '{"Event": "start"}',
        "[" * 5000,
        b"\xff\xfe\x00",
        b"\x00" * 64,
    ],
)
def test_what_is_no_message_is_malformed_and_survived(text: str | bytes) -> None:
    stream = started()
    assert kinds(stream.receive(text)) == ["malformed"]
    assert len(frames(stream.receive(media()))) == 1


@pytest.mark.parametrize(
    "text",
    [
        message("media"),
        message("media", media=None),
        message("media", media=[]),
        message("media", media="sound"),
        media(chunk="seven"),
        media(timestamp=[1]),
        media(timestamp="-20"),
        media(timestamp="1e3"),
        media(timestamp=1e400),
        media(timestamp="9" * 4000),
        media(chunk="9" * 5000),
        message("mark"),
        message("mark", mark={}),
        message("mark", mark={"name": []}),
        message("dtmf"),
        message("dtmf", dtmf={"digit": "##"}),
        message("dtmf", dtmf={"digit": {}}),
        message("dtmf", dtmf={"digit": ""}),
    ],
)
def test_a_broken_field_is_malformed_and_survived(text: str) -> None:
    stream = started()
    assert kinds(stream.receive(text)) == ["malformed"]
    assert len(frames(stream.receive(media()))) == 1


def test_a_hundred_messages_without_meaning_are_too_many() -> None:
    stream = started()
    for _ in range(twilio.MALFORMED_LIMIT - 1):
        stream.receive("rubbish")
    with pytest.raises(LineError, match="made no sense"):
        stream.receive("rubbish")


@pytest.mark.parametrize("event", ["transcript", "", None, 5, [], {}, "MEDIA"])
def test_unknown_events_are_counted_and_skipped(event: Any) -> None:
    stream = started()
    text = json.dumps({"event": event, "streamSid": SID})
    assert kinds(stream.receive(text)) == ["unknown event"]


@pytest.mark.parametrize(
    "text",
    [media(), returned("a"), message("dtmf", dtmf={"digit": "1"}), message("stop", stop={})],
)
def test_nothing_is_heard_before_start(text: str) -> None:
    stream = TwilioStream()
    assert kinds(stream.receive(text)) == ["before start"]
    anonymous = json.dumps(json.loads(text) | {"streamSid": ""})
    assert kinds(stream.receive(anonymous)) == ["before start"]


@pytest.mark.parametrize("sid", ["MZ00000000000000000000000000000000", "", None, 5, []])
def test_messages_of_another_stream_are_not_ours(sid: Any) -> None:
    stream = started()
    text = json.dumps(json.loads(media()) | {"streamSid": sid})
    assert kinds(stream.receive(text)) == ["wrong stream"]
    stop = json.dumps({"event": "stop", "streamSid": sid})
    assert kinds(stream.receive(stop)) == ["wrong stream"]
    assert len(frames(stream.receive(media()))) == 1


@pytest.mark.parametrize("payload", ["", "?", "/w", "a", "/w==!", "//8 A", "ü", "/w==\n"])
def test_a_payload_that_is_not_base64_is_survived(payload: str) -> None:
    stream = started()
    assert kinds(stream.receive(media(payload))) == ["bad payload"]


@pytest.mark.parametrize("payload", [None, 5, [], {}])
def test_a_payload_that_is_no_text_is_survived(payload: Any) -> None:
    stream = started()
    text = message("media", media={"payload": payload})
    assert kinds(stream.receive(text)) == ["bad payload"]
    assert kinds(stream.receive(message("media", media={}))) == ["bad payload"]


def test_a_bad_payloads_time_is_made_up() -> None:
    stream = started()
    stream.receive(stamped(0))
    stream.receive(media("???", chunk="2", timestamp="20"))
    events = stream.receive(stamped(2))
    assert kinds(events) == ["gap"]
    assert [frame.at for frame in frames(events)] == [0.02, 0.04]


def test_our_own_sound_is_not_taken_for_the_callers() -> None:
    stream = started()
    own = message("media", media={"track": "outbound", "payload": "/w=="})
    assert kinds(stream.receive(own)) == ["outbound track"]


def test_lost_sound_becomes_silence() -> None:
    stream = started()
    stream.receive(stamped(0))
    events = stream.receive(stamped(4))
    assert kinds(events) == ["gap"]
    got = frames(events)
    assert [frame.at for frame in got] == [pytest.approx(0.02 * n) for n in (1, 2, 3, 4)]
    assert [bool(np.any(frame.pcm)) for frame in got] == [False, False, False, True]


def test_a_hole_of_five_seconds_is_filled_and_a_longer_one_is_a_set_clock() -> None:
    stream = started()
    stream.receive(stamped(0))
    assert len(frames(stream.receive(stamped(251)))) == 251
    assert kinds(stream.receive(stamped(10_000))) == ["leap"]
    assert kinds(stream.receive(stamped(10_001))) == []
    assert frames(stream.receive(stamped(10_002)))[0].at == pytest.approx(254 / 50)


def test_a_clock_set_back_loses_nothing_and_holes_after_it_are_seen() -> None:
    stream = started()
    stream.receive(media(chunk="1", timestamp="900000"))
    assert kinds(stream.receive(media(chunk="2", timestamp="0"))) == ["leap"]
    assert kinds(stream.receive(media(chunk="3", timestamp="20"))) == []
    assert kinds(stream.receive(media(chunk="4", timestamp="80"))) == ["gap"]


def test_repeated_and_late_chunks_are_dropped() -> None:
    stream = started()
    for index in (0, 1, 3):
        stream.receive(stamped(index))
    assert kinds(stream.receive(stamped(3))) == ["late chunk"]
    assert kinds(stream.receive(stamped(2))) == ["late chunk"]
    assert frames(stream.receive(stamped(4)))[0].at == 0.08


def test_jittery_stamps_cost_no_sound() -> None:
    stream = started()
    stamps = [0, 20, 95, 96, 97, 100, 120, 140]
    for chunk, stamp in enumerate(stamps):
        events = stream.receive(media(chunk=str(chunk), timestamp=str(stamp)))
        assert frames(events)[-1].pcm.tolist() == ulaw_decode(TONE).tolist()


def test_sequence_breaks_are_counted_and_cost_nothing() -> None:
    stream = started()
    for number, odd in [("2", 0), ("3", 0), ("5", 1), ("6", 0), ("6", 1), ("4", 1), ("x", 1)]:
        events = stream.receive(json.dumps(json.loads(media()) | {"sequenceNumber": number}))
        assert kinds(events) == ["sequence break"] * odd
        assert len(frames(events)) == 1
    assert stream.oddities["sequence break"] == 4


def test_nothing_is_heard_after_stop() -> None:
    stream = started()
    stream.receive(message("stop"))
    for text in (media(), message("stop"), message("dtmf", dtmf={"digit": "1"}), returned("a")):
        assert kinds(stream.receive(text)) == ["after stop"]


def test_a_repeated_start_is_odd_and_another_is_fatal() -> None:
    stream = started()
    assert kinds(stream.receive(START.replace('"sequenceNumber": "1",', ""))) == ["second start"]
    with pytest.raises(LineError, match="second stream"):
        stream.receive(START.replace("CA123", "CA999"))
    with pytest.raises(LineError, match="second stream"):
        stream.receive(START.replace(SID, "MZ2"))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ({}, "no start object"),
        ({"start": []}, "no start object"),
        ({"start": {}, "streamSid": "MZ1"}, "lacks"),
        ({"start": {"callSid": "CA1"}}, "lacks"),
        ({"start": {"callSid": 5}, "streamSid": "MZ1"}, "lacks"),
        (
            {
                "streamSid": "MZ1",
                "start": {"callSid": "CA1", "mediaFormat": {"encoding": "audio/opus"}},
            },
            "audio/opus",
        ),
        (
            {"streamSid": "MZ1", "start": {"callSid": "CA1", "mediaFormat": {"sampleRate": 16000}}},
            "16000",
        ),
        (
            {"streamSid": "MZ1", "start": {"callSid": "CA1", "mediaFormat": {"channels": 2}}},
            "channels",
        ),
        ({"streamSid": "MZ1", "start": {"callSid": "CA1", "mediaFormat": "mulaw"}}, "mulaw"),
    ],
)
def test_a_start_that_cannot_be_served_is_fatal(start: dict[str, Any], told: str) -> None:
    with pytest.raises(LineError, match=told):
        TwilioStream().receive(json.dumps({"event": "start", **start}))


def test_a_peers_text_enters_the_log_shortened() -> None:
    (odd,) = started().receive(message("x" * 60_000))
    assert isinstance(odd, Oddity)
    assert len(odd.detail) <= 120


# -- Rubbish ----------------------------------------------------------------------------------

SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANY = SCALAR | st.lists(SCALAR, max_size=2)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_bytes_and_texts_never_raise(text: bytes | str) -> None:
    for stream in (TwilioStream(), started()):
        stream.receive(text)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop"]),
    st.dictionaries(
        st.sampled_from(["sequenceNumber", "start", "media", "mark", "dtmf", "stop", "streamSid"]),
        ANY
        | st.dictionaries(
            st.sampled_from(["payload", "chunk", "timestamp", "track", "name", "digit", "callSid"]),
            ANY,
            max_size=4,
        ),
    ),
)
def test_a_known_event_with_any_fields_raises_nothing_but_line_error(
    event: str, fields: dict[str, Any]
) -> None:
    text = json.dumps({"event": event, "streamSid": SID, **fields})
    for stream in (TwilioStream(), started()):
        try:
            stream.receive(text)
        except LineError:
            assert event == "start"


def test_a_message_cut_anywhere_is_malformed_or_before_its_time() -> None:
    for text in (START, stamped(7)):
        for end in range(len(text.rstrip())):
            assert kinds(started().receive(text[:end])) == ["malformed"]


@settings(deadline=None)
@given(st.permutations([stamped(index) for index in range(8)]))
def test_in_any_order_time_never_runs_back(texts: list[str]) -> None:
    stream = started()
    at = [frame.at for text in texts for frame in frames(stream.receive(text))]
    assert at == sorted(set(at))
