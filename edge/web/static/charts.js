// Small line charts of the last minutes. Points are [time in ms, value or null]; collected here, not on the node.

export const SPAN_MS = 5 * 60 * 1000;

export class Series {
  constructor() { this.points = []; }

  add(time, value) {
    this.points.push([time, value]);
    while (this.points.length && this.points[0][0] < time - SPAN_MS) this.points.shift();
  }
}

/** Fits a canvas to its box and the screen's density; returns its context with CSS pixels as the unit. */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

const colors = new Map();

/** A colour of the style sheet. Remembered, since a full map asks thousands of times; `forgetColors` when the theme changes. */
export function color(name) {
  if (!colors.has(name)) colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colors.get(name);
}

export function forgetColors() {
  colors.clear();
}

/** The next of 1, 2, 5 times a power of ten that is not below `value`. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.9999);
}

/** Draws `lines`, each {series, color}, over the last SPAN_MS before `now`; `words` are what its time begins and ends with. */
export function draw(canvas, lines, now, words) {
  const { context, width, height } = prepare(canvas);
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.75;
  const left = size * 3.4, bottom = height - size * 1.6, top = size * 0.8;
  const highest = Math.max(0, ...lines.flatMap((line) => line.series.points.map((point) => point[1] ?? 0)));
  const ceiling = roundUp(highest || 1);
  const x = (time) => left + (width - left - 4) * (1 - (now - time) / SPAN_MS);
  const y = (value) => bottom - (bottom - top) * (value / ceiling);

  context.font = `${size}px system-ui, sans-serif`;
  context.fillStyle = color("soft");
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    const at = Math.round(y(ceiling * share)) + 0.5;
    context.beginPath(); context.moveTo(left, at); context.lineTo(width - 4, at); context.stroke();
    context.fillText(`${+(ceiling * share).toPrecision(3)}`, left - 5, at);
  }
  context.textBaseline = "bottom";
  context.textAlign = "left"; context.fillText(words[0], left, height);
  context.textAlign = "right"; context.fillText(words[1], width - 4, height);

  for (const line of lines) {
    context.strokeStyle = color(line.color);
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    context.beginPath();
    let pen = false;
    for (const [time, value] of line.series.points) {
      if (value === null || time < now - SPAN_MS) { pen = false; continue; }
      if (pen) context.lineTo(x(time), y(value)); else context.moveTo(x(time), y(value));
      pen = true;
    }
    context.stroke();
    const last = line.series.points.at(-1);
    if (last && last[1] !== null) {
      context.fillStyle = color(line.color);
      context.beginPath(); context.arc(x(last[0]), y(last[1]), 2.6, 0, 7); context.fill();
    }
  }
}
