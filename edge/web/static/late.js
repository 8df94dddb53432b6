// The orders that a person should look at: late, or waiting for a rider, the worst first.

import { named, span, t } from "./language.js";
import { orderColor } from "./map.js";

const LATE_S = 300; // a promise counts as kept up to this much after its time
const SHOWN_MAX = 8;

export const lateOrders = (orders) => orders.filter((order) => (order.late_s ?? 0) >= LATE_S).sort((a, b) => b.late_s - a.late_s);

/** `parts`: the list, the note beside its heading, and the hint below it. */
export function showLate(orders, parts) {
  const shown = orders.slice(0, SHOWN_MAX);
  const more = orders.length - shown.length;
  parts.note.textContent = more ? t("page.late_more", { count: more }) : "";
  parts.hint.hidden = !orders.length;
  parts.list.replaceChildren(...(shown.length ? shown.map(item) : [nothing()]));
}

function item(order) {
  const row = document.createElement("li");
  const dot = document.createElement("span"), name = document.createElement("b"), late = document.createElement("span"), note = document.createElement("p");
  dot.className = "dot";
  dot.style.background = orderColor(order.state);
  name.textContent = order.id;
  late.className = "by";
  late.textContent = t(order.state === "placed" ? "page.late_waits" : "page.late_by", { span: span(order.late_s) });
  note.className = "note";
  note.textContent = [named("order", order.state).toLowerCase(), order.note].filter(Boolean).join(t("page.colon"));
  row.append(dot, name, late, note);
  return row;
}

function nothing() {
  const row = document.createElement("li");
  row.className = "empty";
  row.textContent = t("page.late_none");
  return row;
}
