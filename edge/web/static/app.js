// Asks the node once a second and shows its answer. A value that the node did not give is shown as a dash.

import { Series, draw, forgetColors } from "./charts.js";
import { LANGUAGE, named, number, span, t } from "./language.js";
import { lateOrders, showLate } from "./late.js";
import { DistrictMap, ORDER_STATES, mark, orderColor, riderColor } from "./map.js";

const POLL_MS = 1000;
const DEADLINE_MS = 5000;
const SILENT_AFTER_MS = 4000;
const STAGES = ["queue", "decode", "decide", "commit", "publish", "total"];
const RIDER_STATES = ["idle", "offered", "busy", "silent"];
const CLOSED = new Set(["delivered", "returned", "cancelled", "undeliverable"]);
const OFF = new Set(["off", "known"]);

const $ = (id) => document.getElementById(id);
const sum = (counts, skip = new Set()) => Object.entries(counts).reduce((total, [name, n]) => total + (skip.has(name) ? 0 : n), 0);

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function milliseconds(value) {
  if (value >= 1000) return number(Math.round(value));
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function rate(value) {
  if (value === null) return "–";
  return value >= 100 ? number(Math.round(value)) : value.toFixed(1);
}

function bytes(value) {
  if (value === null || value === undefined) return "–";
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  return `${value} B`;
}

/** Rows of [name, value, options] into a table's body, in place: nothing is built anew while the names stay. */
function rows(id, list, empty = t("page.none")) {
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
  const [shops] = kind === "shop" ? dot.state.match(/^\d+(?= open$)/) ?? [] : [];
  const facts = [shops === undefined ? named(kind, dot.state).toLowerCase() : t("shop.open", { count: shops })];
  if (dot.age_s !== null && dot.age_s !== undefined && kind !== "shop") facts.push(t(kind === "order" ? "page.ordered_ago" : "page.seen_ago", { span: span(dot.age_s) }));
  return [t(`page.tip_${kind}`, { id: dot.id }), facts.join(t("page.comma")), dot.note].filter(Boolean).join("\n");
});
$("fit").addEventListener("click", () => map.setFitted(!map.fitted));
$("zoom-in").addEventListener("click", () => map.zoom(1.5));
$("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));

function showVerdict(state, sentence, problems) {
  const box = $("health");
  if (box.dataset.state !== state) box.dataset.state = state;
  const name = named("state", state);
  text($("state"), `${name}${t("page.stop")}`);
  const rest = sentence.startsWith(name) ? sentence.slice(name.length).replace(/^[:：] ?/, "") : sentence;
  text($("sentence"), rest.charAt(0).toUpperCase() + rest.slice(1));
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
  text($("version"), t("page.version", { version: status.version }));
  text($("uptime"), t("page.uptime", { span: span(status.uptime_s) }));
  text($("clock"), new Date(status.clock.wall_ms).toISOString().slice(0, 19).replace("T", " ") + " UTC");
  $("rehearsal").hidden = status.clock.speed === 1;
  text($("rehearsal"), t("page.rehearsal", { speed: status.clock.speed }));
  showVerdict(status.state, status.sentence, status.problems);
  showRates(status, time);
  showLatency(status.latency_ms);
  showCounts(status);
  showSync(status.sync, status.uptime_s);
  rows("queues", Object.entries(status.queues).map(([name, queue]) => [named("queue", name), t("page.of", { part: number(queue.depth), whole: number(queue.limit) })]), t("page.no_queues"));
  rows("process", [
    [t("page.memory"), `${status.process.rss_mb} MB`],
    [t("page.processor"), t("unit.seconds", { count: status.process.cpu_s.toFixed(1) })],
    [t("page.files_open"), number(status.process.fds)],
    [t("page.disk_free"), bytes(status.disk?.free_bytes)],
    [t("page.journal"), bytes(status.journal.bytes)],
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
  text($("note-events"), t("page.note_events", { rate: rate(perSecond.events) }));
  text($("note-decisions"), t("page.note_decisions", { rate: rate(perSecond.decisions) }));
}

function showLatency(latency) {
  rows("latency", STAGES.map((stage) => {
    const recent = latency.recent[stage], total = latency.total[stage];
    const cell = (of, key) => (of.count ? milliseconds(of[key]) : "–");
    return [named("stage", stage), [cell(recent, "p50"), cell(recent, "p99"), cell(recent, "max"), cell(total, "p99"), cell(total, "max")]];
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
      if (now.count) { const unit = document.createElement("small"); unit.textContent = t("unit.ms"); tile.append(unit); }
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
  rows("orders", inLife(status.orders, Object.keys(ORDER_STATES)).map(([state, n]) => [named("order", state), number(n), { dot: CLOSED.has(state) ? "transparent" : orderColor(state) }]), t("page.no_orders"));
  rows("riders", inLife(status.riders, RIDER_STATES).map(([state, n]) => [named("rider", state), number(n), { dot: riderColor(state) }]), t("page.no_riders"));
  const byCount = (counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([reason, n]) => [named("reason", reason), number(n)]);
  rows("refused", byCount(status.counts.refused), t("page.nothing_refused"));
  rows("dropped", [...byCount(status.counts.dropped), [t("page.duplicates"), number(status.counts.duplicate)]]);
}

function showSync(sync, uptime) {
  if (sync.connected === null || sync.connected === undefined) return rows("sync", [], t("page.no_centre"));
  const age = sync.last_ack_age_s;
  return rows("sync", [
    [t("page.connection"), t(sync.connected ? "page.up" : "page.down")],
    [t("page.last_ack"), age === null || age === undefined ? t(uptime > 60 ? "page.none_since_start" : "page.none_yet") : t("page.ago", { span: span(age) })],
    [t("page.waiting_here"), t("page.windows", { count: number(sync.pool_windows), bytes: bytes(sync.backlog_bytes) })],
    [t("page.batches"), t("page.of", { part: number(sync.batches_acked), whole: number(sync.batches_sent) })],
    [t("page.sent"), bytes(sync.bytes)],
    [t("page.epoch"), number(sync.epoch)],
  ]);
}

function showKeeps(keeps) {
  const key = JSON.stringify(keeps);
  if ($("keeps").dataset.key === key) return;
  $("keeps").dataset.key = key;
  $("keeps").replaceChildren(...keeps.map((keep) => {
    const item = document.createElement("li"), what = document.createElement("b");
    what.textContent = keep.what.charAt(0).toUpperCase() + keep.what.slice(1);
    item.append(what, t("page.colon"), [keep.where, keep.how_long].join(t("page.comma")));
    return item;
  }));
}

function showLive(live) {
  map.show(live);
  const late = lateOrders(live.orders);
  text($("tile-late"), number(late.length));
  showLate(late, { list: $("late"), note: $("late-note"), hint: $("late-hint") });
  const count = live.shops.length + live.riders.length + live.orders.length;
  $("map-empty").hidden = count > 0;
  const left = live.left_out.shops + live.left_out.riders + live.left_out.orders;
  const counts = t("page.map_counts", { shops: number(live.shops.length), riders: number(live.riders.length), orders: number(live.orders.length) });
  text($("map-note"), left ? counts + t("page.map_left", { count: number(left) }) : counts);
  $("map").setAttribute("aria-label", t("page.map_label", { counts }));
}

function showLegend() {
  const entries = [
    ["shop", t("page.shop"), {}],
    ...RIDER_STATES.map((state) => ["rider", t("page.legend_rider", { state: named("rider", state).toLowerCase() }), { state, heading: state === "silent" ? null : 45 }]),
    ...Object.keys(ORDER_STATES).map((state) => ["order", t("page.legend_order", { state: named("order", state).toLowerCase() }), { state }]),
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
  draw($("chart-latency"), [{ series: latencySeries.p99, color: "p99" }, { series: latencySeries.p50, color: "p50" }], now, [t("page.chart_begin"), t("page.chart_ms")]);
  draw($("chart-rate"), [{ series: rateSeries.events, color: "p50" }, { series: rateSeries.decisions, color: "p99" }], now, [t("page.chart_begin"), t("page.chart_rate")]);
}

// -- asking ------------------------------------------------------------------------------------------------------------

async function ask(path) {
  const answer = await fetch(`${path}?lang=${LANGUAGE}`, { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" });
  if (answer.status === 401) throw new Error(t("page.token_gone"));
  if (!answer.ok) throw new Error(t("page.error_answer", { status: answer.status }));
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
  text($("answered"), seconds === null ? t("page.waiting_for_node") : t("page.answered", { count: seconds }));
  if (!silent) return;
  const since = seconds === null ? t("page.never_answered") : t("page.below_is_old", { span: span(seconds) });
  showVerdict("silent", (trouble || t("page.no_answer")) + since, []);
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
