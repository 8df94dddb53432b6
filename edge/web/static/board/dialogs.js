// Before a yes: which rider, at which cost; which times; really?

import { named, span, t } from "./language.js";
import { clock, text } from "./orders.js";

const HALF_DAY_MS = 12 * 3600 * 1000;
const $ = (id) => document.getElementById(id);

/** What other orders pay for an assignment. */
export function delays(list) {
  const one = ({ order, later_s: later }) => t(later > 0 ? "board.costs" : "board.gains", { order, span: span(Math.abs(later)) });
  return list?.length ? list.map(one).join(t("page.comma")) : t("board.costs_nothing");
}

export class Dialogs {
  #asked = 0;
  #row = null;
  #actions;
  /** Milliseconds that the node's clock is ahead. */
  ahead = 0;

  constructor(questions, actions, riders) {
    this.questions = questions;
    this.riders = riders;
    this.#actions = actions;
    for (const dialog of document.querySelectorAll("dialog")) {
      for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
      dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
    }
    $("other").onchange = () => this.#preview($("other").value);
    $("first").onchange = () => this.#preview($("other").value);
    $("assign").onclose = () => { this.#asked++; };
  }

  /** Riders with the cost of each, the soonest first; with a `rider`, that one. */
  assign(row, rider = "") {
    if (!row) return;
    this.#row = row;
    text($("assign-title"), t("board.assign_title", { order: row.order }));
    const names = [...this.riders().keys()].filter((name) => name !== row.rider || name === rider).sort();
    const option = (value, words) => Object.assign(document.createElement("option"), { value, textContent: words });
    $("other").replaceChildren(option("", t("board.best")), ...names.map((name) => option(name, name)));
    $("other").value = rider;
    $("first").checked = false;
    if (!$("assign").open) $("assign").showModal();
    this.#preview(rider);
  }

  async #preview(rider) {
    const turn = ++this.#asked;
    const row = this.#row;
    $("choices").replaceChildren();
    text($("assign-now"), "");
    text($("assign-wait"), t("board.asking"));
    let answer;
    try {
      answer = await this.questions.cost(row.order, rider, $("first").checked);
    } catch {
      answer = { reason: "no_answer" };
    }
    if (turn !== this.#asked) return;
    const choices = (answer.choices ?? []).filter((choice) => rider || choice.rider !== row.rider);
    const { ahead } = this;
    text($("assign-now"), answer.expected_at ? t("board.now_expected", { time: clock(answer.expected_at, ahead) }) : t("board.now_nobody"));
    const reason = answer.reason === "no_answer" ? t("board.no_answer") : answer.reason ? [named("reason", answer.reason), answer.detail].filter(Boolean).join(t("page.colon")) : t("board.nobody_can");
    text($("assign-wait"), choices.length ? "" : reason);
    $("choices").replaceChildren(...choices.map((choice) => this.#choice(row, choice, answer.expected_at, ahead)));
    $("choices").querySelector("button")?.focus();
  }

  #choice(row, { rider, expected_at: at, delays: cost }, now, ahead) {
    const element = $("choice-row").content.firstElementChild.cloneNode(true);
    const button = element.querySelector("button");
    const seconds = now ? Math.round((at - now) / 1000) : 0;
    const against = Math.abs(seconds) < 30 ? "" : t(seconds > 0 ? "board.later" : "board.sooner", { span: span(Math.abs(seconds)) });
    text(element.querySelector(".name"), rider);
    text(element.querySelector(".when"), [clock(at, ahead), against].filter(Boolean).join(t("page.comma")));
    text(element.querySelector(".cost"), delays(cost));
    text(button, t("board.give", { rider }));
    button.onclick = () => {
      const first = $("first").checked;
      $("assign").close();
      this.#actions.assign(row, rider, first);
    };
    return element;
  }

  reschedule(row) {
    const { ahead } = this;
    const shown = (at) => (at ? new Date(at - ahead).toTimeString().slice(0, 5) : "");
    const had = { ready: shown(row.ready_at), by: shown(row.dropoff_by), priority: `${row.priority ?? 0}` };
    text($("reschedule-title"), t("board.reschedule_title", { order: row.order }));
    for (const name of Object.keys(had)) $(name).value = had[name];
    $("reschedule-send").onclick = () => {
      if (!$("priority").reportValidity()) return;
      const fields = { ready: "ready_at", by: "dropoff_by", priority: "priority" };
      const changed = {}, before = {};
      for (const [name, field] of Object.entries(fields)) {
        const value = $(name).value;
        if (value === had[name] || value === "") continue;
        changed[field] = name === "priority" ? +value : this.#next(value);
        before[field] = row[field] ?? (name === "priority" ? 0 : undefined);
      }
      $("reschedule").close();
      if (!Object.keys(changed).length) return;
      const undoable = Object.values(before).every((value) => value !== undefined);
      this.#actions.reschedule(row, changed, undoable ? before : null);
    };
    $("reschedule").showModal();
  }

  /** The time of the node's clock at the next or last such time of the day, whichever is nearer. */
  #next(time) {
    const [hours, minutes] = time.split(":").map(Number);
    const found = new Date();
    found.setHours(hours, minutes, 0, 0);
    const off = found.getTime() - Date.now();
    if (off < -HALF_DAY_MS) found.setDate(found.getDate() + 1);
    if (off > HALF_DAY_MS) found.setDate(found.getDate() - 1);
    return found.getTime() + this.ahead;
  }

  cancel(row) {
    text($("sure-title"), t("board.cancel_title", { order: row.order }));
    $("sure-send").onclick = () => {
      $("sure").close();
      this.#actions.cancel(row);
    };
    $("sure").showModal();
  }
}
