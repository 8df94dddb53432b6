// The dispatcher's board: who is logged in, the connection, and what is asked again every few seconds.

import { Actions } from "./actions.js";
import { connect } from "./client.js";
import { Dialogs } from "./dialogs.js";
import { LANGUAGE, number, t } from "./language.js";
import { OrderList } from "./orders.js";
import { Questions } from "./questions.js";
import { RiderList } from "./riders.js";

const POLL_MS = 2000;
const STALE_MS = 9000;
const PAGES_MAX = 5; // of 100 orders each
const LOGIN = "doorstep-board/login";
const TAB = "doorstep-board/tab";

const $ = (id) => document.getElementById(id);
const place = document.documentElement.dataset;
const store = sessionStorage; // what this tab knows ends with it

let client, questions, orders, riders, dialogs;
let pages = 1, found = null, answeredAt = 0, asking = false, again = false, timer;
let linked = "offline";

/** Where the node listens for WebSockets; empty where it does not. */
function address() {
  const secure = location.protocol === "https:" ? place.wss : place.ws ? "" : place.wss;
  const port = secure || place.ws;
  return port ? `${secure ? "wss" : "ws"}://${location.hostname}:${port}/mqtt` : "";
}

/** A tab that was duplicated has a copy of the other's storage: it gets a session of its own. */
async function ownTab() {
  const taken = (id) => new Promise((done) => {
    if (!navigator.locks) return done(false);
    navigator.locks.request(`${TAB}/${id}`, { ifAvailable: true }, (lock) => { done(!lock); return lock && new Promise(() => {}); });
  });
  const known = store.getItem(TAB);
  if (known && !(await taken(known))) return;
  for (const key of Object.keys(store)) if (key.startsWith("doorstep/")) store.removeItem(key);
  const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  store.setItem(TAB, id);
  await taken(id);
}

/** From the link (`#name=…&token=…`), which leaves the address at once, or from this tab. */
function login() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (given.get("token")) return { name: given.get("name") || undefined, token: given.get("token") };
  try {
    return JSON.parse(store.getItem(LOGIN));
  } catch {
    return null;
  }
}

function ask(note = "") {
  $("login").hidden = false;
  $("desk").hidden = $("leave").hidden = true;
  $("login-note").textContent = note;
  $(note ? "token" : "name").focus();
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  start({ name: $("name").value.trim(), token: $("token").value.trim() });
  $("token").value = "";
});
$("leave").addEventListener("click", () => {
  client?.close();
  store.clear();
  location.reload();
});

function start(who) {
  const url = address();
  if (!url) return ask(t("board.no_socket"));
  const kept = {
    keys: () => Object.keys(store), get: (key) => store.getItem(key), set: (key, value) => store.setItem(key, value), remove: (key) => store.removeItem(key),
  };
  client?.close();
  try {
    client = connect({ url, node: place.node, name: who.name, token: who.token, storage: kept });
  } catch {
    return ask(t("board.no_name"));
  }
  store.setItem(LOGIN, JSON.stringify(who));
  $("login").hidden = true;
  $("desk").hidden = $("leave").hidden = false;
  $("who").textContent = client.name;
  questions = new Questions(client);
  const actions = new Actions(client, refresh);
  dialogs = new Dialogs(questions, actions, () => riders.rows);
  orders = new OrderList({ actions, dialogs });
  riders = new RiderList({ actions, drop: (order, rider) => dialogs.assign(orders.rows.get(order), rider) });
  client.on("online", () => turn("online"));
  client.on("degraded", ({ reason }) => turn("degraded", reason));
  client.on("offline", ({ reason }) => turn("offline", reason));
  client.on("unsent", () => turn(linked));
  client.on("update", refresh);
  client.on("message", () => {}); // late answers of questions
  client.onSettled((outcome) => actions.settled(outcome));
  show();
}

function turn(state, reason = "") {
  const fresh = state !== "offline" && linked === "offline";
  linked = state;
  if (state === "offline" && reason === "Connection refused: Not authorized") {
    client.close();
    store.removeItem(LOGIN);
    return ask(t("board.wrong_token"));
  }
  if (fresh) refresh();
  show();
}

/** What the connection is like, and whether what stands below is old. */
function show() {
  const waits = client.unsent ? t("board.unsent", { count: number(client.unsent) }) : "";
  const old = answeredAt && Date.now() - answeredAt > STALE_MS;
  const state = linked === "offline" ? t("board.offline") : linked === "degraded" ? t("board.busy") : t("board.online");
  const age = old ? t("board.old", { count: number(Math.round((Date.now() - answeredAt) / 1000)) }) : "";
  const text = [state, waits, age].filter(Boolean).join(t("page.comma"));
  if ($("link").textContent !== text) $("link").textContent = text;
  $("link").dataset.state = linked;
  document.body.classList.toggle("old", !!old);
}

/** Ask at once, or when the question that is under way is answered. */
function refresh() {
  clearTimeout(timer);
  if (asking) again = true;
  else timer = setTimeout(poll, 50);
}

async function poll() {
  clearTimeout(timer);
  if (document.hidden || linked === "offline") return later();
  asking = true;
  again = false;
  try {
    const shown = [];
    let first, offset = 0, rest = 0;
    for (let page = 0; page < pages; page++) {
      const answer = await questions.orders({ offset });
      first ??= answer;
      shown.push(...answer.orders);
      rest = offset = answer.next ?? 0;
      if (!rest) break;
    }
    if (found && !shown.some((row) => row.order === found)) shown.push(...(await questions.orders({ order: found })).orders);
    const everybody = [];
    let known = 0;
    for (let next = 0, page = 0; page < PAGES_MAX; page++) {
      const answer = await questions.riders(next);
      everybody.push(...answer.riders);
      known = answer.known;
      if (!(next = answer.next ?? 0)) break;
    }
    answeredAt = Date.now();
    const ahead = (dialogs.ahead = first.at - answeredAt); // of the node's clock
    orders.show(shown, { open: first.open, ahead, find: $("find").value.trim() });
    $("more").hidden = !rest || pages >= PAGES_MAX;
    riders.show(everybody, { known, ahead });
  } catch (error) {
    if (error?.reason !== "no_answer") throw error;
  } finally {
    asking = false;
    show();
    later(again ? 50 : POLL_MS);
  }
}

function later(ms = POLL_MS) {
  clearTimeout(timer);
  timer = setTimeout(poll, ms);
}

$("more").addEventListener("click", () => { pages = Math.min(pages + 1, PAGES_MAX); refresh(); });
let typing;
$("find").addEventListener("input", () => {
  const wanted = $("find").value.trim();
  orders.filter({ find: wanted });
  clearTimeout(typing);
  typing = setTimeout(() => {
    found = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(wanted) && !orders.shown ? wanted : null;
    if (found) refresh();
  }, 300);
});
for (const button of $("filters").children) button.addEventListener("click", () => press("filters", button, () => orders.filter({ which: button.dataset.filter })));
for (const button of $("views").children) button.addEventListener("click", () => press("views", button, () => { document.body.dataset.view = button.dataset.view; }));

function press(group, button, then) {
  for (const each of $(group).children) each.setAttribute("aria-pressed", each === button);
  then();
}

document.body.dataset.view = "orders";
document.title = `${t("board.title")} ${place.node}`;
$("node").textContent = place.node;
document.documentElement.lang = LANGUAGE;
document.addEventListener("visibilitychange", () => { if (!document.hidden && client) refresh(); });
setInterval(() => { if (client) show(); }, 1000);
await ownTab();
const who = login();
if (who) start(who);
else ask();
