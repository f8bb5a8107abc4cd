// The page: dials, shows the call that is spoken or chosen, and keeps the board of calls fresh.

import { Softphone } from "/web/softphone.js";
import { readWav } from "/web/mulaw.js";
import { showBoard, showFacts, showTurns } from "/web/view.js";

const at = (id) => document.getElementById(id);
const CALL_POLL_MS = 400;
const BOARD_POLL_MS = 2000;

let phone = null; // the call being made from here, if any
let shown = null; // id of the call on display
let ready = false; // whether the server takes calls
let lastShown = ""; // what the display was drawn from

async function fetchJson(path, options) {
  const response = await fetch(path, options);
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    const error = new Error(told.detail ?? `${path} answered ${response.status}`);
    error.status = response.status;
    throw error;
  }
  return response.json();
}

// -- The telephone ------------------------------------------------------------------------------

function showPhone(text, { trouble = false } = {}) {
  at("phone-state").textContent = text || "\u00a0";
  at("phone-state").classList.toggle("trouble", trouble);
  const live = phone !== null;
  at("dial").classList.toggle("live", live);
  at("dial-label").textContent = live ? "Hang up" : "Call the agent";
  at("dial").disabled = !live && !ready;
  at("dial-recorded").disabled = live || !ready;
  for (const button of at("clips").querySelectorAll("button")) button.disabled = !live;
}

function showLevel(whose, level) {
  at(`level-${whose}`).style.width = `${100 * Math.sqrt(level)}%`; // the root, so that quiet speech shows
}

async function dial(microphone) {
  try {
    const order = await fetchJson("/api/phone", { method: "POST" });
    phone = new Softphone(order);
    phone.addEventListener("state", () => phoneChanged());
    phone.addEventListener("level", ({ detail }) => {
      showLevel(detail.whose, detail.level);
    });
    showPhone(microphone ? "Asking for the microphone …" : "Connecting …");
    await phone.dial({ microphone });
    shown = order.call_id;
  } catch (error) {
    phone?.end("");
    phone = null;
    showPhone(explain(error, microphone), { trouble: true });
  }
}

function explain(error, microphone) {
  const instead = at("clips").children.length ? " You can call with a recorded voice instead." : "";
  if (error.name === "NotAllowedError") return `The browser keeps the microphone from this page.${instead}`;
  if (error.name === "NotFoundError") return `No microphone was found.${instead}`;
  return microphone && !error.status ? `${error.message}.${instead}` : error.message;
}

function phoneChanged() {
  if (phone.state === "talking") {
    showPhone(phone.microphone ? "Talking" : "Talking: choose what the caller says");
  } else if (phone.state === "ended") {
    const problem = phone.problem;
    phone = null;
    for (const whose of ["caller", "agent"]) showLevel(whose, 0);
    showPhone(problem ? `The call ended: ${problem}` : "The call has ended", { trouble: !!problem });
  }
}

async function listClips() {
  const clips = await fetchJson("/api/clips");
  at("recorded").hidden = clips.length === 0;
  for (const clip of clips) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = clip.text || clip.name;
    button.disabled = true;
    button.onclick = async () => {
      const response = await fetch(clip.url);
      phone?.say(readWav(await response.arrayBuffer()));
    };
    const item = document.createElement("li");
    item.append(button);
    at("clips").append(item);
  }
}

at("dial").onclick = () => (phone ? phone.hangUp() : dial(true));
at("dial-recorded").onclick = () => dial(false);
addEventListener("pagehide", () => phone?.hangUp());

// -- What the server knows ----------------------------------------------------------------------

async function refreshReady() {
  const pill = at("ready");
  try {
    const state = await (await fetch("/readyz")).json();
    ready = state.ready;
    pill.textContent = ready ? "ready for calls" : `starting: waiting for ${state.missing.join(", ")}`;
  } catch {
    ready = false;
    pill.textContent = "the server does not answer";
  }
  pill.classList.toggle("waiting", !ready);
  if (!phone) showPhone(at("phone-state").textContent.trim(), { trouble: at("phone-state").classList.contains("trouble") });
}

async function refreshBoard() {
  const calls = await fetchJson("/api/calls");
  at("no-calls").hidden = calls.length > 0;
  showBoard(at("calls"), calls, (id) => {
    shown = id;
    lastShown = "";
  });
}

async function refreshCall() {
  if (shown === null) return;
  const call = await fetchJson(`/api/calls/${encodeURIComponent(shown)}`);
  const drawn = JSON.stringify(call);
  if (drawn === lastShown) return;
  lastShown = drawn;
  showFacts(at("call-title"), at("call-facts"), call);
  showTurns(at("turns"), call.turns);
}

// Again and again, each time a while after the last one is done; a miss is made up by the next.
async function keep(refresh, pause_ms) {
  for (;;) {
    try {
      await refresh();
    } catch (error) {
      if (error.status === 403) at("ready").textContent = error.message;
    }
    await new Promise((resume) => setTimeout(resume, pause_ms));
  }
}

listClips().catch(() => {});
keep(refreshReady, BOARD_POLL_MS);
keep(refreshBoard, BOARD_POLL_MS);
keep(refreshCall, CALL_POLL_MS);
