// The district on a canvas: shops are hollow squares, riders are discs, with a nose while they ride, orders are drops; both
// are coloured by state.
// No map tiles: the page works without internet, and shows nothing to anybody else.

import { color, prepare } from "./charts.js";

const METRES_PER_DEGREE = 111_320;
const HEADING_METRES = 5; // below this a move is the noise of positioning

export const ORDER_STATES = { placed: "placed", offered: "offered", accepted: "accepted", at_shop: "at-shop", picked_up: "picked-up", at_customer: "picked-up", returning: "other" };
const RIDER_COLORS = { idle: "rider-idle", offered: "offered", silent: "rider-silent" };

export const orderColor = (state) => color(ORDER_STATES[state] ?? "other");
export const riderColor = (state) => color(RIDER_COLORS[state] ?? "rider-busy");

export function mark(context, kind, x, y, dot, size) {
  context.beginPath();
  if (kind === "shop") {
    context.fillStyle = color("map");
    context.strokeStyle = color("shop");
    context.lineWidth = 2;
    context.rect(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6);
    context.fill();
    context.stroke();
    return;
  }
  if (kind === "order") {
    context.fillStyle = orderColor(dot.state);
    context.moveTo(x, y + size * 1.3);
    context.lineTo(x - size, y - size * 0.3);
    context.arc(x, y - size * 0.3, size, Math.PI, 0);
    context.closePath();
    context.fill();
    context.beginPath();
    context.fillStyle = color("map");
    context.arc(x, y - size * 0.3, size * 0.36, 0, 7);
    context.fill();
    return;
  }
  context.fillStyle = riderColor(dot.state);
  context.strokeStyle = color("map");
  context.lineWidth = 1.5;
  if (dot.heading !== null && dot.heading !== undefined) { // a nose in the direction of its ride
    const turn = (dot.heading * Math.PI) / 180;
    const corner = (angle, reach) => [x + Math.sin(turn + angle) * reach, y - Math.cos(turn + angle) * reach];
    context.moveTo(...corner(0, size * 2));
    context.lineTo(...corner(0.9, size * 0.8));
    context.lineTo(...corner(-0.9, size * 0.8));
    context.closePath();
    context.stroke();
    context.fill();
    context.beginPath();
  }
  context.arc(x, y, size * 0.8, 0, 7);
  context.stroke();
  context.fill();
}

export class DistrictMap {
  constructor(canvas, tip, fitButton, describe) {
    this.canvas = canvas;
    this.tip = tip;
    this.fitButton = fitButton;
    this.describe = describe;
    this.view = { shops: [], orders: [], riders: [] };
    this.places = new Map(); // rider -> the place and heading that its next heading is measured from
    this.center = null; // [x, y] in metres of the local projection
    this.scale = 0.05; // CSS pixels for a metre
    this.fitted = true;
    this.pointers = new Map();
    this.hover = null; // the pointer, while it is over the map and nothing is dragged
    this.listen();
    new ResizeObserver(() => { if (this.fitted) this.fit(); this.draw(); }).observe(canvas);
  }

  show(view) {
    this.setHeadings(view.riders);
    this.view = view;
    const all = [...view.shops, ...view.orders, ...view.riders];
    if (this.origin === undefined && all.length) this.origin = [all[0].lat, all[0].lon];
    if (this.fitted) this.fit();
    this.draw();
  }

  /** A rider's heading, where the node does not send it, is the way from its last place; it stays while the rider stands. */
  setHeadings(riders) {
    const before = this.places;
    this.places = new Map();
    for (const rider of riders) {
      const last = before.get(rider.id);
      let place = { lat: rider.lat, lon: rider.lon, heading: rider.heading ?? last?.heading ?? null };
      if (last && (rider.heading === null || rider.heading === undefined)) {
        const east = (rider.lon - last.lon) * Math.cos((rider.lat * Math.PI) / 180), north = rider.lat - last.lat;
        if (Math.hypot(east, north) * METRES_PER_DEGREE >= HEADING_METRES) place.heading = (Math.atan2(east, north) * 180) / Math.PI;
        else place = last;
      }
      rider.heading = place.heading;
      this.places.set(rider.id, place);
    }
  }

  project(dot) {
    const narrow = Math.cos((this.origin[0] * Math.PI) / 180);
    return [(dot.lon - this.origin[1]) * METRES_PER_DEGREE * narrow, (this.origin[0] - dot.lat) * METRES_PER_DEGREE];
  }

  screen(dot) {
    const [x, y] = this.project(dot);
    return [
      this.canvas.clientWidth / 2 + (x - this.center[0]) * this.scale,
      this.canvas.clientHeight / 2 + (y - this.center[1]) * this.scale,
    ];
  }

  /** Everything in view. The frame grows at once and shrinks only when it is far too large: no jumping at each poll. */
  fit(force = false) {
    const all = [...this.view.shops, ...this.view.orders, ...this.view.riders];
    if (!all.length) return;
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const dot of all) {
      const [x, y] = this.project(dot);
      west = Math.min(west, x); east = Math.max(east, x); north = Math.min(north, y); south = Math.max(south, y);
    }
    const margin = 28;
    const scale = Math.min(
      (this.canvas.clientWidth - 2 * margin) / Math.max(east - west, 300),
      (this.canvas.clientHeight - 2 * margin) / Math.max(south - north, 300),
    );
    if (scale <= 0) return;
    const center = [(west + east) / 2, (north + south) / 2];
    const inside = this.center !== null && !force && this.size === `${this.canvas.clientWidth}x${this.canvas.clientHeight}` &&
      scale < this.scale * 1.25 && this.holds(west, north, east, south);
    if (inside) return;
    this.size = `${this.canvas.clientWidth}x${this.canvas.clientHeight}`;
    this.center = center;
    this.scale = scale;
  }

  holds(west, north, east, south) {
    const halfWidth = this.canvas.clientWidth / 2 / this.scale, halfHeight = this.canvas.clientHeight / 2 / this.scale;
    const [x, y] = this.center;
    return west >= x - halfWidth && east <= x + halfWidth && north >= y - halfHeight && south <= y + halfHeight;
  }

  setFitted(fitted) {
    this.fitted = fitted;
    this.fitButton.setAttribute("aria-pressed", String(fitted));
    if (fitted) this.fit(true);
    this.draw();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    if (!this.center) return;
    const scale = Math.min(Math.max(this.scale * factor, 0.0005), 5);
    const dx = (x - this.canvas.clientWidth / 2), dy = (y - this.canvas.clientHeight / 2);
    this.center = [this.center[0] + dx / this.scale - dx / scale, this.center[1] + dy / this.scale - dy / scale];
    this.scale = scale;
    this.setFitted(false);
  }

  pan(dx, dy) {
    if (!this.center) return;
    this.center = [this.center[0] - dx / this.scale, this.center[1] - dy / this.scale];
    this.setFitted(false);
  }

  listen() {
    const canvas = this.canvas;
    const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY * 0.0015), ...at(event)); }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.hover = at(event);
      this.draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = at(event), before = this.pointers.get(event.pointerId);
      this.hover = now;
      if (before === undefined) return this.draw();
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
      this.pointers.set(event.pointerId, now);
      const reach = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      if (other) this.zoom(reach(now) / Math.max(reach(before), 1), ...other);
      else if (now[0] !== before[0] || now[1] !== before[1]) this.pan(now[0] - before[0], now[1] - before[1]);
    });
    const up = (event) => this.pointers.delete(event.pointerId);
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "touch") return; // a name that was tapped stays until the next tap
      this.hover = null;
      this.draw();
    });
    canvas.addEventListener("dblclick", (event) => this.zoom(2, ...at(event)));
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (moves[event.key]) this.pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.4);
      else if (event.key === "-") this.zoom(1 / 1.4);
      else if (event.key === "0") this.setFitted(true);
      else return;
      event.preventDefault();
    });
  }

  draw() {
    const { context, width, height } = prepare(this.canvas);
    if (!this.center) return;
    this.drawGrid(context, width, height);
    const size = Math.min(Math.max(4.5 + Math.log2(this.scale / 0.02), 4), 9);
    let nearest = null, reach = 14;
    for (const [kind, dots] of [["shop", this.view.shops], ["order", this.view.orders], ["rider", this.view.riders]]) {
      for (const dot of dots) {
        const [x, y] = this.screen(dot);
        if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
        mark(context, kind, x, y, dot, size);
        const away = this.hover ? Math.hypot(x - this.hover[0], y - this.hover[1]) : Infinity;
        if (away < reach) { reach = away; nearest = { kind, dot, x, y }; }
      }
    }
    this.showTip(context, nearest, size, width);
  }

  showTip(context, nearest, size, width) {
    this.tip.hidden = nearest === null;
    if (nearest === null) return;
    context.strokeStyle = color("accent");
    context.lineWidth = 2;
    context.beginPath(); context.arc(nearest.x, nearest.y, size * 2, 0, 7); context.stroke();
    this.tip.textContent = this.describe(nearest.kind, nearest.dot);
    const room = this.tip.offsetWidth;
    const x = nearest.x + 16 + room > width ? nearest.x - 16 - room : nearest.x + 16;
    const y = Math.max(nearest.y - this.tip.offsetHeight - 8, 4);
    this.tip.style.transform = `translate(${Math.round(Math.max(x, 4))}px, ${Math.round(y)}px)`;
  }

  /** A square grid with a round length, and a scale bar that names it. */
  drawGrid(context, width, height) {
    const wanted = 110 / this.scale;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((factor) => factor * power).findLast((length) => length <= wanted) ?? power;
    const pixels = step * this.scale;
    const first = (middle, size) => ((size / 2 - middle * this.scale) % pixels + pixels) % pixels;
    context.strokeStyle = color("grid");
    context.lineWidth = 1;
    context.beginPath();
    for (let x = first(this.center[0], width); x < width; x += pixels) { context.moveTo(Math.round(x) + 0.5, 0); context.lineTo(Math.round(x) + 0.5, height); }
    for (let y = first(this.center[1], height); y < height; y += pixels) { context.moveTo(0, Math.round(y) + 0.5); context.lineTo(width, Math.round(y) + 0.5); }
    context.stroke();
    context.strokeStyle = context.fillStyle = color("soft");
    context.lineWidth = 2;
    context.beginPath(); context.moveTo(14, height - 20); context.lineTo(14, height - 14); context.lineTo(14 + pixels, height - 14); context.lineTo(14 + pixels, height - 20); context.stroke();
    context.font = `${parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.8}px system-ui, sans-serif`;
    context.textAlign = "left"; context.textBaseline = "bottom";
    context.fillText(step >= 1000 ? `${step / 1000} km` : `${step} m`, 20, height - 18);
  }
}
