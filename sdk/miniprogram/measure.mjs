// Measures what docs/results.md says of this client: bytes over wss, and how long it takes to recover. One JSON object.
import { execFileSync } from "node:child_process";
import { connect as connectTcp, createServer } from "node:net";
import { join } from "node:path";
import mqtt from "mqtt";
import { connect, memoryStore } from "./dist/doorstep.js";
import { ORDER, PICKUP, folder, network, sleep, startNode, until } from "./test/lab.mjs";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // of the certificate that is made below
process.removeAllListeners("warning");
const ends = [];
const t = { after: (call) => ends.unshift(call) };
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** MessagePack of the values that messages have. */
function pack(value) {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from(text.length < 32 ? [0xa0 | text.length] : [0xd9, text.length]), text]);
  }
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(pack)]);
  if (typeof value === "object")
    return Buffer.concat([Buffer.from([0x80 | Object.keys(value).length]), ...Object.entries(value).flat().map(pack)]);
  const bytes = Buffer.alloc(9);
  if (!Number.isInteger(value)) return bytes.writeDoubleBE(value, bytes.writeUInt8(0xcb)), bytes;
  if (value < 128) return Buffer.from([value]);
  if (value < 65_536) return bytes.writeUInt16BE(value, bytes.writeUInt8(0xcd)), bytes.subarray(0, 3);
  return bytes.writeBigUInt64BE(BigInt(value), bytes.writeUInt8(0xcf)), bytes;
}

async function bytes() {
  const home = folder(t);
  const [cert, key] = [join(home, "cert.pem"), join(home, "key.pem")];
  const make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", "-out", cert, "-keyout", key];
  execFileSync("openssl", make, { stdio: "ignore" });
  const probe = createServer().listen(0, "127.0.0.1");
  await until(() => probe.address(), "a port");
  const { port } = probe.address();
  probe.close();
  const node = await startNode(t, { options: { listen_wss: `127.0.0.1:${port}`, tls_cert: cert, tls_key: key } });
  const count = { up: 0, down: 0 };
  const server = createServer((near) => {
    const far = connectTcp(port, "127.0.0.1");
    near.on("data", (data) => ((count.up += data.length), far.write(data))).on("close", () => far.destroy());
    far.on("data", (data) => ((count.down += data.length), near.write(data))).on("close", () => near.destroy());
    for (const each of [near, far]) each.on("error", () => {});
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await until(() => server.address(), "a proxy");
  const found = {};
  for (const [encoding, encode] of [["json", (value) => Buffer.from(JSON.stringify(value))], ["msgpack", pack]]) {
    const of = async (name) => {
      const made = await mqtt.connectAsync(`wss://127.0.0.1:${server.address().port}/mqtt`, {
        username: name, password: node.tokens[name], protocolVersion: 5, properties: { userProperties: { encoding } }, reconnectPeriod: 0,
      });
      await made.subscribeAsync(`ds/shop-1/down/${name}/#`, { qos: 1 });
      await sleep(300);
      return made;
    };
    const spent = async (call) => {
      const before = { ...count };
      await call();
      await sleep(500); // what is still on its way
      return { up: count.up - before.up, down: count.down - before.down };
    };
    const at = Date.now();
    const begin = { ...count };
    const phone = await of("phone-7");
    found[`${encoding}_connect`] = { up: count.up - begin.up, down: count.down - begin.down };
    const order = { id: `mi-${encoding.padEnd(21, "x")}`, at, ...ORDER, order: `o-${encoding.padEnd(22, "x")}` };
    found[`${encoding}_order`] = await spent(() => phone.publishAsync("ds/shop-1/up/phone-7/order.place", encode(order), { qos: 1 }));
    await phone.endAsync();
    const rider = await of("rider-12");
    for (const n of [1, 5]) {
      const points = Array.from({ length: n }, (_, i) => [at + 1_000 * i, 31.230412 + i / 1e4, 121.473712]);
      found[`${encoding}_positions_${n}`] = await spent(() => rider.publishAsync("ds/shop-1/up/rider-12/rider.position", encode({ points })));
    }
    await rider.endAsync();
  }
  return found;
}

async function recovery() {
  const node = await startNode(t);
  const [first, second] = [await network(t, node.port), await network(t, node.port)];
  const start = (name) => {
    const client = connect({ url: [first.url, second.url], node: "shop-1", name, token: node.tokens[name], storage: memoryStore() });
    t.after(() => client.close());
    return () => client.send("order.cancel", { order: "o-0" }).catch(() => {}); // refused: a receipt is a receipt
  };
  const timed = async (call) => {
    const begin = performance.now();
    await call();
    return Math.round(performance.now() - begin);
  };
  const asks = ["phone-7", "rider-12", "noodle-bar", "gw-1"].map(start);
  const [ask] = asks;
  await Promise.all(asks.map((each) => each()));
  const found = { quiet_ms: median(await series(() => timed(ask))) };
  found.socket_cut_ms = median(await series(async () => {
    first.cut();
    await sleep(5);
    return timed(ask);
  }));
  first.swallow = second.swallow = true;
  const waiting = asks.map((each) => each());
  await sleep(60_000);
  first.swallow = second.swallow = false;
  found.after_dead_spot_60_s_ms = await Promise.all(waiting.map((each) => timed(() => each)));
  await node.kill();
  const asked = ask();
  found.node_start_ms = await timed(node.start);
  found.after_node_start_ms = await timed(() => asked);
  found.failover_ms = [];
  for (const name of ["phone-7", "rider-12", "noodle-bar", "gw-1"]) {
    const fresh = start(name);
    await fresh();
    first.down = true;
    first.cut();
    found.failover_ms.push(await timed(fresh));
    first.down = false;
  }
  return found;
}

async function series(call) {
  const found = [];
  for (let n = 0; n < 21; n += 1) found.push(await call());
  return found;
}

try {
  console.log(JSON.stringify({ bytes: await bytes(), recovery: await recovery() }, null, 1));
} finally {
  for (const end of ends) await end();
}
process.exit();
