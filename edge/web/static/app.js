// Asks the node once a second and shows its answer. A value that the node did not give is shown as a dash.

import { Series, draw, forgetColors } from "./charts.js";
import { lateOrders, showLate } from "./late.js";
import { DistrictMap, ORDER_STATES, mark, orderColor, riderColor } from "./map.js";

const POLL_MS = 1000;
const DEADLINE_MS = 5000;
const SILENT_AFTER_MS = 4000;
const STAGES = { queue: "Wait", decode: "Decode", decide: "Decide", commit: "Commit", publish: "Publish", total: "All" };
const STATES = { ok: "All is well", degraded: "Degraded", starting: "Starting", draining: "Stopping", silent: "No answer", waiting: "Waiting" };
const RIDER_STATES = ["idle", "offered", "busy", "silent"];
const QUEUES = {
  decode: "Messages to read", decide: "Decisions overdue", commit: "Rounds for the disk", publish: "Clients to answer", seal: "Windows to close",
  cut: "Windows to number", orders: "Open orders", labels: "Labels", skus: "Articles", answers: "Answers not fetched", send: "Batches to send", sync: "Batches not confirmed",
};
const CLOSED = new Set(["delivered", "returned", "cancelled", "undeliverable"]);
const OFF = new Set(["off", "known"]);

const $ = (id) => document.getElementById(id);
const words = (name) => { const text = name.replaceAll("_", " "); return text.charAt(0).toUpperCase() + text.slice(1); };
const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
const sum = (counts, skip = new Set()) => Object.entries(counts).reduce((total, [name, n]) => total + (skip.has(name) ? 0 : n), 0);

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function milliseconds(value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function rate(value) {
  if (value === null) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

function bytes(value) {
  if (value === null || value === undefined) return "–";
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  return `${value} B`;
}

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  for (const [unit, size] of [["days", 86400], ["h", 3600], ["min", 60]]) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.round(seconds)} s`;
}

/** Rows of [name, value, options] into a table's body, in place: nothing is built anew while the names stay. */
function rows(id, list, empty = "none") {
  const body = $(id).tBodies[0];
  const key = list.map((row) => row[0]).join("|");
  if (body.dataset.key !== key || !body.rows.length) {
    body.dataset.key = key;
    body.replaceChildren(...(list.length ? list : [[empty]]).map(([name, value, more]) => {
      const row = document.createElement("tr");
      if (value === undefined) { row.insertCell().textContent = name; row.cells[0].className = "empty"; return row; }
      const head = document.createElement("th");
      head.scope = "row";
      if (more?.dot) { const dot = document.createElement("span"); dot.className = "dot"; head.append(dot); }
      head.append(name);
      row.append(head);
      for (const _ of [value].flat()) row.insertCell();
      return row;
    }));
  }
  list.forEach(([, value, more], index) => {
    const row = body.rows[index];
    [value].flat().forEach((one, column) => text(row.cells[column + 1], one));
    row.className = value === "0" ? "zero" : "";
    if (more?.dot) row.querySelector(".dot").style.background = more.dot;
  });
}

// -- the last answers ----------------------------------------------------------------------------------------

const latencySeries = { p50: new Series(), p99: new Series() };
const rateSeries = { events: new Series(), decisions: new Series() };
let last = null; // the previous status and when it came, for rates
let answeredAt = null; // when the node last answered
let watchedAt = Date.now(); // since when somebody looks: silence is not counted while the page is hidden
let trouble = ""; // why it does not, where that is known
let drawnAt = 0;

const map = new DistrictMap($("map"), $("tip"), $("fit"), (kind, dot) => {
  const age = dot.age_s === null || dot.age_s === undefined ? "" : kind === "order" ? `, ordered ${span(dot.age_s)} ago${dot.note ? `\n${dot.note}` : ""}` : kind === "rider" ? `, seen ${span(dot.age_s)} ago` : "";
  return `${words(kind)} ${dot.id}\n${words(dot.state).toLowerCase()}${age}`.trim();
});
$("fit").addEventListener("click", () => map.setFitted(!map.fitted));
$("zoom-in").addEventListener("click", () => map.zoom(1.5));
$("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));

function showVerdict(state, sentence, problems) {
  const box = $("health");
  if (box.dataset.state !== state) box.dataset.state = state;
  text($("state"), `${STATES[state] ?? state}.`);
  text($("sentence"), sentence.replace(/^All is well: (.)/, (_, first) => first.toUpperCase()));
  const list = $("problems");
  const others = problems.slice(1).map((problem) => problem.sentence);
  list.hidden = others.length === 0;
  if (list.dataset.key !== others.join("|")) {
    list.dataset.key = others.join("|");
    list.replaceChildren(...others.map((other) => { const item = document.createElement("li"); item.textContent = other; return item; }));
  }
  document.title = `${state === "ok" ? "" : "⚠ "}${$("node").textContent}`;
}

function showStatus(status, time) {
  text($("node"), status.node);
  text($("version"), `doorstep ${status.version}`);
  text($("uptime"), `up ${span(status.uptime_s)}`);
  text($("clock"), new Date(status.clock.wall_ms).toISOString().slice(0, 19).replace("T", " ") + " UTC");
  $("rehearsal").hidden = status.clock.speed === 1;
  text($("rehearsal"), `rehearsal: clock ×${status.clock.speed}`);
  showVerdict(status.state, status.sentence, status.problems);
  showRates(status, time);
  showLatency(status.latency_ms);
  showCounts(status);
  showSync(status.sync, status.uptime_s);
  rows("queues", Object.entries(status.queues).map(([name, queue]) => [QUEUES[name] ?? words(name), `${number(queue.depth)} of ${number(queue.limit)}`]), "no queues yet");
  rows("process", [
    ["Memory", `${status.process.rss_mb} MB`],
    ["Processor", `${status.process.cpu_s.toFixed(1)} s`],
    ["Files open", number(status.process.fds)],
    ["Disk free", bytes(status.disk?.free_bytes)],
    ["Journal", bytes(status.journal.bytes)],
  ]);
  showKeeps(status.data_inventory);
}

function showRates(status, time) {
  const events = sum(status.counts.received), decisions = status.counts.decisions;
  let perSecond = { events: null, decisions: null };
  if (last !== null && last.started_at === status.started_at && time > last.time) {
    const seconds = (time - last.time) / 1000;
    perSecond = { events: (events - last.events) / seconds, decisions: (decisions - last.decisions) / seconds };
  }
  last = { time, events, decisions, started_at: status.started_at };
  rateSeries.events.add(time, perSecond.events);
  rateSeries.decisions.add(time, perSecond.decisions);
  text($("tile-events"), rate(perSecond.events));
  text($("note-events"), `events ${rate(perSecond.events)}`);
  text($("note-decisions"), `decisions ${rate(perSecond.decisions)}`);
}

function showLatency(latency) {
  rows("latency", Object.entries(STAGES).map(([stage, name]) => {
    const recent = latency.recent[stage], total = latency.total[stage];
    const cell = (of, key) => (of.count ? milliseconds(of[key]) : "–");
    return [name, [cell(recent, "p50"), cell(recent, "p99"), cell(recent, "max"), cell(total, "p99"), cell(total, "max")]];
  }));
  const now = latency.recent.total;
  const time = last.time;
  for (const key of ["p50", "p99"]) {
    latencySeries[key].add(time, now.count ? now[key] : null);
    const tile = $(`tile-${key}`);
    const value = now.count ? milliseconds(now[key]) : "–";
    text($(`note-${key}`), `${key} ${value}`);
    if (tile.dataset.value !== value) {
      tile.dataset.value = value;
      tile.replaceChildren(value);
      if (now.count) { const unit = document.createElement("small"); unit.textContent = " ms"; tile.append(unit); }
    }
  }
}

/** Counts by state in the sequence of a life; states that are not known here come last. */
function inLife(counts, states) {
  const others = Object.keys(counts).filter((state) => !states.includes(state));
  return Object.keys(counts).length ? [...states, ...others].map((state) => [state, counts[state] ?? 0]) : [];
}

function showCounts(status) {
  text($("tile-orders"), number(sum(status.orders, CLOSED)));
  text($("tile-riders"), number(sum(status.riders, OFF)));
  rows("orders", inLife(status.orders, Object.keys(ORDER_STATES)).map(([state, n]) => [words(state), number(n), CLOSED.has(state) ? undefined : { dot: orderColor(state) }]), "no orders yet");
  rows("riders", inLife(status.riders, RIDER_STATES).map(([state, n]) => [words(state), number(n), { dot: riderColor(state) }]), "no riders yet");
  const byCount = (counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([reason, n]) => [words(reason), number(n)]);
  rows("refused", byCount(status.counts.refused), "Nothing refused.");
  rows("dropped", [...byCount(status.counts.dropped), ["Duplicates", number(status.counts.duplicate)]]);
}

function showSync(sync, uptime) {
  if (sync.connected === null || sync.connected === undefined) return rows("sync", [], "No centre is configured (uplink).");
  const age = sync.last_ack_age_s;
  return rows("sync", [
    ["Connection", sync.connected ? "up" : "down"],
    ["Last acknowledgement", age === null || age === undefined ? (uptime > 60 ? "none since start" : "none yet") : `${span(age)} ago`],
    ["Waiting here", `${number(sync.pool_windows)} windows, ${bytes(sync.backlog_bytes)}`],
    ["Batches acknowledged", `${number(sync.batches_acked)} of ${number(sync.batches_sent)}`],
    ["Sent", bytes(sync.bytes)],
    ["Epoch", number(sync.epoch)],
  ]);
}

function showKeeps(keeps) {
  const key = JSON.stringify(keeps);
  if ($("keeps").dataset.key === key) return;
  $("keeps").dataset.key = key;
  $("keeps").replaceChildren(...keeps.map((keep) => {
    const item = document.createElement("li"), what = document.createElement("b");
    what.textContent = words(keep.what);
    item.append(what, `: ${keep.where}, ${keep.how_long}`);
    return item;
  }));
}

function showLive(live) {
  map.show(live);
  const late = lateOrders(live.orders);
  text($("tile-late"), number(late.length));
  showLate(late, { list: $("late"), note: $("late-note"), hint: $("late-hint") }, span);
  const count = live.shops.length + live.riders.length + live.orders.length;
  $("map-empty").hidden = count > 0;
  const left = live.left_out.shops + live.left_out.riders + live.left_out.orders;
  const counts = `${number(live.shops.length)} shops, ${number(live.riders.length)} riders, ${number(live.orders.length)} open orders`;
  text($("map-note"), left ? `${counts}; ${number(left)} more are not drawn` : counts);
  $("map").setAttribute("aria-label", `Map: ${counts}. Arrow keys move it, plus and minus zoom, 0 fits it.`);
}

function showLegend() {
  const entries = [
    ["shop", "Shop", {}], ["rider", "Rider, idle", { state: "idle", heading: 45 }], ["rider", "Rider, offered", { state: "offered", heading: 45 }],
    ["rider", "Rider, busy", { state: "busy", heading: 45 }],
    ["rider", "Rider, silent", { state: "silent" }],
    ...Object.keys(ORDER_STATES).map((state) => ["order", `Order ${words(state).toLowerCase()}`, { state }]),
  ];
  $("legend").replaceChildren(...entries.map(([kind, name, dot]) => {
    const item = document.createElement("li"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 28;
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    mark(context, kind, 7, 7, dot, 5);
    item.append(canvas, name);
    return item;
  }));
}

function drawCharts() {
  const now = last?.time ?? Date.now();
  drawnAt = now;
  draw($("chart-latency"), [{ series: latencySeries.p99, color: "p99" }, { series: latencySeries.p50, color: "p50" }], now, "ms");
  draw($("chart-rate"), [{ series: rateSeries.events, color: "p50" }, { series: rateSeries.decisions, color: "p99" }], now, "per second");
}

// -- asking ------------------------------------------------------------------------------------------------------------

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" });
  if (answer.status === 401) throw new Error("The token of this page is no longer valid. Run doorstep status on the box; it prints a new link.");
  if (!answer.ok) throw new Error(`The node answered with an error (${answer.status}). Its log has details.`);
  return answer.json();
}

async function poll() {
  if (document.hidden) return;
  try {
    const [status, live] = await Promise.all([ask("/api/status"), ask("/api/live")]);
    answeredAt = Date.now();
    trouble = "";
    showStatus(status, answeredAt);
    showLive(live);
    drawCharts();
  } catch (error) {
    trouble = error instanceof TypeError || error.name === "TimeoutError" ? "" : error.message;
  }
  showSilence();
}

function showSilence() {
  const seconds = answeredAt === null ? null : Math.round((Date.now() - answeredAt) / 1000);
  const silent = trouble !== "" || Date.now() - Math.max(answeredAt ?? 0, watchedAt) > SILENT_AFTER_MS;
  document.body.classList.toggle("silent", silent);
  text($("answered"), seconds === null ? "waiting for the node" : `last answer ${seconds} s ago`);
  if (!silent) return;
  const since = seconds === null ? "It has not answered yet." : `What you see below is ${span(seconds)} old.`;
  showVerdict("silent", `${trouble || "The node does not answer: it is stopped, or its machine is busy. Look at its log, then start it."} ${since}`, []);
}

async function loop() {
  for (;;) {
    const began = performance.now();
    await poll();
    await new Promise((resume) => setTimeout(resume, Math.max(POLL_MS - (performance.now() - began), 100)));
  }
}

showLegend();
drawCharts();
setInterval(() => { if (!document.hidden) showSilence(); }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { watchedAt = Date.now(); poll(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { forgetColors(); showLegend(); drawCharts(); map.draw(); });
new ResizeObserver(() => { if (drawnAt) drawCharts(); }).observe($("chart-latency"));
loop();
