// The phone's ear and mouth, on the browser's audio thread.
//
// Both are paced by the sound card, not by timers: the ear posts a frame each 20 ms of real time,
// microphone or not, and the mouth knows to the sample which marks have played.

const LINE_RATE = 8000;
const FRAME = 160;

// Converts a stream of samples from one rate to another with a windowed-sinc filter. Chunks join
// without a seam, which per-chunk conversion by AudioBuffer does not promise.
class Resampler {
  static PHASES = 256;
  static ZEROS = 12;

  constructor(from, to) {
    this.step = from / to; // input samples per output sample
    const cutoff = 0.94 * Math.min(1, to / from); // of the input's Nyquist frequency
    this.half = Math.ceil(Resampler.ZEROS / cutoff);
    this.kernel = new Float32Array(2 * this.half * Resampler.PHASES + 1);
    for (let i = 0; i < this.kernel.length; i++) {
      const x = i / Resampler.PHASES - this.half;
      const angle = Math.PI * x * cutoff;
      const sinc = x === 0 ? 1 : Math.sin(angle) / angle;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / this.half); // Hann
      this.kernel[i] = cutoff * sinc * window;
    }
    this.input = new Float32Array(2 * this.half);
    this.at = this.half; // where, in this.input, the next output sample lies
  }

  push(samples) {
    const input = new Float32Array(this.input.length + samples.length);
    input.set(this.input);
    input.set(samples, this.input.length);
    const output = [];
    while (this.at + this.half < input.length) {
      output.push(this.sampleAt(input));
      this.at += this.step;
    }
    const done = Math.max(0, Math.floor(this.at) - this.half);
    this.input = input.slice(done);
    this.at -= done;
    return output;
  }

  sampleAt(input) {
    const first = Math.ceil(this.at - this.half);
    const last = Math.floor(this.at + this.half);
    let sum = 0;
    for (let i = first; i <= last; i++) {
      const phase = Math.round((i - this.at + this.half) * Resampler.PHASES);
      sum += input[i] * this.kernel[phase];
    }
    return sum;
  }
}

function loudest(samples) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak;
}

// Microphone to frames: posts { frame: Int16Array(160), level: 0 to 1 }.
class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, LINE_RATE);
    this.waiting = [];
  }

  process(inputs, outputs) {
    // Without a microphone there is no channel; silence keeps the frames coming.
    const heard = inputs[0]?.[0] ?? new Float32Array(outputs[0][0].length);
    this.waiting.push(...this.resampler.push(heard));
    while (this.waiting.length >= FRAME) {
      const samples = this.waiting.splice(0, FRAME);
      const clipped = samples.map((sample) => Math.max(-1, Math.min(1, sample)) * 32767);
      this.port.postMessage({ frame: Int16Array.from(clipped), level: loudest(samples) });
    }
    return true;
  }
}

// Frames to loudspeaker. Takes { sound: Int16Array }, { mark: name } and { clear: true }; posts
// { played: name } when a mark was reached or cleared, as Twilio does, and { level: 0 to 1 }.
class Mouth extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(LINE_RATE, sampleRate);
    this.queue = []; // { sound, at } or { mark }, in the order of arrival
    this.waiting = []; // samples at the loudspeaker's rate
    this.peak = 0;
    this.blocks = 0;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  receive(message) {
    if (message.clear) {
      for (const { mark } of this.queue) if (mark !== undefined) this.report(mark);
      this.queue = [];
      this.waiting = [];
    } else if (message.mark !== undefined) {
      this.queue.push({ mark: message.mark });
    } else {
      this.queue.push({ sound: Float32Array.from(message.sound, (s) => s / 32768), at: 0 });
    }
  }

  report(mark) {
    this.port.postMessage({ played: mark });
  }

  // The next few samples to be heard; silence when nothing is queued.
  next() {
    while (this.queue.length > 0) {
      const head = this.queue[0];
      if (head.mark !== undefined) {
        this.report(head.mark);
      } else if (head.at < head.sound.length) {
        const piece = head.sound.subarray(head.at, head.at + 32);
        head.at += piece.length;
        return piece;
      }
      this.queue.shift();
    }
    return new Float32Array(32);
  }

  process(inputs, outputs) {
    const speaker = outputs[0][0];
    while (this.waiting.length < speaker.length) {
      this.waiting.push(...this.resampler.push(this.next()));
    }
    speaker.set(this.waiting.splice(0, speaker.length));
    this.peak = Math.max(this.peak, loudest(speaker));
    if (++this.blocks % 24 === 0) {
      this.port.postMessage({ level: this.peak });
      this.peak = 0;
    }
    return true;
  }
}

registerProcessor("ear", Ear);
registerProcessor("mouth", Mouth);
