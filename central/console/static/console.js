// Charts, and fragments that refresh while the tab is visible. Without it every page still works; it only does not move.
(() => {
  "use strict";
  const DEADLINE_MS = 10000;
  const root = document.documentElement;
  root.classList.add("scripted");
  const content = document.getElementById("content");
  const live = document.getElementById("live");
  const color = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  // -- charts ------------------------------------------------------------------------------------------------------------

  const charts = new Map(); // element -> {plot, data}
  const short = (value) => {
    for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (Math.abs(value) >= size) return `${+(value / size).toPrecision(3)} ${unit}`;
    return `${+value.toPrecision(3)}`;
  };
  const milliseconds = (value) => (value >= 60000 ? `${+(value / 60000).toPrecision(3)} min` : value >= 1000 ? `${+(value / 1000).toPrecision(3)} s` : `${+value.toPrecision(3)} ms`);
  const tens = (low, high) => Array.from({ length: high - low }, (_, i) => [1, 2, 5].map((step) => step * 10 ** (low + i))).flat();
  const COUNTS = tens(0, 15);
  const STEPS_MS = [...tens(0, 4), ...[20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 36000, 86400].map((seconds) => seconds * 1000)];
  const written = (value, unit) => (value === null || value === undefined ? "–" : unit === "ms" ? milliseconds(value) : short(value));

  function drawn(element) {
    const text = element.dataset.chart;
    const known = charts.get(element);
    if (known?.text === text) return;
    const { at, lines, unit } = JSON.parse(text);
    const data = [at.map((ms) => ms / 1000), ...lines.map((line) => line.values)];
    if (known && known.lines === lines.length) {
      known.text = text;
      known.plot.setData(data);
      return;
    }
    known?.plot.destroy();
    element.replaceChildren();
    const tip = document.createElement("div");
    tip.className = "tip";
    const zone = element.dataset.timezone;
    const axis = { stroke: () => color("soft"), grid: { stroke: () => color("line"), width: 1 }, ticks: { stroke: () => color("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const time = (seconds, options) => new Date(seconds * 1000).toLocaleString(root.lang, { timeZone: zone, hour12: false, ...options });
    const plot = new uPlot({
      width: Math.max(element.clientWidth, 100), height: element.clientHeight,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high ?? 1, 1) * 1.08] } },
      series: [{}, ...lines.map((line) => ({ label: line.name, stroke: () => color(line.color), width: 2, spanGaps: false, points: { show: at.length < 2 || undefined } }))],
      axes: [
        { ...axis, space: 70, values: (_, ticks) => { const days = ticks.length > 1 && ticks[1] - ticks[0] >= 86400; return ticks.map((tick) => time(tick, days ? { month: "numeric", day: "numeric" } : { hour: "2-digit", minute: "2-digit" })); } },
        { ...axis, size: 66, incrs: unit === "ms" ? STEPS_MS : COUNTS, values: (_, ticks) => ticks.map((tick) => written(tick, unit)) },
      ],
      hooks: { setCursor: [(u) => {
        const i = u.cursor.idx;
        tip.textContent = i === null || i === undefined ? "" : [time(u.data[0][i], { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }), ...lines.map((line, n) => `${line.name} ${written(u.data[n + 1][i], unit)}`)].join("  ");
      }] },
    }, data, element);
    element.append(tip);
    charts.set(element, { plot, text, lines: lines.length });
    sizes.observe(element);
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) charts.get(target)?.plot.setSize({ width: Math.max(target.clientWidth, 100), height: target.clientHeight });
  });
  function drawAll() {
    for (const element of charts.keys()) if (!element.isConnected) { charts.get(element).plot.destroy(); charts.delete(element); }
    if (window.uPlot) document.querySelectorAll(".plot").forEach(drawn);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const { plot } of charts.values()) plot.redraw(); });

  // -- fragments ---------------------------------------------------------------------------------------------------------

  const rules = {
    morphStyle: "innerHTML", ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed: (before, after) => {
        if (!before.classList?.contains("plot")) return true;
        before.dataset.chart = after.dataset.chart; // what is inside is uPlot's
        return false;
      },
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
    },
  };

  let busy = false;
  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) { show("lost"); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      Idiomorph.morph(content, page.getElementById("content").innerHTML, rules);
      drawAll();
      show("connected");
    } catch {
      show("lost");
    } finally {
      busy = false;
    }
  }

  function show(state) {
    document.body.classList.toggle("connected", state === "connected");
    document.body.classList.toggle("lost", state === "lost");
    const words = { connected: live?.dataset.live, paused: live?.dataset.paused, lost: live?.dataset.lost }[state];
    if (live && live.textContent !== words) live.textContent = words;
  }

  let source = null;
  function listen() {
    if (document.hidden) {
      source?.close();
      source = null;
      show("paused");
      return;
    }
    if (source) return;
    source = new EventSource("/events");
    source.addEventListener("open", () => show("connected"));
    source.addEventListener("change", refresh);
    source.addEventListener("end", () => location.reload());
    source.addEventListener("error", () => show("lost"));
  }

  document.addEventListener("change", (event) => { if (event.target.matches("[data-submit]")) event.target.form.requestSubmit(); });
  drawAll();
  if (content.hasAttribute("data-refresh")) {
    listen();
    document.addEventListener("visibilitychange", () => { listen(); if (!document.hidden) refresh(); });
    addEventListener("pagehide", () => { source?.close(); source = null; });
    addEventListener("pageshow", listen);
  }
})();
