// What a dispatcher decides: each is an event with an id, sent until its receipt is here. The last one can be undone.

import { named, t } from "./language.js";
import { delays } from "./dialogs.js";

const $ = (id) => document.getElementById(id);

export class Actions {
  #undo = null;

  constructor(client, refresh) {
    this.client = client;
    this.refresh = refresh;
    $("undo").onclick = () => {
      const undo = this.#undo;
      this.#offer(null);
      undo?.();
    };
  }

  assign(row, rider, first = false) {
    const fields = { order: row.order, rider, ...(first && { position: 0 }) };
    return this.#send("order.assign", fields, "board.did_assign", { order: row.order, rider }, () => this.#back(row));
  }

  hold(row) {
    return this.#send("order.hold", { order: row.order }, "board.did_hold", { order: row.order }, () => this.#back(row));
  }

  pin(row) {
    const rider = row.rider || row.planned;
    return this.#send("order.pin", { order: row.order, rider }, "board.did_pin", { order: row.order, rider }, () => this.#back(row));
  }

  release(row, undoable = true) {
    return this.#send("order.release", { order: row.order }, "board.did_release", { order: row.order }, undoable && row.override ? () => this.#back(row) : null);
  }

  /** `changed` has the fields of `order.reschedule`, `before` those that they had. */
  reschedule(row, changed, before) {
    const undo = before && (() => this.reschedule(row, before, null));
    return this.#send("order.reschedule", { order: row.order, ...changed }, "board.did_reschedule", { order: row.order }, undo);
  }

  redeliver(row) {
    return this.#send("order.redeliver", { order: row.order }, "board.did_redeliver", { order: row.order }, null);
  }

  cancel(row) {
    return this.#send("order.cancel", { order: row.order }, "board.did_cancel", { order: row.order }, null);
  }

  pause(row) {
    return this.#send("rider.pause", { rider: row.rider }, "board.did_pause", { rider: row.rider }, () => this.resume(row));
  }

  resume(row) {
    return this.#send("rider.resume", { rider: row.rider }, "board.did_resume", { rider: row.rider }, () => this.pause(row));
  }

  /** What became of what was sent before the page was loaded again. */
  settled(outcome) {
    if (outcome.status === "accepted") this.#report(t("board.settled", { what: outcome.order ?? outcome.of }));
    else this.#fail(outcome.of, outcome);
    this.refresh();
  }

  // -- inside ----------------------------------------------------------------------------------------------------------

  /** As it was decided before; without that, the node decides again. */
  #back(row) {
    const { kind, rider } = row.override ?? {};
    if (kind === "held") return this.hold(row);
    if (kind === "pinned") return this.pin({ ...row, rider });
    if (kind === "assigned") return this.assign(row, rider);
    return this.release(row, false);
  }

  async #send(kind, fields, key, names, undo) {
    const reason = kind === "order.redeliver" ? "" : $("reason").value.trim(); // that one has no such field
    this.#offer(null);
    this.#report(t("board.sending"));
    if (reason) $("reason").value = "";
    try {
      const receipt = await this.client.send(kind, { ...fields, ...(reason && { reason }) });
      const cost = receipt.delays?.length ? t("page.colon") + delays(receipt.delays) : "";
      this.#report(t(key, names) + cost);
      this.#offer(undo);
    } catch (error) {
      this.#report("");
      this.#fail(fields.order ?? fields.rider, error.receipt ?? { reason: error.reason });
    }
    this.refresh();
  }

  #report(words) {
    $("done").textContent = words;
    if (words) $("failed").textContent = "";
  }

  #fail(what, { reason, detail }) {
    $("failed").textContent = t("board.refused", { what, reason: named("reason", reason ?? "other") }) + (detail ? t("page.colon") + detail : "");
  }

  #offer(undo) {
    this.#undo = undo;
    $("undo").hidden = !undo;
  }
}
