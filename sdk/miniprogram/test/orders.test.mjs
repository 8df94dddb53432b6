// From the order to the door, with a real node, and through a broker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, connect, memoryStore } from "../dist/doorstep.js";
import { ORDER, PICKUP, TIMING, network, startBroker, startNode, until } from "./lab.mjs";

function client(t, node, name, more = {}) {
  const made = connect({ url: node.url, node: "shop-1", name, token: node.tokens[name], storage: memoryStore(), timing: TIMING, ...more });
  t.after(() => made.close());
  return made;
}

/** Everybody at work: an order that a rider accepts, fetches and delivers. `disturb` is called before each step. */
async function evening(t, node, more, disturb = () => {}) {
  const [customer, rider, shop] = ["phone-7", "rider-12", "noodle-bar"].map((name) => client(t, node, name, more));
  const states = [];
  const offers = [];
  customer.onUpdate((update) => states.push(update.state));
  rider.onAssignment((assignment) => offers.push(assignment));
  const step = async (name, call) => {
    disturb(name);
    return call();
  };
  await step("shift", () => rider.goOnShift({ capacity: 2, place: PICKUP }));
  rider.reportPosition(PICKUP);
  const receipt = await step("order", () => customer.placeOrder({ ...ORDER, order: "o-1" }));
  assert.equal(receipt.order, "o-1");
  const offer = await until(() => offers.find((each) => each.state === "offered"), "an offer");
  const replies = await step("accept", () => Promise.all([offer.accept(), offer.accept()]));
  assert.equal(replies[0].id, replies[1].id); // one reply, however often the button is pressed
  await until(() => offers.some((each) => each.state === "accepted"), "the exact door");
  await step("delay", () => shop.delay("o-1", 300));
  await step("ready", () => shop.ready("o-1"));
  for (const name of ["at_shop", "picked_up", "delivered"]) await step(name, () => rider.progress("o-1", name));
  await until(() => states.includes("delivered"), "delivered");
  return { customer, rider, shop, receipt, states, offers };
}

test("an order finds its rider and its door", async (t) => {
  const node = await startNode(t);
  const { customer, rider, states, offers, receipt } = await evening(t, node);
  assert.ok(receipt.promise.dropoff_at > receipt.at);
  assert.deepEqual(states.filter((state, n) => state !== states[n - 1]), ["offered", "accepted", "at_shop", "picked_up", "delivered"]);
  assert.deepEqual(offers.map((each) => each.state), ["offered", "accepted"]);
  assert.equal(customer.unsent, 0);
  assert.equal(customer.state, "online");

  const kept = await customer.placeOrder(ORDER);
  const mine = await customer.myOrders();
  assert.deepEqual(mine.orders.map((each) => each.order), [kept.order]);
  assert.equal((await customer.trackRider(kept.order)).reason, "not_allowed");
  const again = await until(() => offers.find((each) => each.order === kept.order), "a second offer");
  assert.deepEqual((await rider.myOrders()).orders.map((each) => each.assignment.offer), [again.offer]);
  await again.decline("flat tyre");
  await customer.cancelOrder(kept.order, "changed my mind");
  assert.deepEqual((await customer.myOrders()).orders, []);
  assert.equal((await rider.goOffShift()).status, "accepted");
});

test("what nobody takes goes out again, or comes back", async (t) => {
  const node = await startNode(t);
  const [customer, rider, shop] = ["phone-7", "rider-12", "noodle-bar"].map((name) => client(t, node, name));
  const updates = [];
  const trips = [];
  customer.onUpdate((update) => updates.push(update));
  rider.onAssignment((assignment) => trips.push(assignment));
  await rider.goOnShift({ place: PICKUP });
  await customer.placeOrder({ ...ORDER, order: "o-1" });
  await (await until(() => trips.find((each) => each.state === "offered"), "an offer")).accept();
  await rider.progress("o-1", "picked_up");
  await rider.progress("o-1", "at_customer");
  await rider.failed("o-1", "customer_absent", "nobody opens");
  const update = await until(() => updates.find((each) => each.state === "returning"), "returning");
  assert.deepEqual([update.cause, update.reason, update.wx_status], ["customer_absent", "nobody opens", 304]);
  await until(() => trips.at(-1).stops.at(-1).at === "return", "the way back");
  await shop.send("order.redeliver", { order: "o-1" });
  await until(() => trips.at(-1).stops.at(-1).at === "dropoff", "the door");
  await rider.failed("o-1", "refused");
  assert.equal((await rider.returned("o-1")).status, "accepted");
  await until(() => updates.at(-1).state === "returned", "returned");
  assert.deepEqual((await shop.myOrders()).orders, []);
});

test("a refusal has its reason, and whether to call again; nothing stands behind it", async (t) => {
  const node = await startNode(t);
  const customer = client(t, node, "phone-7");
  const calls = [
    customer.placeOrder({ ...ORDER, dropoff: { lat: 32, lon: 121 } }),
    customer.placeOrder({ ...ORDER, shop: "nowhere" }),
    customer.placeOrder({ ...ORDER, pickup: { lat: 31, lon: 1214.737 } }),
    customer.send("kitchen.ready", { order: "o-1" }),
    customer.setPrice(Array.from({ length: 300 }, (_, n) => ({ sku: `s-${n}`, price_cents: 1, from_at: 1_900_000_000_000 }))),
    customer.placeOrder({ ...ORDER, order: "o-9" }),
  ];
  const results = await Promise.allSettled(calls);
  const refused = results.slice(0, 5).map(({ reason }) => {
    assert.ok(reason instanceof Refused);
    return [reason.reason, reason.retry, reason.receipt?.field];
  });
  assert.deepEqual(refused, [
    ["out_of_area", false, "dropoff"],
    ["unknown_shop", true, "shop"],
    ["malformed", false, "pickup.lon"],
    ["not_allowed", true, undefined],
    ["oversized", false, undefined],
  ]);
  assert.equal(results[5].value.order, "o-9");
  assert.equal(customer.unsent, 0);
});

test("prices and stock reach the shelf", async (t) => {
  const node = await startNode(t, { options: { scenarios: ["dispatch", "labels"] } });
  const shop = client(t, node, "noodle-bar");
  const gateway = client(t, node, "gw-1");
  const shown = [];
  gateway.on("message", ({ kind, body }) => kind === "label.show" && shown.push(body));
  await shop.setPrice({ sku: "milk-1l", price_cents: 149 });
  await shop.setPrice([{ sku: "tea", price_cents: 300 }]);
  await shop.setStock("milk-1l", 24);
  await shop.send("label.bind", { label: "shelf-3", sku: "milk-1l", gateway: "gw-1" });
  const show = await until(() => shown[0], "label.show");
  assert.deepEqual([show.price_cents, show.stock], [149, 24]);
  const { shop: of, label, binding, version } = show;
  await gateway.send("label.shown", { shop: of, label, binding, version });
  assert.equal((await gateway.send("price.get", { shop: of, sku: "tea" })).price_cents, 300);
});

test("through a broker the receipt alone counts", async (t) => {
  const broker = await startBroker(t);
  await startNode(t, { options: broker.link });
  const { states } = await evening(t, { url: broker.url, tokens: broker.words });
  assert.equal(states.at(-1), "delivered");
});

test("a socket that dies before, or just after, each step changes nothing", async (t) => {
  const node = await startNode(t);
  const bad = await network(t, node.port);
  // Before the step; and with its first answer, which is the PUBACK or the receipt.
  for (const [n, disturb] of [() => bad.cut(), () => (bad.breaksDown = () => ((bad.breaksDown = () => false), true))].entries()) {
    const at = { url: bad.url, tokens: node.tokens };
    const made = [];
    const name = `o-${n}`;
    const [customer, rider] = ["phone-7", "rider-12"].map((each) => client(t, at, each));
    const states = [];
    customer.onUpdate((update) => update.order === name && states.push(update.state));
    rider.onAssignment((each) => made.push(each));
    disturb();
    await rider.goOnShift({ place: PICKUP });
    disturb();
    await customer.placeOrder({ ...ORDER, order: name });
    disturb();
    const offer = await until(() => made.find((each) => each.state === "offered" && each.order === name), "an offer");
    disturb();
    await offer.accept();
    for (const step of ["at_shop", "picked_up", "delivered"]) {
      disturb();
      await rider.progress(name, step);
    }
    await until(() => states.includes("delivered"), "delivered");
    assert.equal(states.filter((each) => each === "delivered").length, 1);
    assert.deepEqual([customer.unsent, rider.unsent], [0, 0]);
    customer.close();
    rider.close();
  }
  assert.ok(bad.connections > 14);
});
