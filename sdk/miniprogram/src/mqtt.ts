// MQTT 5 in a WebSocket, as much of it as `link.ts` calls, and called as MQTT.js is: for the board of the node, which is
// to be whole in less than MQTT.js alone takes (110 kB compressed). QoS 0 and 1, no will, no topic aliases, no retries.

declare const WebSocket: any;

type Done = (error?: any, packet?: { reasonCode: number }) => void;

const [CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT] = [1, 2, 3, 4, 8, 9, 12, 13, 14];
const REASON_STRING = 0x1f;
/** Bytes of a property's value by its identifier; the others are texts, but for one variable length and one pair. */
const SIZES: { [property: number]: number } = {
  0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2a: 1,
};
const USER_PROPERTY = 0x26;
const PACKET_BYTES_MAX = 1_000_000; // far more than a node sends

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const u16 = (value: number) => [value >> 8, value & 0xff];
const u32 = (value: number) => [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
/** As MQTT.js words it. */
function refusal(code: number, why: string): Error {
  const words = code === 0x86 || code === 0x87 ? "Not authorized" : why || `0x${code.toString(16)}`;
  return Object.assign(new Error(`Connection refused: ${words}`), { code });
}

const text = (value: string) => {
  const bytes = encoder.encode(value);
  return [...u16(bytes.length), ...bytes];
};

function length(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>= 7;
  } while (value);
  return bytes;
}

/** What follows at a place of a packet. Reading past its end throws. */
class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new Error("the node sent a packet that is too short");
    return this.bytes.subarray(this.at, (this.at += count));
  }

  number(count: number): number {
    return this.take(count).reduce((value, byte) => value * 256 + byte, 0);
  }

  length(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.number(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      if (shift === 21) throw new Error("the node sent a length that is none");
    }
  }

  text(): string {
    return decoder.decode(this.take(this.number(2)));
  }

  /** The reason in words, if there is one. */
  properties(): string {
    if (!this.left) return "";
    let reason = "";
    const end = this.length() + this.at;
    while (this.at < end) {
      const property = this.length();
      if (SIZES[property]) this.take(SIZES[property]);
      else if (property === 0x0b) this.length();
      else {
        const value = this.text();
        if (property === USER_PROPERTY) this.text();
        if (property === REASON_STRING) reason = value;
      }
    }
    return reason;
  }
}

export class MqttClient {
  connected = false;
  private readonly listeners: { [event: string]: Array<(...values: any[]) => void> } = {};
  private readonly socket: any;
  private readonly waiting = new Map<number, Done>();
  private held = new Uint8Array(0);
  private packetId = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly deadline: ReturnType<typeof setTimeout>;
  private alive = true;
  private closed = false;

  constructor(url: string, options: any) {
    this.socket = new WebSocket(url, ["mqtt"]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.hello(options);
    this.socket.onmessage = (message: any) => this.received(new Uint8Array(message.data));
    this.socket.onclose = () => this.gone();
    this.socket.onerror = () => {}; // it is closed, too
    this.deadline = setTimeout(() => this.fail(new Error("no answer")), options.connectTimeout);
  }

  on(event: string, listener: (...values: any[]) => void): this {
    (this.listeners[event] ??= []).push(listener);
    return this;
  }

  publish(topic: string, payload: string, { qos }: { qos: number }, done: Done): void {
    const id = qos ? this.expect(done) : 0;
    const head = [...text(topic), ...(qos ? u16(id) : []), 0];
    this.send(PUBLISH, qos << 1, head, encoder.encode(payload));
    if (!qos) done();
  }

  subscribe(filter: string, { qos }: { qos: number }, done: (error?: Error) => void): void {
    const id = this.expect((error) => done(error));
    this.send(SUBSCRIBE, 2, [...u16(id), 0, ...text(filter), qos]);
  }

  sendPing(): void {
    this.send(PINGREQ, 0, []);
  }

  /** `force`: without a DISCONNECT. */
  end(force: boolean): void {
    if (this.connected && !force) this.send(DISCONNECT, 0, []);
    this.gone();
    this.socket.close();
  }

  // -- inside ----------------------------------------------------------------------------------------------------------

  private emit(event: string, ...values: any[]): void {
    for (const listener of this.listeners[event] ?? []) listener(...values);
  }

  private hello({ clientId, username, password, keepalive, clean, properties }: any): void {
    const user = Object.entries(properties.userProperties as { [name: string]: string });
    const extra = [0x11, ...u32(properties.sessionExpiryInterval), ...user.flatMap(([name, value]) => [USER_PROPERTY, ...text(name), ...text(value)])];
    const head = [...text("MQTT"), 5, 0xc0 | (clean ? 2 : 0), ...u16(keepalive), ...length(extra.length), ...extra];
    this.send(CONNECT, 0, [...head, ...text(clientId), ...text(username), ...text(password)]);
    this.timer = setInterval(() => {
      if (!this.alive) return this.fail(new Error("no answer"));
      this.alive = false;
      if (this.connected) this.sendPing();
    }, keepalive * 1000);
  }

  private send(kind: number, flags: number, head: number[], body = new Uint8Array(0)): void {
    if (this.socket.readyState !== 1) return;
    const start = [(kind << 4) | flags, ...length(head.length + body.length), ...head];
    const packet = new Uint8Array(start.length + body.length);
    packet.set(start);
    packet.set(body, start.length);
    this.socket.send(packet);
  }

  private expect(done: Done): number {
    do this.packetId = (this.packetId % 0xffff) + 1;
    while (this.waiting.has(this.packetId));
    this.waiting.set(this.packetId, done);
    return this.packetId;
  }

  private received(bytes: Uint8Array): void {
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

  private packet(first: number, body: Reader): void {
    const kind = first >> 4;
    if (kind === CONNACK) {
      const [flags, code] = body.take(2);
      const why = body.properties();
      if (code) return this.fail(refusal(code, why));
      clearTimeout(this.deadline);
      this.connected = true;
      this.emit("connect", { sessionPresent: !!(flags & 1) });
    } else if (kind === PUBLISH) {
      const topic = body.text();
      const id = first & 6 ? body.number(2) : 0;
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
      done?.(code >= 0x80 ? Object.assign(new Error(why || `0x${code.toString(16)}`), { code }) : undefined, { reasonCode: code });
    } else if (kind === DISCONNECT) {
      const code = body.left ? body.number(1) : 0;
      this.emit("disconnect", { reasonCode: code, properties: { reasonString: body.properties() } });
    } else if (kind !== PINGRESP) {
      throw new Error(`the node sent a packet of the kind ${kind}`);
    }
  }

  private fail(error: any): void {
    this.emit("error", error);
    this.gone();
    this.socket.close();
  }

  private gone(): void {
    if (this.closed) return;
    this.closed = true;
    this.connected = false;
    clearTimeout(this.deadline);
    clearInterval(this.timer);
    this.emit("close");
  }
}

/** Where the body of the packet begins that begins at `at`; 0 where that is not there yet. */
function bodyOf(bytes: Uint8Array, at: number): number {
  for (let index = at + 1; index < Math.min(bytes.length, at + 5); index++) if (bytes[index] < 0x80) return index + 1;
  return 0;
}

/** Where that packet ends; 0 where not all of it is there. */
function endOf(bytes: Uint8Array, at: number): number {
  const body = bodyOf(bytes, at);
  if (!body) return 0;
  const end = body + new Reader(bytes, at + 1).length();
  return end <= bytes.length ? end : 0;
}

export default { connect: (url: string, options: any) => new MqttClient(url, options) };
