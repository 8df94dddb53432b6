// What the three pages share: the connection from the address (#url=…&node=…&name=…&token=…), its state, and a card.
const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const client = doorstep.connect(given);
const $ = (id) => document.getElementById(id);

function show(state, text) {
  $("state").className = state;
  $("state").textContent = text;
}
client.on("online", () => show("online", "online"));
client.on("degraded", ({ reason }) => show("degraded", reason));
client.on("offline", () => show("offline", client.unsent ? `offline, ${client.unsent} to send` : "offline"));
client.on("unsent", (n) => client.state !== "online" && show(client.state, n ? `${client.state}, ${n} to send` : client.state));
client.onSettled((outcome) => note(`${outcome.of}: ${outcome.reason ?? outcome.status}`));

function note(text) {
  $("note").textContent = text;
}

/** A call of the client at a button: refusals are shown. */
async function press(button, call) {
  button.disabled = true;
  note("");
  try {
    return await call();
  } catch (error) {
    note(error.retry ? `${error.message}. Please try again.` : error.message);
  } finally {
    button.disabled = false;
  }
}

/** The time of day of a time from the node. */
const clock = (at) => new Date(at - client.now() + Date.now()).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** The card of an order, made when it is first asked for. */
function card(order) {
  const found = document.querySelector(`[data-order="${CSS.escape(order)}"]`);
  if (found) return found;
  const made = document.createElement("article");
  made.dataset.order = order;
  $("orders").prepend(made);
  return made;
}

function lines(element, ...texts) {
  element.replaceChildren(...texts.filter(Boolean).map((text, n) => {
    const line = document.createElement("p");
    line.textContent = text;
    line.className = n ? "" : "big";
    return line;
  }));
}

function button(element, text, call, quiet = false) {
  const made = document.createElement("button");
  made.textContent = text;
  made.className = quiet ? "quiet" : "";
  made.onclick = () => press(made, call);
  element.append(made);
}
