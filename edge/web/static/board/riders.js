// The riders, those with room first. An order that is dropped on one is previewed, and given only after a yes.

import { named, number, span, t } from "./language.js";
import { Touch, clock, text } from "./orders.js";

const RANK = { idle: 0, offered: 1, busy: 1, paused: 2, silent: 3 };
const $ = (id) => document.getElementById(id);

export class RiderList {
  rows = new Map();
  #elements = new Map();
  #list = $("riders");
  #touch = new Touch(this.#list);

  constructor({ actions, drop }) {
    this.#list.replaceChildren();
    this.#list.onclick = (event) => {
      const button = event.target.closest("button");
      const row = button && this.rows.get(button.closest("li").dataset.rider);
      if (row) actions[button.dataset.do](row);
    };
    const over = (event) => event.dataTransfer.types.includes("text/doorstep-order") && event.target.closest("li");
    this.#list.ondragover = (event) => {
      const element = over(event);
      if (!element) return;
      event.preventDefault();
      this.#mark(element);
    };
    this.#list.ondragleave = (event) => { if (!this.#list.contains(event.relatedTarget)) this.#mark(null); };
    this.#list.ondrop = (event) => {
      const element = over(event);
      if (!element) return;
      event.preventDefault();
      this.#mark(null);
      drop(event.dataTransfer.getData("text/doorstep-order"), element.dataset.rider);
    };
  }

  #mark(element) {
    for (const each of this.#list.children) each.classList.toggle("over", each === element);
  }

  show(riders, { known, ahead }) {
    const rank = (row) => RANK[row.paused_by ? "paused" : row.state] * 100 + (row.orders ?? 0);
    const sorted = [...riders].sort((a, b) => rank(a) - rank(b) || (a.rider < b.rider ? -1 : 1));
    this.rows = new Map(sorted.map((row) => [row.rider, row]));
    this.#touch.keeping(() => this.#place(sorted, this.#touch.still, ahead));
    $("riders-empty").hidden = !!sorted.length;
    text($("riders-note"), sorted.length < known ? t("board.riders_shown", { shown: number(sorted.length), known: number(known) }) : number(known));
  }

  #place(sorted, still, ahead) {
    for (const [name, element] of this.#elements)
      if (!this.rows.has(name)) {
        element.remove();
        this.#elements.delete(name);
      }
    let before = null;
    for (const row of sorted) {
      let element = this.#elements.get(row.rider);
      const isNew = !element;
      if (isNew) this.#elements.set(row.rider, (element = this.#made(row)));
      this.#fill(element, row, ahead);
      const place = before ? before.nextSibling : this.#list.firstChild;
      if (isNew || (place !== element && !still)) this.#list.insertBefore(element, place);
      before = element;
    }
  }

  #made(row) {
    const element = $("rider-row").content.firstElementChild.cloneNode(true);
    element.dataset.rider = row.rider;
    text(element.querySelector(".name"), row.rider);
    for (const button of element.querySelectorAll("button")) button.setAttribute("aria-label", t("board.about", { what: button.textContent, name: row.rider }));
    return element;
  }

  #fill(element, row, ahead) {
    const part = (name) => element.querySelector(name);
    text(part(".load"), t("board.load", { count: row.orders ?? 0, capacity: row.capacity }));
    const paused = row.paused_by ? t("board.paused", { by: row.paused_by }) : "";
    const state = row.state === "paused" ? "" : named("rider", row.state);
    text(part(".what"), [state, paused].filter(Boolean).join(" · "));
    element.dataset.state = row.paused_by ? "paused" : row.state;
    const times = [
      row.free_at ? t("board.free", { time: clock(row.free_at, ahead) }) : "",
      row.until ? t("board.until", { time: clock(row.until, ahead) }) : "",
      row.contact_s === undefined ? "" : t("board.contact", { span: span(row.contact_s) }),
    ];
    text(part(".times"), times.filter(Boolean).join(" · "));
    const [pause, resume] = element.querySelectorAll("button");
    const focused = [pause, resume].includes(document.activeElement);
    pause.hidden = !!row.paused_by;
    resume.hidden = !row.paused_by;
    if (focused) (pause.hidden ? resume : pause).focus();
  }
}
