import base64
import json

import numpy as np
import pytest

from bench.carrier import Carrier, ClearSent, MarkSent, MediaSent, payload_of
from pipeline.errors import LineError
from tests.bench.sounds import tone


def opened() -> Carrier:
    carrier = Carrier("CAtest")
    carrier.opening({})
    return carrier


def test_a_stream_opens_with_connected_and_start_as_twilio_sends_them() -> None:
    carrier = Carrier("CAtest")
    connected, start = map(json.loads, carrier.opening({"phone": "+15550100"}))
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["event"] == "start"
    assert start["sequenceNumber"] == "1"
    assert start["streamSid"] == start["start"]["streamSid"] == carrier.stream_sid
    assert start["start"]["callSid"] == "CAtest"
    assert start["start"]["customParameters"] == {"phone": "+15550100"}
    assert start["start"]["mediaFormat"]["encoding"] == "audio/x-mulaw"


def test_counters_are_strings_without_holes_over_all_kinds_of_message() -> None:
    carrier = opened()
    texts = [carrier.media("AA=="), carrier.mark("m"), carrier.media("AA=="), carrier.stop()]
    messages = [json.loads(text) for text in texts]
    assert [message["sequenceNumber"] for message in messages] == ["2", "3", "4", "5"]
    assert [m["media"]["chunk"] for m in messages if "media" in m] == ["1", "2"]
    assert [m["media"]["timestamp"] for m in messages if "media" in m] == ["0", "20"]


def test_media_keeps_its_sound_on_the_way_there_and_back() -> None:
    carrier = opened()
    sent = json.loads(carrier.media(payload_of(tone(0.02))))
    assert len(base64.b64decode(sent["media"]["payload"])) == 160
    sent["streamSid"] = carrier.stream_sid
    received = carrier.receive(json.dumps(sent))
    assert isinstance(received, MediaSent)
    assert np.allclose(received.pcm, tone(0.02), rtol=0.04)


def test_marks_and_clears_are_understood() -> None:
    carrier = opened()
    sid = carrier.stream_sid
    mark = {"event": "mark", "streamSid": sid, "mark": {"name": "c1"}}
    assert carrier.receive(json.dumps(mark)) == MarkSent("c1")
    assert carrier.receive(json.dumps({"event": "clear", "streamSid": sid})) == ClearSent()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"event": "clear"}',
        '{"event": "clear", "streamSid": "MZother"}',
        '{"event": "hello", "streamSid": "SID"}',
        '{"event": "mark", "streamSid": "SID", "mark": null}',
        '{"event": "media", "streamSid": "SID", "media": {"payload": "no base64!"}}',
        '{"event": "media", "streamSid": "SID", "media": {"payload": 7}}',
        b"\xff\xfe",
    ],
)
def test_what_twilio_would_not_understand_is_the_servers_fault(text: str | bytes) -> None:
    carrier = opened()
    if isinstance(text, str):
        text = text.replace("SID", carrier.stream_sid)
    with pytest.raises(LineError):
        carrier.receive(text)
