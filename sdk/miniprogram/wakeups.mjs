// Measures how often this client wakes a phone: timers that fire, and what goes through its socket, of the client with
// its own settings and a node with its defaults. One JSON object, figures a minute. Usage: node wakeups.mjs [MINUTES [SECONDS_BEFORE]]
import { connect as connectTcp, createServer } from "node:net";

const MINUTES = Number(process.argv[2] ?? 3);
const BEFORE_S = Number(process.argv[3] ?? 70); // what the connection and the first messages have begun is over then
const TOGETHER_MS = 100; // what happens within this of the last thing is the same wake-up

const begin = performance.now();
let seen = []; // [milliseconds, what]
const note = (what) => seen.push([performance.now() - begin, what]);
const clocks = { setTimeout, setInterval };
for (const [name, made] of Object.entries(clocks))
  globalThis[name] = (call, ms, ...more) => made((...given) => (note("timers"), call(...given)), ms, ...more);
const sleep = (ms) => new Promise((done) => clocks.setTimeout(done, ms));

// After the timers are watched: both take theirs when they are loaded.
const { connect, memoryStore } = await import("./dist/doorstep.js");
const { ORDER, PICKUP, startNode, until } = await import("./test/lab.mjs");

const ends = [];
const node = await startNode({ after: (call) => ends.unshift(call) });
const server = createServer((near) => {
  const far = connectTcp(node.port, "127.0.0.1");
  near.on("data", (data) => (note("sent"), far.write(data))).on("close", () => far.destroy());
  far.on("data", (data) => (note("received"), near.write(data))).on("close", () => near.destroy());
  for (const each of [near, far]) each.on("error", () => {});
}).listen(0, "127.0.0.1");
await until(() => server.address(), "a port");
const start = (name) =>
  connect({ url: `ws://127.0.0.1:${server.address().port}/mqtt`, node: "shop-1", name, token: node.tokens[name], storage: memoryStore() });

/** What happens in so many minutes; `while_` runs beside it, and its own timers are not counted. */
async function watched(while_ = () => {}) {
  await sleep(BEFORE_S * 1_000);
  seen = [];
  const end = performance.now() + MINUTES * 60_000;
  for (; performance.now() < end; await sleep(Math.min(1_000, end - performance.now()))) while_();
  const counts = { timers: 0, sent: 0, received: 0, wake_ups: 0 };
  let last = -Infinity;
  for (const [at, what] of seen) {
    counts[what] += 1;
    if (at - last > TOGETHER_MS) counts.wake_ups += 1;
    last = at;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, +(count / MINUTES).toFixed(1)]));
}

try {
  const found = { minutes: MINUTES };
  const customer = start("phone-7");
  await customer.placeOrder(ORDER); // nobody is on shift: it stays open
  found.customer_with_an_open_order = await watched();
  customer.close();
  const rider = start("rider-12");
  await rider.goOnShift({ place: PICKUP });
  found.rider_on_shift_that_stands = await watched();
  let step = 0;
  // A phone's positioning calls once a second; so it is awake anyway, and what counts is the radio.
  found.rider_on_shift_that_rides = await watched(() => rider.reportPosition({ lat: PICKUP.lat + step++ / 1e5, lon: PICKUP.lon }));
  rider.close();
  console.log(JSON.stringify(found, null, 1));
} finally {
  for (const end of ends) await end();
}
process.exit();
