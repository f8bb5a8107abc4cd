// A telephone in the browser: it speaks Twilio's Media Streams, as a carrier does, to our door.

import { fromPayload, toPayload } from "/web/mulaw.js";

const FRAME = 160;
const SILENCE = new Int16Array(FRAME);

// Events: "state" (detail: connecting, talking, ended), "level" (detail: { whose, level 0 to 1 }).
export class Softphone extends EventTarget {
  constructor(order) {
    super();
    this.order = order; // as POST /api/phone gave it
    this.streamId = `MZ${order.call_id}`;
    this.state = "connecting";
    this.problem = ""; // why the call ended, when not by hanging up
    this.sequence = 1;
    this.chunk = 1;
    this.clips = []; // recorded speech that is still to be said, Int16Array each
    this.microphone = null;
  }

  // Opens the microphone, if wanted, and then the line. Throws what getUserMedia throws.
  async dial({ microphone }) {
    if (microphone) {
      const wishes = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      if (!navigator.mediaDevices) throw new Error("this browser gives no page a microphone here");
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: wishes });
    }
    await this.openSound();
    this.socket = new WebSocket(this.order.url);
    this.socket.onopen = () => this.begin();
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ code, reason }) => {
      const refused = this.state === "connecting" ? "the line could not be opened" : "";
      this.end(refused || (code === 1000 ? "" : reason || `the line broke (${code})`));
    };
  }

  // Say recorded speech, Int16Array at 8 kHz, after what is being said.
  say(pcm) {
    this.clips.push(pcm);
  }

  hangUp() {
    if (this.state === "talking") this.tell("stop", { stop: { callSid: this.order.call_id } });
    this.end("");
  }

  async openSound() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.audioWorklet.addModule("/web/phone-worklet.js");
    const mono = { numberOfOutputs: 1, outputChannelCount: [1] };
    this.ear = new AudioWorkletNode(this.context, "ear", mono);
    this.mouth = new AudioWorkletNode(this.context, "mouth", mono);
    this.ear.port.onmessage = ({ data }) => this.hear(data);
    this.mouth.port.onmessage = ({ data }) => this.spoken(data);
    // The ear puts out silence; it is connected because what leads nowhere does not run.
    this.ear.connect(this.context.destination);
    this.mouth.connect(this.context.destination);
    if (this.microphone) this.context.createMediaStreamSource(this.microphone).connect(this.ear);
    await this.context.resume();
  }

  begin() {
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.tell("start", {
      start: {
        callSid: this.order.call_id,
        streamSid: this.streamId,
        tracks: ["inbound"],
        customParameters: this.order.parameters,
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      },
    });
    this.enter("talking");
  }

  receive(message) {
    if (message.event === "media") {
      this.mouth.port.postMessage({ sound: fromPayload(message.media.payload) });
    } else if (message.event === "mark") {
      this.mouth.port.postMessage({ mark: message.mark.name });
    } else if (message.event === "clear") {
      this.mouth.port.postMessage({ clear: true });
    }
  }

  hear({ frame, level }) {
    if (this.state !== "talking") return;
    const said = this.nextOfClip() ?? frame;
    this.tell("media", {
      media: {
        track: "inbound",
        chunk: String(this.chunk),
        timestamp: String((this.chunk - 1) * 20),
        payload: toPayload(said),
      },
    });
    this.chunk += 1;
    const peak = said === frame ? level : Math.max(...said) / 32768;
    this.dispatchEvent(new CustomEvent("level", { detail: { whose: "caller", level: peak } }));
  }

  // 20 ms of recorded speech; null when there is none to be said.
  nextOfClip() {
    while (this.clips.length > 0) {
      const [clip] = this.clips;
      const frame = clip.subarray(0, FRAME);
      if (frame.length > 0) {
        this.clips[0] = clip.subarray(FRAME);
        if (frame.length === FRAME) return frame;
        const padded = SILENCE.slice();
        padded.set(frame);
        return padded;
      }
      this.clips.shift();
    }
    return null;
  }

  spoken({ played, level }) {
    if (played !== undefined && this.state === "talking") {
      this.tell("mark", { mark: { name: played } });
    } else if (level !== undefined) {
      this.dispatchEvent(new CustomEvent("level", { detail: { whose: "agent", level } }));
    }
  }

  tell(event, body) {
    const sequenceNumber = String(this.sequence++);
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ event, sequenceNumber, streamSid: this.streamId, ...body }));
  }

  end(problem) {
    if (this.state === "ended") return;
    this.problem = problem;
    this.enter("ended");
    this.socket?.close();
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.context?.close();
  }

  enter(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}
