// The orders that a person should look at: late, or waiting for a rider, the worst first.

import { orderColor } from "./map.js";

const LATE_S = 300; // a promise counts as kept up to this much after its time
const SHOWN_MAX = 8;

export const lateOrders = (orders) => orders.filter((order) => (order.late_s ?? 0) >= LATE_S).sort((a, b) => b.late_s - a.late_s);

/** `parts`: the list, the note beside its heading, and the hint below it. */
export function showLate(orders, parts, span) {
  const shown = orders.slice(0, SHOWN_MAX);
  const more = orders.length - shown.length;
  parts.note.textContent = more ? `${more} more` : "";
  parts.hint.hidden = !orders.length;
  parts.list.replaceChildren(...(shown.length ? shown.map((order) => item(order, span)) : [nothing()]));
}

function item(order, span) {
  const row = document.createElement("li");
  const dot = document.createElement("span"), name = document.createElement("b"), late = document.createElement("span"), note = document.createElement("p");
  dot.className = "dot";
  dot.style.background = orderColor(order.state);
  name.textContent = order.id;
  late.className = "by";
  late.textContent = order.state === "placed" ? `waits ${span(order.late_s)}` : `${span(order.late_s)} late`;
  note.className = "note";
  note.textContent = [order.state.replaceAll("_", " "), order.note].filter(Boolean).join(": ");
  row.append(dot, name, late, note);
  return row;
}

function nothing() {
  const row = document.createElement("li");
  row.className = "empty";
  row.textContent = "No order is late, and none waits for a rider for long.";
  return row;
}
