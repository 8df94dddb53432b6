// Apps that are closed, nodes that restart, answers that come twice: one outcome for each event.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import mqtt from "mqtt";
import { connect, memoryStore } from "../dist/doorstep.js";
import { fileStore } from "../dist/file.js";
import { ORDER, TIMING, folder, network, startNode, until } from "./lab.mjs";

async function app(options, onStart = () => {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("app.mjs", import.meta.url)), JSON.stringify(options)]);
  let [out, errors] = ["", ""];
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (errors += data));
  onStart(child);
  const [, signal] = await once(child, "exit");
  return signal ?? JSON.parse(out || JSON.stringify(errors));
}

const phone = (t, node, more = {}) => {
  const made = connect({ url: node.url, node: "shop-1", name: "phone-7", token: node.tokens["phone-7"], storage: memoryStore(), timing: TIMING, ...more });
  t.after(() => made.close());
  return made;
};

test("an app that is killed between store and send, or before the receipt, gets one outcome after its restart", async (t) => {
  const node = await startNode(t);
  const bad = await network(t, node.port);
  const at = { url: bad.url, token: node.tokens["phone-7"], folder: folder(t) };
  assert.deepEqual(await app({ ...at, order: "o-1" }), [["called", "accepted", "o-1"]]);
  assert.deepEqual(await app(at), []); // what the call has told is not told again
  assert.equal(await app({ ...at, order: "o-2", dies: "stored" }), "SIGKILL");
  assert.deepEqual(await app(at), [["settled", "accepted", "o-2"]]);
  const dies = (child) => {
    bad.breaksDown = (data) => data.includes("o-3") && child.kill("SIGKILL"); // decided, and the app never hears of it
  };
  assert.equal(await app({ ...at, order: "o-3" }, dies), "SIGKILL");
  bad.breaksDown = () => false;
  assert.deepEqual(await app(at), [["settled", "accepted", "o-3"]]);
  assert.deepEqual(await app(at), []);
  const { orders } = await phone(t, node).myOrders();
  assert.deepEqual(orders.map((each) => each.order), ["o-3", "o-2", "o-1"]);
});

test("an outcome waits for somebody who hears of it", async (t) => {
  const node = await startNode(t);
  const storage = fileStore(folder(t));
  const away = phone(t, node, { url: "ws://127.0.0.1:1/mqtt", storage });
  const calls = [away.placeOrder({ ...ORDER, order: "o-1" }), away.placeOrder({ ...ORDER, order: "o-2", dropoff: { lat: 0, lon: 0 } })];
  calls.forEach((call) => call.then(assert.fail, assert.fail));
  await until(() => away.unsent === 2, "two events");
  away.close();
  const deaf = phone(t, node, { storage });
  await until(() => deaf.unsent === 0, "both receipts");
  deaf.close();
  const told = [];
  const back = phone(t, node, { storage });
  back.onSettled((outcome) => told.push([outcome.order, outcome.status, outcome.reason]));
  await until(() => back.state === "online", "a connection");
  assert.deepEqual(told, [["o-1", "accepted", undefined], ["o-2", "refused", "out_of_area"]]);
  assert.deepEqual(storage.keys().filter((key) => key.includes("/e/")), []);
});

test("a store without room refuses the call; nothing is sent, and nothing is lost", async (t) => {
  const node = await startNode(t);
  const away = phone(t, node, { url: "ws://127.0.0.1:1/mqtt", eventsMax: 1 });
  away.placeOrder(ORDER).then(assert.fail, assert.fail);
  await assert.rejects(away.placeOrder(ORDER), { reason: "not_stored", retry: true });
  const store = memoryStore();
  const full = phone(t, node, { storage: { ...store, set: () => { throw new Error("quota exceeded"); } } });
  await assert.rejects(full.placeOrder(ORDER), { reason: "not_stored", message: /quota exceeded/ });
  assert.deepEqual((await full.myOrders()).orders, []);
});

test("a receipt that comes again and again is one outcome", async (t) => {
  const node = await startNode(t);
  const customer = phone(t, node);
  let outcomes = 0;
  customer.onSettled(() => (outcomes += 1));
  const receipt = await customer.placeOrder({ ...ORDER, order: "o-1" }).finally(() => (outcomes += 1));
  const other = await mqtt.connectAsync(node.url, { username: "phone-7", password: node.tokens["phone-7"], protocolVersion: 5 });
  t.after(() => other.end(true));
  const seen = [];
  other.on("message", (topic, payload) => topic.endsWith("/receipt") && seen.push(`${payload}`));
  await other.subscribeAsync("ds/shop-1/down/phone-7/#", { qos: 1 });
  for (let n = 0; n < 3; n += 1)
    await other.publishAsync("ds/shop-1/up/phone-7/order.place", JSON.stringify({ id: receipt.id, at: Date.now(), ...ORDER, order: "o-1" }), { qos: 1 });
  await until(() => seen.length >= 3, "three receipts");
  await other.endAsync();
  await customer.cancelOrder("o-1");
  assert.equal(outcomes, 1);
});

test("a node that is killed and started again decides each event once", async (t) => {
  const node = await startNode(t);
  const customer = phone(t, node);
  await customer.placeOrder({ ...ORDER, order: "o-0" });
  const calls = Array.from({ length: 40 }, (_, n) => customer.placeOrder({ ...ORDER, order: `o-${n + 1}` }));
  await calls[0];
  await node.kill();
  await until(() => customer.state === "offline", "offline");
  calls.push(customer.placeOrder({ ...ORDER, order: "o-41" }));
  await node.start();
  const receipts = await Promise.all(calls);
  assert.equal(new Set(receipts.map((each) => each.order)).size, 41);
  assert.equal((await customer.myOrders()).orders.length, 42);
});

test("a dead spot: what was asked in it is decided after it, in one piece", async (t) => {
  const node = await startNode(t);
  const bad = await network(t, node.port);
  const customer = phone(t, { ...node, url: bad.url }, { timing: { ...TIMING, answer: 500 } });
  const states = [];
  for (const name of ["online", "offline", "degraded"]) customer.on(name, () => states.push(name));
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  bad.swallow = true;
  const calls = [2, 3, 4].map((n) => customer.placeOrder({ ...ORDER, order: `o-${n}` }));
  await until(() => states.includes("offline"), "offline");
  assert.equal(customer.unsent, 3);
  bad.swallow = false;
  assert.deepEqual((await Promise.all(calls)).map((each) => each.order), ["o-2", "o-3", "o-4"]);
  assert.equal((await customer.myOrders()).orders.length, 4);
});
