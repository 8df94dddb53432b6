// Tokens that end, nodes that go and come back, clocks that are wrong, and a network that breaks again and again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, memoryStore } from "../dist/doorstep.js";
import { ORDER, PICKUP, TIMING, network, sleep, startNode, until } from "./lab.mjs";

const phone = (t, node, more = {}) => {
  const made = connect({ url: node.url, node: "shop-1", name: "phone-7", token: node.tokens["phone-7"], storage: memoryStore(), timing: TIMING, ...more });
  t.after(() => made.close());
  return made;
};
const states = (client) => {
  const said = [];
  for (const name of ["online", "degraded", "offline"]) client.on(name, (event) => said.push(name === "degraded" ? event.reason : name));
  return said;
};

test("a token that ends while an event is on its way is replaced, and the event is decided", async (t) => {
  const node = await startNode(t);
  const bad = await network(t, node.port);
  const tokens = [];
  const getToken = async () => {
    tokens.push(tokens.length === 0 ? node.sign("phone-7", "customer", -60) : node.sign("phone-7", "customer", 2));
    return tokens.at(-1);
  };
  const customer = phone(t, node, { url: bad.url, token: undefined, getToken });
  const said = states(customer);
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  assert.equal(tokens.length, 2); // the first one was refused
  await until(() => customer.state === "online", "online");
  bad.swallow = true;
  const call = customer.placeOrder({ ...ORDER, order: "o-2" });
  await sleep(2_500); // its token ends
  bad.swallow = false;
  bad.cut(); // what was swallowed is lost to TCP, too
  assert.equal((await call).order, "o-2");
  const lived = said.filter((each) => each === "online").length;
  await until(() => said.filter((each) => each === "online").length > lived, "the node ends the session, and another begins");
  assert.ok(tokens.length >= 4);
  assert.equal((await customer.placeOrder({ ...ORDER, order: "o-3" })).order, "o-3");
});

test("a JWT names its client; without one, or without a node, connect says what is missing", async (t) => {
  const node = await startNode(t);
  const customer = connect({ url: node.url, node: "shop-1", token: node.sign("phone-7", "customer", 60), storage: memoryStore(), timing: TIMING });
  t.after(() => customer.close());
  assert.equal(customer.name, "phone-7");
  await customer.placeOrder(ORDER);
  for (const wrong of [{ name: undefined }, { node: undefined }, { url: "http://a" }, { url: [] }])
    assert.throws(() => connect({ url: node.url, node: "shop-1", name: "phone-7", token: "t", ...wrong }), /connect needs/);
});

test("another address of the node while the first one is down, and the first one again", async (t) => {
  const node = await startNode(t);
  const [good, spare] = [await network(t, node.port), await network(t, node.port)];
  const customer = phone(t, node, { url: [good.url, spare.url] });
  const said = states(customer);
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  good.down = true;
  const call = customer.placeOrder({ ...ORDER, order: "o-2" });
  good.cut();
  assert.equal((await call).order, "o-2");
  await until(() => said.at(-1) === "fallback", "fallback");
  good.down = false;
  await until(() => said.at(-1) === "online" && said.includes("fallback"), "back at the first address");
  await customer.placeOrder({ ...ORDER, order: "o-3" });
  assert.equal((await customer.myOrders()).orders.length, 3);
});

test("an event that one node may have decided goes to no other node, and waits for the first one", async (t) => {
  const first = await startNode(t, { name: "shop-1" });
  const second = await startNode(t, { name: "shop-2" });
  const bad = await network(t, first.port);
  const customer = phone(t, first, {
    url: [{ url: bad.url, node: "shop-1" }, { url: second.url, node: "shop-2" }],
    token: undefined,
    getToken: (name) => (name === "shop-1" ? first : second).sign("phone-7", "customer", 600),
  });
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  bad.breaksDown = (data) => data.includes("o-2"); // decided by the first node, and nobody hears of it
  const call = customer.placeOrder({ ...ORDER, order: "o-2" });
  await until(() => customer.state === "offline" || bad.connections > 1, "a broken connection");
  bad.down = true;
  bad.cut();
  bad.breaksDown = () => false;
  await until(() => customer.state === "degraded", "the second node");
  assert.equal((await customer.placeOrder({ ...ORDER, order: "o-3" })).order, "o-3");
  assert.equal(customer.unsent, 1);
  assert.deepEqual((await customer.myOrders()).orders.map((each) => each.order), ["o-3"]);
  bad.down = false;
  assert.equal((await call).order, "o-2");
  assert.deepEqual((await customer.myOrders()).orders.map((each) => each.order), ["o-2", "o-1"]);
});

test("a phone whose clock is eight hours ahead knows the node's", async (t) => {
  const node = await startNode(t);
  const real = Date.now;
  Date.now = () => real() + 8 * 3_600_000;
  t.after(() => (Date.now = real));
  const [customer, shop] = ["phone-7", "noodle-bar"].map((name) => phone(t, node, { name, token: node.tokens[name] }));
  const receipt = await customer.placeOrder({ ...ORDER, order: "o-1" });
  assert.ok(Math.abs(receipt.at - real()) < 30_000);
  assert.ok(Math.abs(customer.now() - real()) < 5_000, `${customer.now() - real()}`);
  await shop.delay("o-1", 1_200);
  const { orders } = await customer.myOrders();
  assert.ok(Math.abs(orders[0].ready_at - real() - 1_200_000) < 30_000, `${orders[0].ready_at - real()}`);
});

test("positions are batched and thinned, and those of a dead spot come after it", async (t) => {
  const node = await startNode(t, { dispatch: { show_rider: true } });
  const bad = await network(t, node.port);
  const [customer, rider] = ["phone-7", "rider-12"].map((name) =>
    phone(t, { ...node, url: name === "rider-12" ? bad.url : node.url }, { name, token: node.tokens[name], crs: "wgs84" }));
  const offers = [];
  rider.onAssignment((each) => offers.push(each));
  await rider.goOnShift({ place: PICKUP });
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  await (await until(() => offers[0], "an offer")).accept();
  await rider.progress("o-1", "picked_up");
  bad.down = true;
  bad.cut();
  await until(() => rider.state === "offline", "offline");
  for (let n = 0; n < 500; n += 1) rider.reportPosition({ lat: PICKUP.lat + n * 1e-7, lon: PICKUP.lon });
  bad.down = false;
  const shown = async () => (await customer.trackRider("o-1")).lat === 31.23045;
  await until(shown, "the last position");
});

test("orders through a network that breaks again and again: one receipt and one decision each", async (t) => {
  const count = 1_000;
  const node = await startNode(t, { options: { messages_burst: 100_000 }, dispatch: { orders_per_customer_max: 2_000 } });
  const bad = await network(t, node.port);
  bad.breaksAt = (n) => (n % 3 === 0 ? 0 : 15_000); // each third one at once, the others after some 40 orders
  const customer = phone(t, node, { url: bad.url, eventsMax: count, timing: { ...TIMING, backoff: 20, backoffMax: 100 } });
  let outcomes = 0;
  const calls = Array.from({ length: count }, (_, n) =>
    customer.placeOrder({ ...ORDER, order: `o-${n}`, ...(n % 50 === 0 && { dropoff: { lat: 0, lon: 0 } }) }).finally(() => (outcomes += 1)));
  const results = await Promise.allSettled(calls);
  const refused = results.filter((each) => each.status === "rejected");
  assert.deepEqual([...new Set(refused.map((each) => each.reason.reason))], ["out_of_area"]);
  assert.equal(refused.length, count / 50);
  assert.equal(outcomes, count);
  assert.ok(bad.connections > 20, `${bad.connections} connections`);
  const accepted = new Set(results.filter((each) => each.status === "fulfilled").map((each) => each.value.order));
  assert.equal(accepted.size, count - count / 50);
  const { orders, more } = await customer.myOrders();
  assert.equal(orders.length + more, accepted.size);
  assert.equal(customer.unsent, 0);
});
