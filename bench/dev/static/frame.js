// Three panes, and below them every message that goes by, newest first.
const $ = (id) => document.getElementById(id);
const SHOWN_MAX = 500;

fetch("/_dev/settings.json").then((answer) => answer.json()).then(({ panes }) => {
  for (const { title, address } of panes) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const link = document.createElement("a");
    const frame = document.createElement("iframe");
    caption.append(title, link);
    link.textContent = "alone";
    link.href = frame.src = address;
    link.target = "_blank";
    frame.title = title;
    frame.allow = "geolocation";
    figure.append(caption, frame);
    $("panes").append(figure);
  }
});

function fits({ client, kind }) {
  const only = $("only").value.trim();
  return (kind !== "rider.position" || $("positions").checked) && (!only || client.includes(only) || kind.includes(only));
}

function row(message) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const { client, up, kind, qos, body } = message;
  const parts = [new Date().toLocaleTimeString([], { hour12: false }), client, up ? "→" : "←", kind, JSON.stringify(body)];
  summary.className = up ? "up" : "down";
  summary.title = `${up ? "from" : "to"} ${client}, QoS ${qos}`;
  summary.append(...parts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  const whole = document.createElement("pre");
  whole.textContent = JSON.stringify(body, null, 2);
  details.append(summary, whole);
  item.append(details);
  item.message = message;
  item.hidden = !fits(message);
  return item;
}

addEventListener("message", ({ origin, data }) => {
  if (origin !== location.origin || !data.doorstep) return;
  $("log").prepend(row(data.doorstep));
  if ($("log").childElementCount > SHOWN_MAX) $("log").lastElementChild.remove();
  fetch("/_dev/messages", { method: "POST", body: JSON.stringify(data.doorstep) });
});

function choose() {
  for (const item of $("log").children) item.hidden = !fits(item.message);
}
$("only").oninput = choose;
$("positions").onchange = choose;
$("clear").onclick = () => $("log").replaceChildren();
