// A call and the list of calls as elements. Everything from outside enters as text, never as HTML.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.onclick = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const milliseconds = (seconds) => `${Math.round(seconds * 1000)} ms`;
const words = (name) => name.replaceAll("_", " ");

// What the agent said, with what the caller did not hear of it struck out.
function agentSaid(turn) {
  const said = element("p", { class: "said agent" });
  if (turn.heard === null || turn.heard === turn.agent) {
    said.append(turn.agent);
  } else {
    const unheard = turn.agent.startsWith(turn.heard) ? turn.agent.slice(turn.heard.length) : "";
    said.append(turn.heard, element("span", { class: "unheard", title: "not heard" }, unheard));
  }
  return said;
}

function toolUsed(tool) {
  const given = JSON.stringify(Object.keys(tool.resolved).length ? tool.resolved : tool.arguments);
  const result = JSON.stringify(tool.result);
  const shown = `${tool.name} ${given} → ${result} (${Math.round(tool.ms)} ms)`;
  return element("p", { class: tool.committed ? "tool wrote" : "tool" }, shown);
}

// The turn's ledger: seconds from the caller's last speech sample to each step of the answer.
function ledger(turn) {
  const marks = Object.entries(turn.marks).sort(([, a], [, b]) => a - b);
  const longest = Math.max(0.001, ...marks.map(([, at]) => at));
  const rows = marks.flatMap(([name, at]) => {
    const bar = element("span");
    bar.style.width = `${Math.max(0, (at / longest) * 100)}%`;
    return [
      element("dt", {}, words(name)),
      element("dd", { class: "bar" }, bar),
      element("dd", { class: "seconds" }, milliseconds(at)),
    ];
  });
  const sent = turn.marks.sent;
  const headline = sent === undefined ? "not answered yet" : `answered in `;
  const summary = element("summary", {}, headline);
  if (sent !== undefined) summary.append(element("b", {}, milliseconds(sent)));
  return element("details", { class: "ledger" }, summary, element("dl", { class: "marks" }, ...rows));
}

function turnOf(turn) {
  const item = element("li", { "data-turn": turn.turn });
  if (turn.caller) item.append(element("p", { class: "said caller" }, turn.caller));
  item.append(...turn.tools.map(toolUsed));
  if (turn.agent) item.append(agentSaid(turn));
  item.append(...turn.failures.map((failure) => element("p", { class: "trouble" }, failure)));
  if (turn.caller !== null && Object.keys(turn.marks).length) item.append(ledger(turn));
  return item;
}

// Fill a list with a call's turns; those that did not change are left alone, opened or not.
export function showTurns(list, turns) {
  turns.forEach((turn, index) => {
    const key = JSON.stringify(turn);
    const old = list.children[index];
    if (old?.dataset.key === key) return;
    const item = turnOf(turn);
    item.dataset.key = key;
    if (old?.querySelector("details")?.open) item.querySelector("details")?.setAttribute("open", "");
    if (old) old.replaceWith(item);
    else list.append(item);
  });
  while (list.children.length > turns.length) list.lastElementChild.remove();
}

export function showFacts(title, facts, call) {
  const name = call.contact?.name;
  title.textContent = name ? `Call with ${name}` : `Call ${call.id}`;
  const parts = [began(call), call.ended_at ? `ended by ${call.ended_by}` : "live"];
  if (call.contact?.company) parts.unshift(call.contact.company);
  if (call.keys) parts.push(`keys ${call.keys}`);
  facts.textContent = parts.join(" · ");
  if (call.ended_at) {
    const address = `/api/calls/${encodeURIComponent(call.id)}`;
    facts.append(" · ", element("a", { href: address }, "JSON"));
    if (call.recording) facts.append(" · ", element("a", { href: call.recording }, "recording"));
  }
}

const began = (call) => new Date(call.started_at).toLocaleTimeString();

function lasted(call) {
  const end = call.ended_at ? new Date(call.ended_at) : new Date();
  const seconds = Math.max(0, Math.round((end - new Date(call.started_at)) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function showBoard(body, calls, choose) {
  const rows = calls.map((call) => {
    const link = element("button", { type: "button", onclick: () => choose(call.id) }, shortened(call.id));
    const state = call.ended_at
      ? [`ended by ${call.ended_by}`]
      : [element("span", { class: "live-dot" }), "live"];
    const cells = [[link], [call.contact?.name ?? "unknown"], [began(call)], [lasted(call)], [String(call.turns)], state];
    return element("tr", {}, ...cells.map((content) => element("td", {}, ...content)));
  });
  body.replaceChildren(...rows);
}

const shortened = (id) => (id.length > 14 ? `${id.slice(0, 12)}…` : id);
