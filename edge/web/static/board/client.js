// Made of sdk/miniprogram by `make miniprogram`. Change it there.

// src/positions.ts
var POINTS_MAX = 120;
var Positions = class {
  /** `send` returns whether it could. */
  constructor(_send, _everyMs, _apartMs) {
    this.fa = _send;
    this.ea = _everyMs;
    this.da = _apartMs;
    this.d = [];
  }
  add(at, lat, lon) {
    const [before, last] = [this.d[this.d.length - 2], this.d[this.d.length - 1]];
    if (before && last[0] - before[0] < this.da) this.d.pop();
    this.d.push([last && at < last[0] ? last[0] : at, round(lat), round(lon)]);
    if (this.d.length > POINTS_MAX) this.d = this.d.filter((_, n) => n % 2 === 0);
    this.e ??= setTimeout(() => this.flush(), this.ea);
  }
  /** Sends what there is, or keeps it for later. */
  flush() {
    clearTimeout(this.e);
    this.e = void 0;
    if (this.d.length && this.fa(this.d)) this.d = [];
  }
};
var round = (degrees) => Math.round(degrees * 1e6) / 1e6;

// src/clock.ts
var Clock = class {
  constructor() {
    this.w = Infinity;
  }
  /** Whether that is of this run of the app. */
  get sure() {
    return this.w < Infinity;
  }
  /** A message with the time of the node, to something that was sent once at `sent` and is answered now. */
  learn(at, sent, received = Date.now()) {
    const offset = Math.round(at - (sent + received) / 2);
    const error = (received - sent) / 2;
    const wrong = this.offset === void 0 || Math.abs(offset - this.offset) > error + this.w;
    if (!at || error < 0 || !(wrong || error <= this.w)) return false;
    this.offset = offset;
    this.w = error;
    return true;
  }
  /** Unix milliseconds. */
  now() {
    return Date.now() + (this.offset ?? 0);
  }
};

// src/mqtt.ts
var [CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT] = [1, 2, 3, 4, 8, 9, 12, 13, 14];
var REASON_STRING = 31;
var SIZES = {
  1: 1,
  2: 4,
  17: 4,
  19: 2,
  23: 1,
  24: 4,
  25: 1,
  33: 2,
  34: 2,
  35: 2,
  36: 1,
  37: 1,
  39: 4,
  40: 1,
  41: 1,
  42: 1
};
var USER_PROPERTY = 38;
var PACKET_BYTES_MAX = 1e6;
var encoder = new TextEncoder();
var decoder = new TextDecoder();
var u16 = (value) => [value >> 8, value & 255];
var u32 = (value) => [value >>> 24, value >> 16 & 255, value >> 8 & 255, value & 255];
function refusal(code, why) {
  const words = code === 134 || code === 135 ? "Not authorized" : why || `0x${code.toString(16)}`;
  return Object.assign(new Error(`Connection refused: ${words}`), { code });
}
var text = (value) => {
  const bytes = encoder.encode(value);
  return [...u16(bytes.length), ...bytes];
};
function length(value) {
  const bytes = [];
  do {
    bytes.push(value & 127 | (value > 127 ? 128 : 0));
    value >>= 7;
  } while (value);
  return bytes;
}
var Reader = class {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  get left() {
    return this.bytes.length - this.at;
  }
  take(count) {
    if (count > this.left) throw new Error("the node sent a packet that is too short");
    return this.bytes.subarray(this.at, this.at += count);
  }
  number(count) {
    return this.take(count).reduce((value, byte) => value * 256 + byte, 0);
  }
  length() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.number(1);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
      if (shift === 21) throw new Error("the node sent a length that is none");
    }
  }
  text() {
    return decoder.decode(this.take(this.number(2)));
  }
  /** The reason in words, if there is one. */
  properties() {
    if (!this.left) return "";
    let reason = "";
    const end = this.length() + this.at;
    while (this.at < end) {
      const property = this.length();
      if (SIZES[property]) this.take(SIZES[property]);
      else if (property === 11) this.length();
      else {
        const value = this.text();
        if (property === USER_PROPERTY) this.text();
        if (property === REASON_STRING) reason = value;
      }
    }
    return reason;
  }
};
var MqttClient = class {
  constructor(url, options) {
    this.connected = false;
    this.listeners = {};
    this.waiting = /* @__PURE__ */ new Map();
    this.held = new Uint8Array(0);
    this.packetId = 0;
    this.alive = true;
    this.closed = false;
    this.socket = new WebSocket(url, ["mqtt"]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.hello(options);
    this.socket.onmessage = (message) => this.received(new Uint8Array(message.data));
    this.socket.onclose = () => this.gone();
    this.socket.onerror = () => {
    };
    this.deadline = setTimeout(() => this.fail(new Error("no answer")), options.connectTimeout);
  }
  on(event, listener) {
    (this.listeners[event] ??= []).push(listener);
    return this;
  }
  publish(topic, payload, { qos }, done) {
    const id = qos ? this.expect(done) : 0;
    const head = [...text(topic), ...qos ? u16(id) : [], 0];
    this.send(PUBLISH, qos << 1, head, encoder.encode(payload));
    if (!qos) done();
  }
  subscribe(filter, { qos }, done) {
    const id = this.expect((error) => done(error));
    this.send(SUBSCRIBE, 2, [...u16(id), 0, ...text(filter), qos]);
  }
  sendPing() {
    this.send(PINGREQ, 0, []);
  }
  /** `force`: without a DISCONNECT. */
  end(force) {
    if (this.connected && !force) this.send(DISCONNECT, 0, []);
    this.gone();
    this.socket.close();
  }
  // -- inside ----------------------------------------------------------------------------------------------------------
  emit(event, ...values) {
    for (const listener of this.listeners[event] ?? []) listener(...values);
  }
  hello({ clientId, username, password, keepalive, clean, properties }) {
    const user = Object.entries(properties.userProperties);
    const extra = [17, ...u32(properties.sessionExpiryInterval), ...user.flatMap(([name, value]) => [USER_PROPERTY, ...text(name), ...text(value)])];
    const head = [...text("MQTT"), 5, 192 | (clean ? 2 : 0), ...u16(keepalive), ...length(extra.length), ...extra];
    this.send(CONNECT, 0, [...head, ...text(clientId), ...text(username), ...text(password)]);
    this.timer = setInterval(() => {
      if (!this.alive) return this.fail(new Error("no answer"));
      this.alive = false;
      if (this.connected) this.sendPing();
    }, keepalive * 1e3);
  }
  send(kind, flags, head, body = new Uint8Array(0)) {
    if (this.socket.readyState !== 1) return;
    const start = [kind << 4 | flags, ...length(head.length + body.length), ...head];
    const packet = new Uint8Array(start.length + body.length);
    packet.set(start);
    packet.set(body, start.length);
    this.socket.send(packet);
  }
  expect(done) {
    do
      this.packetId = this.packetId % 65535 + 1;
    while (this.waiting.has(this.packetId));
    this.waiting.set(this.packetId, done);
    return this.packetId;
  }
  received(bytes) {
    if (this.closed) return;
    this.alive = true;
    this.emit("packetreceive");
    const joined = new Uint8Array(this.held.length + bytes.length);
    joined.set(this.held);
    joined.set(bytes, this.held.length);
    let at = 0;
    try {
      for (let end; (end = endOf(joined, at)) > 0; at = end) this.packet(joined[at], new Reader(joined.subarray(0, end), bodyOf(joined, at)));
      if (joined.length - at > PACKET_BYTES_MAX) throw new Error("the node sent a packet that is too long");
    } catch (error) {
      return this.fail(error);
    }
    this.held = joined.slice(at);
  }
  packet(first2, body) {
    const kind = first2 >> 4;
    if (kind === CONNACK) {
      const [flags, code] = body.take(2);
      const why = body.properties();
      if (code) return this.fail(refusal(code, why));
      clearTimeout(this.deadline);
      this.connected = true;
      this.emit("connect", { sessionPresent: !!(flags & 1) });
    } else if (kind === PUBLISH) {
      const topic = body.text();
      const id = first2 & 6 ? body.number(2) : 0;
      body.properties();
      this.emit("message", topic, decoder.decode(body.take(body.left)));
      if (id) this.send(PUBACK, 0, u16(id));
    } else if (kind === PUBACK || kind === SUBACK) {
      const id = body.number(2);
      const done = this.waiting.get(id);
      if (kind === SUBACK) body.properties();
      const code = body.left ? body.number(1) : 0;
      const why = kind === PUBACK ? body.properties() : "";
      this.waiting.delete(id);
      done?.(code >= 128 ? Object.assign(new Error(why || `0x${code.toString(16)}`), { code }) : void 0, { reasonCode: code });
    } else if (kind === DISCONNECT) {
      const code = body.left ? body.number(1) : 0;
      this.emit("disconnect", { reasonCode: code, properties: { reasonString: body.properties() } });
    } else if (kind !== PINGRESP) {
      throw new Error(`the node sent a packet of the kind ${kind}`);
    }
  }
  fail(error) {
    this.emit("error", error);
    this.gone();
    this.socket.close();
  }
  gone() {
    if (this.closed) return;
    this.closed = true;
    this.connected = false;
    clearTimeout(this.deadline);
    clearInterval(this.timer);
    this.emit("close");
  }
};
function bodyOf(bytes, at) {
  for (let index = at + 1; index < Math.min(bytes.length, at + 5); index++) if (bytes[index] < 128) return index + 1;
  return 0;
}
function endOf(bytes, at) {
  const body = bodyOf(bytes, at);
  if (!body) return 0;
  const end = body + new Reader(bytes, at + 1).length();
  return end <= bytes.length ? end : 0;
}
var mqtt_default = { connect: (url, options) => new MqttClient(url, options) };

// src/platform.ts
var inWeChat = typeof wx !== "undefined" && !!wx.connectSocket;
function weChatSocket(url, protocols) {
  const face = { OPEN: 1, readyState: 0, bufferedAmount: 0 };
  const ended = (why) => {
    if (face.readyState === 3) return;
    face.readyState = 3;
    face.onclose?.({ reason: why });
  };
  const task = wx.connectSocket({ url, protocols, fail: (error) => setTimeout(ended, 0, error.errMsg) });
  face.send = (data) => task.send({ data: data.slice().buffer, fail: (error) => ended(error.errMsg) });
  face.close = () => {
    task?.close({});
    ended("closed");
  };
  task?.onOpen(() => {
    face.readyState = 1;
    face.onopen?.();
  });
  task?.onMessage((message) => face.onmessage?.(message));
  task?.onClose((event) => ended(event?.reason));
  task?.onError((error) => ended(error?.errMsg));
  return face;
}
function watch(watcher) {
  const { hide, show } = watcher;
  if (inWeChat) {
    const network = (change) => change.isConnected && watcher.moved();
    wx.onAppHide(hide);
    wx.onAppShow(show);
    wx.onNetworkStatusChange(network);
    return () => {
      wx.offAppHide(hide);
      wx.offAppShow(show);
      wx.offNetworkStatusChange(network);
    };
  }
  if (typeof window === "undefined" || !window.addEventListener) return () => {
  };
  const seen = () => document.visibilityState === "visible" && show();
  window.addEventListener("online", watcher.moved);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", watcher.moved);
    document.removeEventListener("visibilitychange", seen);
  };
}

// src/token.ts
var ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
function claims(token) {
  try {
    let bits = 0;
    let held = 0;
    let escaped = "";
    for (const each of token.split(".")[1]) {
      held = held << 6 | ALPHABET.indexOf(each);
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        escaped += `%${(256 | held >> bits & 255).toString(16).slice(1)}`;
      }
    }
    return JSON.parse(decodeURIComponent(escaped));
  } catch {
    return {};
  }
}

// src/link.ts
var NOT_AUTHORIZED = [134, 135, 4, 5];
var Link = class {
  constructor(options, _events) {
    this.s = _events;
    /** How far the node's clock is ahead, milliseconds. */
    this.ahead = 0;
    this.A = {};
    // from getToken
    this.q = 0;
    // which target
    this.k = 0;
    // since the last connection
    this.f = 0;
    this.Q = 0;
    this.C = false;
    this.D = false;
    this.R = false;
    this.a = options;
    this.r = options.timing.return;
    this.S = watch({
      hide: () => void (this.C = true),
      show: () => {
        this.C = false;
        this.probe();
      },
      moved: () => this.renew("another network")
    });
    this.T();
  }
  /** Once, at most, where `qos` is 0; else `done` has the reason code of the PUBACK. */
  publish(kind, payload, qos, done) {
    const { j: client, target } = this;
    if (!client?.connected || !target) return false;
    const turn = this.f;
    client.publish(`ds/${target.node}/up/${this.a.name}/${kind}`, payload, { qos }, (error, packet) => {
      if (turn === this.f && (!error || error.code)) done?.(error?.code ?? packet?.reasonCode ?? 0);
    });
    return true;
  }
  /** Leaves this connection for a new one, at once. */
  renew(why) {
    this.E(why);
    this.k = 0;
    this.U(0);
  }
  /** Is anybody there? After a while in the background a socket may look alive and be none. */
  probe() {
    const { j: client } = this;
    if (!client?.connected) {
      if (!this.j) this.renew("");
      return;
    }
    const asked = Date.now();
    client.sendPing();
    setTimeout(() => {
      if (client === this.j && this.Q < asked) this.renew("no answer");
    }, this.a.timing.probe);
  }
  end() {
    this.R = true;
    this.S();
    this.E("closed by the app", false);
  }
  U(ms) {
    clearTimeout(this.e);
    if (!this.R) this.e = setTimeout(() => this.T(), ms);
  }
  E(why, force = true) {
    this.f += 1;
    clearTimeout(this.e);
    clearTimeout(this.B);
    const { j: client, target } = this;
    this.j = this.target = void 0;
    client?.end(force);
    if (target) this.s.closed(why);
  }
  /** This attempt, or this connection, is over: another node at once, all of them once more after a while. */
  t(why) {
    const { targets, timing } = this.a;
    if (this.target) {
      this.k = 0;
    } else {
      this.k += 1;
      this.q = (this.q + 1) % targets.length;
    }
    const wasOpen = !!this.target;
    this.E(why);
    if (!wasOpen) this.s.closed(why);
    if (this.C && inWeChat) return;
    const rounds = Math.floor(this.k / targets.length);
    const all = this.k % targets.length === 0;
    const most = Math.min(timing.backoffMax, timing.backoff * 2 ** Math.max(0, rounds - 1));
    this.U(Math.random() * (all ? most : Math.min(most, timing.backoff)));
  }
  async T() {
    const turn = ++this.f;
    const { a: options } = this;
    const { getToken } = options;
    const target = options.targets[this.q];
    let token = this.A[target.node];
    const deadline = setTimeout(() => turn === this.f && this.t("getToken"), options.timing.answer);
    try {
      if (getToken && (!token || (claims(token).exp ?? Infinity) * 1e3 < Date.now() + this.ahead + 5e3))
        token = this.A[target.node] = await getToken(target.node);
    } catch (error) {
      if (turn === this.f) this.t(`getToken: ${error}`);
      return;
    } finally {
      clearTimeout(deadline);
    }
    if (turn === this.f) this.ga(target, token || options.token);
  }
  ga(target, password) {
    const { a: options } = this;
    const turn = this.f;
    const live = () => turn === this.f;
    let client;
    try {
      client = mqtt_default.connect(target.url, {
        protocolVersion: 5,
        clientId: options.clientId,
        clean: false,
        username: options.name,
        password,
        keepalive: 30,
        reconnectPeriod: 0,
        connectTimeout: this.D ? options.timing.probe : options.timing.answer,
        resubscribe: false,
        properties: { sessionExpiryInterval: options.keepS, userProperties: { encoding: "json" } },
        ...inWeChat && { forceNativeWebSocket: true, createWebsocket: weChatSocket }
      });
    } catch (error) {
      return this.t(`${error}`);
    }
    this.j = client;
    this.D = false;
    let reason = "";
    client.on("connect", (welcome) => {
      if (!live()) return;
      this.target = target;
      client.subscribe(`ds/${target.node}/down/${options.name}/#`, { qos: 1 }, (error) => {
        if (error && live()) this.t(`no subscription: ${error.message}`);
      });
      this.k = 0;
      if (this.q) {
        this.B = setTimeout(() => this.V(), this.r);
        this.r = Math.min(this.r * 2, options.timing.returnMax);
      } else {
        this.r = options.timing.return;
      }
      this.s.open(target, welcome.sessionPresent);
    });
    client.on("packetreceive", () => this.Q = Date.now());
    client.on("message", (topic, payload) => live() && this.s.message(topic.slice(topic.lastIndexOf("/") + 1), `${payload}`));
    client.on("disconnect", (packet) => reason = packet?.properties?.reasonString || `code ${packet?.reasonCode}`);
    client.on("error", (error) => {
      reason = error.message;
      if (NOT_AUTHORIZED.includes(error.code)) delete this.A[target.node];
    });
    client.on("close", () => live() && this.t(reason || "the connection was lost"));
  }
  /** Back to the first node, when nothing is on its way. */
  V() {
    if (!this.s.idle()) {
      this.B = setTimeout(() => this.V(), this.a.timing.backoff);
      return;
    }
    this.q = 0;
    this.D = true;
    this.renew("return");
  }
};

// src/outbox.ts
var Outbox = class {
  constructor(store, prefix, _max) {
    this.X = _max;
    this.entries = /* @__PURE__ */ new Map();
    this.F = 0;
    this.g = store;
    this.W = prefix;
    for (const key of store.keys().filter((name) => name.startsWith(prefix)).sort()) {
      try {
        const stored = JSON.parse(store.get(key));
        this.entries.set(stored.id, { ...stored, ...fresh(key) });
      } catch {
        store.remove(key);
      }
      this.F = Math.max(this.F, parseInt(key.slice(prefix.length), 36) || 0);
    }
  }
  /** How many wait for an outcome. */
  get unsent() {
    let n = 0;
    this.entries.forEach((entry) => n += +!entry.outcome);
    return n;
  }
  /** Stored, or thrown: nothing was taken. */
  add(id, kind, body, node) {
    if (this.entries.size >= this.X) {
      const old = [...this.entries.values()].find((entry2) => entry2.outcome);
      if (!old) throw new Error(`${this.X} events wait for their receipts`);
      this.remove(old);
    }
    const key = this.W + (++this.F).toString(36).padStart(8, "0");
    const entry = { id, kind, body, node, ...fresh(key) };
    this.save(entry);
    this.entries.set(id, entry);
    return entry;
  }
  save(entry) {
    const { id, kind, body, node, outcome } = entry;
    this.g.set(entry.Y, JSON.stringify({ id, kind, body, node, outcome }));
  }
  remove(entry) {
    this.entries.delete(entry.id);
    this.g.remove(entry.Y);
  }
};
var fresh = (_key) => ({ Y: _key, u: 0, G: 0, x: 0, l: false, Z: false, m: 0 });

// src/storage.ts
function memoryStore() {
  const held = /* @__PURE__ */ new Map();
  return {
    keys: () => [...held.keys()],
    get: (key) => held.get(key) ?? null,
    set: (key, value) => void held.set(key, value),
    remove: (key) => void held.delete(key)
  };
}
function ownStore() {
  if (typeof wx !== "undefined" && wx.setStorageSync)
    return {
      keys: () => wx.getStorageInfoSync().keys,
      get: (key) => wx.getStorageSync(key),
      set: (key, value) => wx.setStorageSync(key, value),
      remove: (key) => wx.removeStorageSync(key)
    };
  try {
    localStorage.setItem("doorstep", "");
    localStorage.removeItem("doorstep");
    return {
      keys: () => Object.keys(localStorage),
      get: (key) => localStorage.getItem(key),
      set: (key, value) => localStorage.setItem(key, value),
      remove: (key) => localStorage.removeItem(key)
    };
  } catch {
    return null;
  }
}
function first(name) {
  const locks = typeof navigator !== "undefined" && typeof localStorage !== "undefined" && navigator.locks;
  if (!locks) return Promise.resolve(true);
  return new Promise(
    (done) => locks.request(name, { ifAvailable: true }, (lock) => {
      done(!!lock);
      return lock && new Promise(() => {
      });
    }).catch(() => done(true))
  );
}

// src/session.ts
var Refused = class extends Error {
  constructor(reason, retry, receipt) {
    super(receipt?.detail ? `${reason}: ${receipt.detail}` : reason);
    this.reason = reason;
    this.retry = retry;
    this.receipt = receipt;
    this.name = "Refused";
  }
};
var WINDOW = 50;
var WAITING_MAX = 200;
var BYTES_MAX = 16e3;
var KEEP_S = 24 * 3600;
var BUSY = [128, 151];
function newId() {
  let text2 = Date.now().toString(36);
  while (text2.length < 24) text2 += Math.random().toString(36).slice(2);
  return text2.slice(0, 24);
}
var Session = class {
  constructor(options) {
    this.state = "offline";
    this.clock = new Clock();
    /** Called with every new connection. */
    this.onOpen = () => {
    };
    /** What an app is given for a message of a kind. */
    this.made = {};
    this.H = {};
    this.I = {};
    this.n = /* @__PURE__ */ new Map();
    this._ = [];
    this.i = [];
    this.J = "";
    this.K = false;
    this.y = 0;
    this.L = false;
    this.a = options;
    const found = options.storage ?? ownStore();
    this.g = found ?? memoryStore();
    this.z = !!found;
    if (options.storage || !found) this.$();
    else
      first(`doorstep/${options.name}`).then((mine) => {
        if (!mine) this.g = memoryStore();
        this.z = mine;
        this.$();
      });
  }
  /** Any durable event. It is stored, then sent until its receipt is here. */
  send(kind, body) {
    return new Promise((resolve, reject) => {
      const go = () => {
        if (JSON.stringify(body).length > BYTES_MAX) return reject(new Refused("oversized", false));
        try {
          const entry = this.b.add(newId(), kind, { at: this.now(), ...body }, this.ha());
          entry.M = (outcome) => outcome.status === "accepted" ? resolve(outcome) : reject(new Refused(outcome.reason, !!outcome.again, outcome));
        } catch (error) {
          return reject(new Refused("not_stored", true, { detail: `${error}` }));
        }
        this.N();
        this.o();
      };
      this.b ? go() : this._.push(go);
    });
  }
  /** Returns what ends it. Updates, assignments and outcomes wait for their first listener. */
  on(name, listener) {
    const all = this.H[name] ??= [];
    all.push(listener);
    const waiting = this.I[name] ?? [];
    delete this.I[name];
    waiting.forEach((event) => this.p(name, event));
    if (name === "settled" && this.b) this.O();
    return () => void all.splice(all.indexOf(listener), 1);
  }
  /** The node's clock, Unix milliseconds. */
  now() {
    return Math.round(this.clock.now());
  }
  end() {
    this.L = true;
    clearTimeout(this.e);
    this.i.forEach((each) => each.late());
    this.h?.end();
  }
  /** How many events have no receipt. */
  get unsent() {
    return this.b?.unsent ?? 0;
  }
  // -- inside ----------------------------------------------------------------------------------------------------------
  $() {
    if (this.L) return;
    const key = `doorstep/${this.a.name}/`;
    this.b = new Outbox(this.g, `${key}e/`, this.a.eventsMax);
    const clientId = this.g.get(`${key}id`) || `${this.a.name.slice(0, 30)}-${newId()}`;
    const offset = this.g.get(`${key}clock`);
    if (offset) this.clock.offset = +offset;
    try {
      this.g.set(`${key}id`, clientId);
    } catch {
    }
    this.O();
    this._.splice(0).forEach((go) => go());
    this.N();
    const { token, getToken } = this.a;
    this.h = new Link(
      { targets: this.a.targets, name: this.a.name, token, getToken, clientId, keepS: this.z ? KEEP_S : 60, timing: this.a.timing },
      {
        open: (target, kept) => this.ia(target, kept),
        closed: (reason) => this.ja(reason),
        message: (kind, payload) => this.ka(kind, payload),
        idle: () => {
          const node = this.h?.target?.node;
          return !this.i.length && ![...this.b.entries.values()].some((each) => !each.outcome && each.node === node);
        }
      }
    );
    this.h.ahead = this.clock.offset ?? 0;
  }
  /** The node that an event belongs to from its begin; undefined where there are several and none is connected. */
  ha() {
    const [{ node }] = this.a.targets;
    return this.h?.target?.node ?? (this.a.targets.every((each) => each.node === node) ? node : void 0);
  }
  p(name, event) {
    const all = this.H[name];
    if (all?.length) {
      for (const listener of [...all])
        try {
          listener(event);
        } catch (error) {
          setTimeout(() => {
            throw error;
          }, 0);
        }
    } else if (this.made[name]) {
      const waiting = this.I[name] ??= [];
      waiting.push(event);
      if (waiting.length > WAITING_MAX) waiting.shift();
    }
  }
  f(state, event) {
    const latest = `${state} ${event.reason ?? ""}`;
    this.state = state;
    if (latest === this.J) return;
    this.J = latest;
    this.p(state, event);
  }
  aa() {
    const target = this.h?.target;
    if (!target) return;
    const reason = this.K ? "busy" : target !== this.a.targets[0] ? "fallback" : this.z ? "" : "memory";
    this.f(reason ? "degraded" : "online", reason ? { reason } : { ...target });
  }
  N() {
    this.p("unsent", this.b.unsent);
  }
  ia(target, kept) {
    this.K = false;
    this.y = 8;
    this.J = "";
    const soon = Date.now() + this.a.timing.resend;
    this.b.entries.forEach((entry) => {
      entry.l = false;
      entry.u = kept && entry.Z ? soon : 0;
    });
    this.i.forEach((each) => each.sentAt = 0);
    this.aa();
    if (this.L) return;
    if (!this.clock.sure) this.ask("orders.list", {}, "orders").catch(() => {
    });
    this.onOpen();
    this.o();
  }
  ja(reason) {
    clearTimeout(this.e);
    this.b.entries.forEach((entry) => entry.l = false);
    this.f("offline", { reason });
  }
  /** Sends what is due, and comes back when something will be. */
  o() {
    const { h: link } = this;
    const { timing } = this.a;
    const node = link?.target?.node;
    if (!link || !node) return;
    clearTimeout(this.e);
    const now = Date.now();
    let next = now + timing.resendMax;
    let flying = 0;
    this.b.entries.forEach((entry) => flying += +entry.l);
    for (const entry of [...this.b.entries.values()]) {
      if (entry.outcome || entry.node && entry.node !== node) continue;
      if (entry.l) {
        if (now >= entry.x + timing.answer) return link.renew("no PUBACK");
        next = Math.min(next, entry.x + timing.answer);
      } else if (entry.u > now) {
        next = Math.min(next, entry.u);
      } else if (entry.m && !BUSY.includes(entry.m)) {
        this.ba(entry, { id: entry.id, of: entry.kind, status: "refused", at: 0, reason: `0x${entry.m.toString(16)}` });
      } else if (flying < this.y) {
        flying += +this.la(entry, node);
      }
    }
    for (const each of this.i)
      if (now >= each.sentAt + timing.probe) {
        each.sends += 1;
        each.sentAt = now;
        link.publish(each.kind, each.payload, 0);
      }
    if (this.i.length) next = Math.min(next, now + timing.probe);
    this.e = setTimeout(() => this.o(), next - now + 1);
  }
  la(entry, node) {
    if (!entry.node) {
      entry.node = node;
      try {
        this.b.save(entry);
      } catch {
        entry.node = void 0;
        entry.u = Date.now() + this.a.timing.resendMax;
        return false;
      }
    }
    entry.l = true;
    entry.G += 1;
    entry.x = Date.now();
    return this.h.publish(entry.kind, JSON.stringify({ id: entry.id, ...entry.body }), 1, (code) => {
      const { resend, resendMax } = this.a.timing;
      entry.l = false;
      if (this.y < WINDOW) this.y++;
      entry.m = code >= 128 ? code : 0;
      entry.Z = !entry.m;
      const wait = Math.min(resendMax, resend * 2 ** Math.min(entry.G - 1, 10));
      entry.u = Date.now() + wait * (0.5 + Math.random() / 2);
      this.K = BUSY.includes(entry.m);
      this.aa();
      this.o();
    });
  }
  /** Once, at most. Returns whether there was a connection. */
  post(kind, body) {
    return !!this.h?.publish(kind, JSON.stringify(body), 0);
  }
  /** A question that is in memory only: sent until an answer is here that `fits`. */
  ask(kind, body, answer, fits = () => true) {
    return new Promise((resolve, reject) => {
      const asked = { kind, payload: JSON.stringify(body), answer, fits, sends: 0, sentAt: 0, done: resolve, late: resolve };
      const end = () => {
        clearTimeout(late);
        this.i = this.i.filter((each) => each !== asked);
      };
      asked.late = () => {
        end();
        reject(new Refused("no_answer", true));
      };
      const late = setTimeout(asked.late, 2 * this.a.timing.answer);
      asked.done = (found) => {
        end();
        resolve(found);
      };
      this.i.push(asked);
      this.o();
    });
  }
  ka(kind, payload) {
    let body;
    try {
      body = JSON.parse(payload);
    } catch {
      return;
    }
    if (kind === "receipt") return this.ma(body);
    const asked = this.i.find((each) => each.answer === kind && each.fits(body));
    if (asked) {
      if (kind === "orders" && asked.sends === 1) this.ca(body.at, asked.sentAt);
      return asked.done(body);
    }
    const about = `${kind} ${body.order ?? body.label}`;
    if (this.n.get(about) === payload) return;
    this.n.delete(about);
    this.n.set(about, payload);
    if (this.n.size > WAITING_MAX) this.n.delete(this.n.keys().next().value);
    if (this.made[kind]) this.p(kind, this.made[kind](body));
    else this.p("message", { kind, body });
  }
  ma(receipt) {
    const entry = this.b.entries.get(receipt.id);
    if (!entry || entry.outcome) return;
    if (entry.M && entry.G === 1) this.ca(receipt.at, entry.x);
    this.ba(entry, receipt);
    this.o();
  }
  ba(entry, outcome) {
    if (entry.M) {
      this.b.remove(entry);
      entry.M(outcome);
    } else {
      entry.outcome = outcome;
      try {
        this.b.save(entry);
      } catch {
      }
      this.O();
    }
    this.N();
  }
  O() {
    if (!this.H.settled?.length) return;
    for (const entry of [...this.b.entries.values()])
      if (entry.outcome) {
        this.p("settled", entry.outcome);
        this.b.remove(entry);
      }
  }
  ca(at, sent) {
    if (!this.clock.learn(at, sent)) return;
    this.h.ahead = this.clock.offset;
    try {
      this.g.set(`doorstep/${this.a.name}/clock`, `${this.clock.offset}`);
    } catch {
    }
  }
};

// src/client.ts
var TIMING = {
  backoff: 500,
  backoffMax: 3e4,
  resend: 3e3,
  resendMax: 6e4,
  answer: 15e3,
  return: 6e4,
  returnMax: 9e5,
  probe: 3e3,
  positions: 5e3,
  positionsApart: 1e3
};
var Doorstep = class {
  constructor(options) {
    this.a = options;
    const { url, node = "", token = "", getToken, storage, eventsMax = 500 } = options;
    const urls = typeof url === "string" ? [url] : url;
    const targets = urls.map((each) => typeof each === "string" ? { url: each, node } : each);
    this.name = options.name ?? claims(token).sub ?? "";
    if (!this.name || !targets.length || !targets.every((each) => /^wss?:\/\//.test(each.url) && each.node))
      throw new Error("connect needs url (wss://…), node, name (a JWT has one), and token or getToken");
    const timing = { ...TIMING, ...options.timing };
    this.c = new Session({ name: this.name, targets, token, getToken, storage, eventsMax, timing });
    this.v = new Positions(
      (points) => this.c.post("rider.position", this.P({ points })),
      timing.positions,
      timing.positionsApart
    );
    this.c.onOpen = () => this.v.flush();
    this.c.made = { update: (body) => body, assignment: (body) => this.na(body) };
  }
  // -- customers and shops ---------------------------------------------------------------------------------------------
  /** Resolves with the receipt, which has the promise; rejects with `Refused`. The order's name is made where it is missing. */
  placeOrder(order) {
    const name = order.order ?? `o-${newId()}`;
    return this.send("order.place", this.P({ ...order, order: name }));
  }
  cancelOrder(order, reason) {
    return this.send("order.cancel", { order, reason });
  }
  onUpdate(listener) {
    return this.on("update", listener);
  }
  /** The open orders of this client, from the node: after the app was installed again. `shop`: those of the shop that it acts for. */
  myOrders(shop) {
    const mine = (body) => !shop || body.orders.every((order) => order.shop === shop);
    return this.ask("orders.list", shop ? { shop } : {}, "orders", mine);
  }
  /** Where the rider with this order is, if the node shows it: a place, or a reason. */
  trackRider(order) {
    return this.ask("order.track", { order }, "rider.place", (body) => body.order === order);
  }
  // -- riders ----------------------------------------------------------------------------------------------------------
  goOnShift(shift = {}) {
    return this.send("rider.shift", this.P({ ...shift, on: true }, !!shift.place));
  }
  goOffShift() {
    this.v.flush();
    return this.send("rider.shift", { on: false });
  }
  /** As often as you like: they are sent in batches, at most once, and never stored. */
  reportPosition(place) {
    this.v.add(this.now(), place.lat, place.lon);
  }
  onAssignment(listener) {
    return this.on("assignment", listener);
  }
  progress(order, step) {
    return this.send("rider.progress", { order, step });
  }
  /** Nobody takes what was picked up: an assignment with the way back follows. */
  failed(order, cause, reason) {
    return this.send("rider.progress", { order, step: "failed", cause, reason });
  }
  /** It is back at its shop. */
  returned(order) {
    return this.progress(order, "returned");
  }
  // -- kitchens and shops ----------------------------------------------------------------------------------------------
  ready(order) {
    return this.send("kitchen.ready", { order });
  }
  /** Ready in so many seconds from now. It waits until the node's clock is known, as the phone's may be wrong. */
  async delay(order, inS) {
    const from = Date.now();
    if (!this.c.clock.sure) await this.myOrders();
    const at = from + this.c.clock.offset + inS * 1e3;
    return this.send("kitchen.delay", { order, ready_at: Math.round(at) });
  }
  setPrice(price) {
    return this.send("price.set", Array.isArray(price) ? { prices: price } : { ...price });
  }
  setStock(sku, count) {
    return this.send("stock.set", { sku, count });
  }
  // -- everybody -------------------------------------------------------------------------------------------------------
  /** Any durable event. It is stored, then sent until its receipt is here. */
  send(kind, body) {
    return this.c.send(kind, body);
  }
  /** A question that is answered from memory, such as `board.list` with a `board`: until an answer is here that `fits`. */
  ask(kind, body, answer, fits) {
    return this.c.ask(kind, body, answer, fits);
  }
  /** Returns what ends it. Updates, assignments and outcomes wait for their first listener. */
  on(name, listener) {
    return this.c.on(name, listener);
  }
  /** Once for each event that an earlier run of the app has stored. */
  onSettled(listener) {
    return this.on("settled", listener);
  }
  /** The node's clock, Unix milliseconds: for `answer_by`, `expected_at` and what else comes from it. */
  now() {
    return this.c.now();
  }
  get state() {
    return this.c.state;
  }
  /** How many events have no receipt. */
  get unsent() {
    return this.c.unsent;
  }
  /** Ends the connection. What has no receipt stays stored, for the next `connect`. */
  close() {
    this.v.flush();
    this.c.end();
  }
  // -- inside ----------------------------------------------------------------------------------------------------------
  P(body, has = true) {
    return this.a.crs && has ? { crs: this.a.crs, ...body } : body;
  }
  na(assignment) {
    const { order, offer } = assignment;
    let answer;
    const reply = (accept, reason) => answer ??= this.send("rider.reply", { order, offer, accept, reason });
    return { ...assignment, accept: () => reply(true), decline: (reason) => reply(false, reason) };
  }
};

// src/index.ts
var connect = (options) => new Doorstep(options);
export {
  Doorstep,
  Refused,
  connect,
  memoryStore
};
