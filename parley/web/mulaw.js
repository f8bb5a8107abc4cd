// G.711 mu-law in base64, as Twilio carries sound, and WAV files as our clips are stored.

const BIAS = 33; // added to 14-bit magnitudes, so that each segment starts at a power of two
const LOUDEST = 8158;

// One sample, int16 to a mu-law byte (ITU-T G.711, table 2a).
function encodeSample(sample) {
  const value = sample >> 2;
  const magnitude = Math.min(Math.abs(value), LOUDEST) + BIAS;
  const segment = 31 - Math.clz32(magnitude) - 5;
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 15);
  return ~(code | (value < 0 ? 0x80 : 0)) & 0xff;
}

function decodeByte(byte) {
  const code = ~byte & 0xff;
  const magnitude = ((2 * (code & 15) + BIAS) << ((code >> 4) & 7)) - BIAS;
  return (code & 0x80 ? -magnitude : magnitude) << 2;
}

const DECODED = Int16Array.from({ length: 256 }, (_, byte) => decodeByte(byte));

// Int16Array at 8 kHz to the payload of a media message.
export function toPayload(pcm) {
  return btoa(String.fromCharCode(...Uint8Array.from(pcm, encodeSample)));
}

// The payload of a media message to Int16Array at 8 kHz.
export function fromPayload(payload) {
  const bytes = atob(payload);
  return Int16Array.from({ length: bytes.length }, (_, i) => DECODED[bytes.charCodeAt(i)]);
}

// The samples of a WAV file of 16 bits, mono, 8 kHz.
export function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "data") return new Int16Array(buffer.slice(at + 8, at + 8 + size - (size % 2)));
    at += 8 + size + (size % 2);
  }
  throw new Error("a WAV file without a data chunk");
}
