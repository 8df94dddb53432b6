// The open orders, the latest first. While a person is at work in the list, nothing in it moves.

import { named, number, span, t } from "./language.js";

export const BEFORE_PICKUP = new Set(["placed", "offered", "accepted", "at_shop"]);
const STILL_MS = 10_000; // nothing moves for so long after somebody has touched the list
const LATE_S = 300; // a promise counts as kept up to this much after its time
const $ = (id) => document.getElementById(id);

/** The time of day of a time from the node, whose clock is so far ahead. */
export const clock = (at, ahead = 0) => new Date(at - ahead).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Whether a person is at work in a list: it has the focus, and was touched a moment ago. */
export class Touch {
  #at = 0;
  #focused = null;

  constructor(list) {
    this.list = list;
    for (const event of ["pointerdown", "keydown"]) list.addEventListener(event, () => { this.#at = Date.now(); });
    list.addEventListener("focusin", (event) => { this.#focused = event.target; });
  }

  get still() {
    return document.body.classList.contains("dragging") || (this.list.contains(document.activeElement) && Date.now() - this.#at < STILL_MS);
  }

  /** Does what may move the row that has the focus, which stays there. */
  keeping(work) {
    const had = this.list.contains(document.activeElement);
    work();
    if (had && this.#focused?.isConnected && !this.list.contains(document.activeElement)) this.#focused.focus({ preventScroll: true });
  }
}

/** How late an order is, in words, and how bad that is. */
export function lateness(row) {
  if (row.late_s === undefined) return [t("board.not_promised"), ""];
  if (!row.rider && !row.planned) return [t("board.waits", { span: span(row.late_s) }), row.late_s >= LATE_S ? "bad" : ""];
  if (row.late_s >= 60) return [t("page.late_by", { span: span(row.late_s) }), row.late_s >= LATE_S ? "bad" : ""];
  return [row.late_s <= -60 ? t("board.early", { span: span(-row.late_s) }) : t("board.in_time"), "good"];
}

export class OrderList {
  rows = new Map();
  shown = 0;
  #elements = new Map();
  #list = $("orders");
  #which = "all";
  #find = "";
  #facts = { open: 0, ahead: 0 };
  #touch = new Touch(this.#list);

  constructor({ actions, dialogs }) {
    this.#list.replaceChildren();
    this.#list.onclick = (event) => {
      const button = event.target.closest("button");
      const row = button && this.rows.get(button.closest("li").dataset.order);
      if (!row) return;
      if (["assign", "reschedule", "cancel"].includes(button.dataset.do)) dialogs[button.dataset.do](row);
      else actions[button.dataset.do](row);
    };
    this.#list.ondragstart = (event) => {
      const row = event.target.closest("li");
      event.dataTransfer.setData("text/doorstep-order", row.dataset.order);
      event.dataTransfer.effectAllowed = "move";
      document.body.classList.add("dragging");
    };
    this.#list.ondragend = () => document.body.classList.remove("dragging");
    this.#list.onfocusout = () => setTimeout(() => this.#draw(), 0);
  }

  show(orders, facts) {
    this.rows = new Map(orders.map((row) => [row.order, row]));
    this.#facts = facts;
    this.#find = facts.find;
    this.#draw();
  }

  filter({ which = this.#which, find = this.#find }) {
    this.#which = which;
    this.#find = find;
    this.#draw();
  }

  #fits(row) {
    if (this.#find && !row.order.toLowerCase().includes(this.#find.toLowerCase())) return false;
    if (this.#which === "waiting") return !row.rider;
    if (this.#which === "decided") return !!row.override;
    return this.#which === "all" || row.state === "returning";
  }

  #draw() {
    const fitting = [...this.rows.values()].filter((row) => this.#fits(row));
    this.#touch.keeping(() => this.#place(fitting, this.#touch.still));
    this.shown = fitting.length;
    $("orders-empty").hidden = !!fitting.length;
    const parts = { shown: number(fitting.length), open: number(this.#facts.open) };
    text($("orders-note"), t("board.orders_shown", parts));
  }

  #place(fitting, still) {
    const names = new Set(fitting.map((row) => row.order));
    for (const [name, element] of this.#elements) {
      if (names.has(name)) continue;
      if (element.contains(document.activeElement)) this.#neighbour(element)?.focus();
      element.remove();
      this.#elements.delete(name);
    }
    let before = null;
    for (const row of fitting) {
      let element = this.#elements.get(row.order);
      const isNew = !element;
      if (isNew) this.#elements.set(row.order, (element = this.#made(row)));
      this.#fill(element, row);
      const place = before ? before.nextSibling : this.#list.firstChild;
      if (isNew && still) this.#list.append(element);
      else if (place !== element && !still) this.#list.insertBefore(element, place);
      before = element;
    }
  }

  /** Where the focus goes from a row that leaves. */
  #neighbour(element) {
    return (element.nextElementSibling ?? element.previousElementSibling)?.querySelector("button:not([hidden])") ?? $("find");
  }

  #made(row) {
    const element = $("order-row").content.firstElementChild.cloneNode(true);
    element.dataset.order = row.order;
    text(element.querySelector(".name"), row.order);
    for (const button of element.querySelectorAll("button, summary")) button.setAttribute("aria-label", t("board.about", { what: button.textContent, name: row.order }));
    return element;
  }

  #fill(element, row) {
    const { ahead } = this.#facts;
    const part = (name) => element.querySelector(name);
    const [late, how] = lateness(row);
    text(part(".late"), late);
    part(".late").dataset.how = how;
    const rider = row.rider ? t(row.position ? "board.behind" : "board.with", { rider: row.rider, count: row.position }) : row.planned ? t("board.planned", { rider: row.planned }) : t("board.nobody");
    const state = row.cause ? `${named("order", row.state)} (${t(row.cause === "refused" ? "board.refused_there" : `board.${row.cause}`)})` : named("order", row.state);
    text(part(".what"), [state, row.shop, rider].join(" · "));
    const times = [
      row.expected_at ? t("board.expected", { time: clock(row.expected_at, ahead) }) : "",
      row.promised_at ? t("board.promised", { time: clock(row.promised_at, ahead) }) : "",
      BEFORE_PICKUP.has(row.state) ? t("board.ready_at", { time: clock(row.ready_at, ahead) }) : "",
      row.dropoff_by ? t("board.due", { time: clock(row.dropoff_by, ahead) }) : "",
      row.priority ? t("board.prior", { count: row.priority }) : "",
    ];
    text(part(".times"), times.filter(Boolean).join(" · "));
    const made = row.override;
    text(part(".hand"), made ? t(`board.${made.kind}`, { by: made.by, rider: made.rider ?? "" }) : "");
    element.dataset.hand = made?.kind ?? "";
    const open = BEFORE_PICKUP.has(row.state);
    const can = {
      assign: open, hold: open && made?.kind !== "held", release: open && !!made, reschedule: open, cancel: open,
      pin: open && made?.kind !== "held" && made?.kind !== "pinned" && !!(row.rider || row.planned), redeliver: row.state === "returning",
    };
    const focused = element.contains(document.activeElement) ? document.activeElement : null; // it may lose it by what follows
    for (const button of element.querySelectorAll("button")) if (button.hidden === can[button.dataset.do]) button.hidden = !can[button.dataset.do];
    element.querySelector("details").hidden = !open;
    if (focused && !focused.checkVisibility()) (element.querySelector("button:not([hidden])") ?? this.#neighbour(element)).focus();
    element.draggable = open;
  }
}
