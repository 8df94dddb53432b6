// What the tests share: a real node, a broker, a network that fails, and tokens. DOORSTEP is the command of the node.
import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = (process.env.DOORSTEP ?? fileURLToPath(new URL("../../../.venv/bin/doorstep", import.meta.url))).split(" ");
export const PICKUP = { lat: 31.2304, lon: 121.4737 };
export const DROPOFF = { lat: 31.2251, lon: 121.48 };
export const ORDER = { shop: "noodle-bar", prep_s: 0, pickup: PICKUP, dropoff: DROPOFF };
export const ROLES = { "phone-7": "customer", "rider-12": "rider", "noodle-bar": "shop", "gw-1": "gateway" };
/** Milliseconds: as the client's own, and faster, so that a test does not wait. */
export const TIMING = { backoff: 50, backoffMax: 500, resend: 300, resendMax: 2_000, answer: 4_000, return: 500, returnMax: 2_000, probe: 800, positions: 50, positionsApart: 0 };
const DEADLINE_MS = 60_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `found()` is something, and gives it. */
export async function until(found, what) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what ?? found} did not come in ${DEADLINE_MS} ms`);
    await sleep(10);
  }
}

async function freePort() {
  const taken = () => new Promise((done) => {
    const port = 18_000 + Math.floor(Math.random() * 14_000);
    const probe = createServer().once("error", () => done(0)).listen(port, "127.0.0.1", () => probe.close(() => done(port)));
  });
  return until(taken, "a free port");
}

function run(command, options, ready) {
  const child = spawn(command[0], command.slice(1), { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const said = new Promise((done, failed) => {
    const hear = (data) => {
      log = (log + data).slice(-4_000);
      if (log.includes(ready)) done();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", failed);
    child.on("exit", (code) => failed(new Error(`${command[0]} ended with ${code}: ${log}`)));
  });
  said.catch(() => {});
  const ended = new Promise((done) => child.on("exit", done));
  return { child, said, ended };
}

/** A folder that is gone after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "doorstep-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const toml = (options) => Object.entries(options).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join("");
const secret = (path, text) => writeFileSync(path, text, { mode: 0o600 });

/** A node that answers on a WebSocket; `options` are further ones, `dispatch` its section. */
export async function startNode(t, { name = "shop-1", options = {}, dispatch = {} } = {}) {
  const home = folder(t);
  const [port, ws] = [await freePort(), await freePort()];
  const tokens = {};
  let lines = "";
  for (const [client, role] of Object.entries(ROLES)) {
    const salt = randomBytes(16);
    tokens[client] = randomBytes(16).toString("hex");
    const digest = createHash("sha256").update(salt).update(tokens[client]).digest("hex");
    lines += `${client}:${role}:${salt.toString("hex")}:${digest}\n`;
  }
  secret(join(home, "credentials"), lines);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k-1", alg: "ES256", use: "sig" };
  writeFileSync(join(home, "keys.json"), JSON.stringify({ keys: [jwk] }));
  const listen = "link" in options ? { listen: "" } : { listen: `127.0.0.1:${port}`, listen_ws: `127.0.0.1:${ws}`, token_keys: "keys.json" };
  if (options.link_token) secret(join(home, "link.token"), options.link_token);
  const { link_token, ...further } = options;
  const settings = { node: name, status_listen: "127.0.0.1:0", data_dir: "data", credentials: "credentials", ...listen, ...further, ...(link_token && { link_token_file: "link.token" }) };
  writeFileSync(join(home, "edge.toml"), `${toml(settings)}[dispatch]\n${toml(dispatch)}`);
  let running;
  const node = {
    name, tokens, port: ws, url: `ws://127.0.0.1:${ws}/mqtt`,
    async start() {
      running = run([...COMMAND, "edge", "--config", join(home, "edge.toml")], { cwd: home }, "is ready");
      await running.said;
      return node;
    },
    async kill(signal = "SIGKILL") {
      running.child.kill(signal);
      await running.ended;
    },
    /** A JWT of the shop's server: good for so many seconds from now. */
    sign(sub, role, seconds) {
      const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const now = Math.floor(Date.now() / 1000);
      const text = `${part({ alg: "ES256", kid: "k-1", typ: "JWT" })}.${part({ sub, role, aud: "doorstep", iat: now, exp: now + seconds })}`;
      return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    },
  };
  t.after(() => node.kill());
  return node.start();
}

/** Mosquitto with a WebSocket, between clients and a node that has no listener. */
export async function startBroker(t, name = "shop-1") {
  const home = folder(t);
  const [port, ws] = [await freePort(), await freePort()];
  const words = Object.fromEntries([...Object.keys(ROLES), name].map((user) => [user, `${user}-word`]));
  const node = `user ${name}\ntopic read ds/${name}/up/#\ntopic write ds/${name}/down/#\ntopic readwrite ds/${name}/status\n`;
  secret(join(home, "acl"), `${node}pattern write ds/${name}/up/%u/#\npattern read ds/${name}/down/%u/#\n`);
  secret(join(home, "plain"), Object.entries(words).map((pair) => `${pair.join(":")}\n`).join(""));
  await run(["mosquitto_passwd", "-U", join(home, "plain")], {}, " ").ended;
  const root = process.getuid() === 0 ? "user root\n" : "";
  const settings = `${root}per_listener_settings false\nallow_anonymous false\npassword_file ${home}/plain\nacl_file ${home}/acl\n`;
  writeFileSync(join(home, "mosquitto.conf"), `${settings}listener ${port} 127.0.0.1\nlistener ${ws} 127.0.0.1\nprotocol websockets\n`);
  mkdirSync(join(home, "data"));
  const running = run(["mosquitto", "-c", join(home, "mosquitto.conf")], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } }, "running");
  t.after(async () => {
    running.child.kill("SIGKILL");
    await running.ended;
  });
  await running.said;
  return { url: `ws://127.0.0.1:${ws}/mqtt`, words, link: { link: `mqtt://127.0.0.1:${port}`, link_token: words[name] } };
}

/** A network between a client and `target`, which can fail in several ways. */
export async function network(t, target) {
  const pairs = new Set();
  const it = {
    port: 0, url: "", connections: 0,
    /** Nothing passes, and nobody hears of it: a dead spot. */
    swallow: false,
    /** Nobody answers. */
    down: false,
    /** Asked for each connection: after how many bytes from the client it breaks (Infinity: never). */
    breaksAt: () => Infinity,
    /** Asked for each piece that passes down: whether it breaks here. */
    breaksDown: () => false,
    cut: () => pairs.forEach((pair) => pair.forEach((socket) => socket.destroy())),
  };
  const server = createServer((near) => {
    it.connections += 1;
    if (it.down) return near.destroy();
    const far = connectTcp(target, "127.0.0.1");
    const pair = [near, far];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    let left = it.breaksAt(it.connections);
    near.on("data", (data) => {
      if (it.swallow) return;
      left -= data.length;
      if (left < 0) return end();
      far.write(data);
    });
    far.on("data", (data) => {
      if (it.swallow) return;
      if (it.breaksDown(data)) return end();
      near.write(data);
    });
    for (const socket of pair) socket.setNoDelay().on("close", end).on("error", end);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  it.port = server.address().port;
  it.url = `ws://127.0.0.1:${it.port}/mqtt`;
  t.after(() => {
    it.cut();
    server.close();
  });
  return it;
}
