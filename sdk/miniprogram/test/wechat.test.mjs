// In a mini-program: the one file, with nothing but `wx`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ORDER, TIMING, network, sleep, startNode, until } from "./lab.mjs";
import { readFileSync } from "node:fs";
import { phone } from "./wx.mjs";

function start(t, node, on, more = {}) {
  const client = on.doorstep.connect({ url: node.url, node: "shop-1", name: "phone-7", token: node.tokens["phone-7"], timing: TIMING, ...more });
  t.after(() => client.close());
  return client;
}

test("an order from a mini-program, over one socket of the five", async (t) => {
  const node = await startNode(t);
  const on = phone();
  const client = start(t, node, on);
  const receipt = await client.placeOrder(ORDER);
  assert.equal((await client.myOrders()).orders[0].order, receipt.order);
  assert.equal(client.state, "online");
  for (const network of ["4g", "none", "wifi"]) {
    on.move(network);
    assert.equal((await client.placeOrder(ORDER)).status, "accepted");
  }
  assert.ok(on.opened >= 3);
  assert.ok(on.most <= 2, `${on.most} sockets at once`); // one is being closed while the next one opens
  client.close();
  await until(() => on.sockets.size === 0, "no socket is left");
});

test("behind another app the socket is cut; back in front everything goes on at once", async (t) => {
  const node = await startNode(t);
  const on = phone();
  const client = start(t, node, on, { timing: { ...TIMING, backoff: 60_000, backoffMax: 60_000 } });
  await client.placeOrder({ ...ORDER, order: "o-1" });
  on.hide();
  await until(() => client.state === "offline", "the cut");
  const opened = on.opened;
  const call = client.placeOrder({ ...ORDER, order: "o-2" });
  await sleep(200);
  assert.equal(on.opened, opened); // in the background nothing is tried
  on.show();
  assert.equal((await call).order, "o-2");
});

test("a socket that looks alive after the background, and is none, is found out", async (t) => {
  const node = await startNode(t);
  const bad = await network(t, node.port);
  const on = phone({ cutMs: 3_600_000 });
  const client = start(t, { ...node, url: bad.url }, on, { timing: { ...TIMING, answer: 1_000 } });
  await client.placeOrder({ ...ORDER, order: "o-1" });
  on.hide();
  bad.swallow = true;
  const call = client.placeOrder({ ...ORDER, order: "o-2" });
  on.show();
  await until(() => bad.connections > 1, "another connection");
  bad.swallow = false;
  assert.equal((await call).order, "o-2");
});

test("a mini-program that is killed sends the event after its restart, from the storage of the phone", async (t) => {
  const node = await startNode(t);
  const on = phone();
  const away = start(t, { ...node, url: "ws://127.0.0.1:1/mqtt" }, on);
  away.placeOrder({ ...ORDER, order: "o-1" }).catch(() => {});
  await until(() => away.unsent === 1, "stored");
  on.kill();
  away.close();
  const again = phone({ storage: on.storage });
  const client = start(t, node, again);
  const told = [];
  client.onSettled((outcome) => told.push(`${outcome.order} ${outcome.status}`));
  await until(() => told.length, "its outcome");
  assert.deepEqual(told, ["o-1 accepted"]);
});

test("a phone without room refuses the call, and keeps to its limits", async (t) => {
  const node = await startNode(t);
  const on = phone({ storage: new Map(Array.from({ length: 10 }, (_, n) => [`photo-${n}`, "x".repeat(1_048_576 - 10)])) });
  const client = start(t, node, on);
  await assert.rejects(client.placeOrder(ORDER), { reason: "not_stored", retry: true });
  on.storage.delete("photo-0");
  assert.equal((await client.placeOrder(ORDER)).status, "accepted");
});

test("a sixth socket is refused; the client takes one as soon as there is one", async (t) => {
  const node = await startNode(t);
  const on = phone();
  const others = Array.from({ length: 5 }, () => on.wx.connectSocket({ url: node.url, protocols: ["mqtt"] }));
  const client = start(t, node, on);
  const call = client.placeOrder(ORDER);
  await sleep(200);
  assert.equal(client.state, "offline");
  others.forEach((each) => each.close());
  assert.equal((await call).status, "accepted");
});

test("the mini-program of the README places its order", async (t) => {
  const node = await startNode(t);
  const on = phone();
  const data = {};
  const doorstep = { connect: (options) => (client = on.doorstep.connect({ ...options, url: node.url, token: node.tokens["phone-7"] })) };
  let client;
  t.after(() => client.close());
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8").match(/```js\n(.*?)```/s)[1];
  const started = (page) => page.onLoad.call({ ...page, setData: (given) => Object.assign(data, given) });
  new Function("require", "Page", text)(() => doorstep, started);
  await until(() => data.order || data.error, "the order");
  assert.equal(data.error, undefined);
});

test("the pages of the example play an evening", async (t) => {
  const node = await startNode(t);
  const source = (name) => readFileSync(new URL(`../../examples/wechat/${name}.js`, import.meta.url), "utf8");
  const run = (name, client) => {
    let page;
    const wx = { showToast: ({ title }) => assert.fail(title), startLocationUpdateBackground: ({ success }) => success(), onLocationChange() {}, showActionSheet: ({ success }) => success({ tapIndex: 0 }) };
    new Function("getApp", "Page", "wx", source(`pages/${name}/index`))(() => ({ client }), (made) => (page = made), wx);
    page.setData = (given) => Object.assign(page.data, given);
    page.onLoad();
    return page;
  };
  const of = (name) => start(t, node, phone(), { name, token: node.tokens[name] });
  const [customer, rider, kitchen] = [run("customer", of("phone-7")), run("rider", of("rider-12")), run("kitchen", of("noodle-bar"))];
  rider.begin();
  await until(() => rider.data.onShift, "the shift");
  start(t, node, phone(), { name: "rider-12", token: node.tokens["rider-12"] }).reportPosition(ORDER.pickup);
  customer.order();
  const card = (page, state) => until(() => page.data[page === rider ? "offers" : "orders"].find((each) => each.state === state), state);
  const press = (shown) => ({ currentTarget: { dataset: shown } });
  kitchen.ready(press(await card(kitchen, "placed")));
  rider.accept(press(await card(rider, "offered")));
  await card(customer, "accepted");
  for (const state of ["accepted", "at_shop", "picked_up"]) rider.step(press(await card(rider, state)));
  rider.failed(press(await card(rider, "at_customer")));
  await card(customer, "returning");
  kitchen.again(press(await card(kitchen, "returning")));
  for (const state of ["picked_up", "at_customer"]) rider.step(press(await card(rider, state)));
  await card(customer, "delivered");
});
