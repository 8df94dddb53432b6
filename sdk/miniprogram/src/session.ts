// One client's session with its nodes: what is sent and stored, what comes, and who hears of it.
import { Clock } from "./clock";
import { Link, type Target, type Timing } from "./link";
import { type Entry, Outbox, type Outcome } from "./outbox";
import { first, memoryStore, ownStore, type Store } from "./storage";

/** The node, or this phone, does not take the event. `retry`: the same call may succeed later. */
export class Refused extends Error {
  constructor(
    readonly reason: string,
    readonly retry: boolean,
    readonly receipt?: Partial<Outcome>,
  ) {
    super(receipt?.detail ? `${reason}: ${receipt.detail}` : reason);
    this.name = "Refused";
  }
}

export type State = "online" | "degraded" | "offline";

export interface SessionOptions {
  name: string;
  targets: Target[];
  token: string;
  getToken?: (node: string) => string | Promise<string>;
  storage?: Store;
  eventsMax: number;
  timing: Timing;
}

interface Asked {
  kind: string;
  payload: string;
  answer: string;
  fits: (body: any) => boolean;
  late: () => void;
  done: (body: any) => void;
  sends: number;
  sentAt: number;
}

const WINDOW = 50; // events that have no PUBACK yet; it grows to this, so that a bad network is not asked for much at once
const WAITING_MAX = 200; // messages that wait for a listener
const BYTES_MAX = 16_000; // of an event; the node takes 16 KiB
const KEEP_S = 24 * 3600;
const BUSY = [0x80, 0x97]; // of a PUBACK: later

/** 24 characters: the time, and chance. */
export function newId(): string {
  let text = Date.now().toString(36);
  while (text.length < 24) text += Math.random().toString(36).slice(2);
  return text.slice(0, 24);
}

export class Session {
  state: State = "offline";
  readonly clock = new Clock();
  /** Called with every new connection. */
  onOpen = () => {};
  /** What an app is given for a message of a kind. */
  made: { [kind: string]: (body: any) => any } = {};
  private readonly _listeners: { [name: string]: Array<(event: any) => void> } = {};
  private readonly _waiting: { [name: string]: any[] } = {};
  private readonly _seen = new Map<string, string>();
  private readonly _early: Array<() => void> = [];
  private readonly _options: SessionOptions;
  private _store: Store;
  private _outbox: Outbox | undefined;
  private _link: Link | undefined;
  private _asked: Asked[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _said = "";
  private _busy = false;
  private _window = 0;
  private _persistent: boolean;
  private _closed = false;

  constructor(options: SessionOptions) {
    this._options = options;
    const found = options.storage ?? ownStore();
    this._store = found ?? memoryStore();
    this._persistent = !!found;
    if (options.storage || !found) this._start();
    else
      first(`doorstep/${options.name}`).then((mine) => {
        if (!mine) this._store = memoryStore();
        this._persistent = mine;
        this._start();
      });
  }

  /** Any durable event. It is stored, then sent until its receipt is here. */
  send(kind: string, body: object): Promise<any> {
    return new Promise((resolve, reject) => {
      const go = () => {
        if (JSON.stringify(body).length > BYTES_MAX) return reject(new Refused("oversized", false));
        try {
          const entry = this._outbox!.add(newId(), kind, { at: this.now(), ...body }, this._only());
          entry._done = (outcome) =>
            outcome.status === "accepted" ? resolve(outcome) : reject(new Refused(outcome.reason!, !!outcome.again, outcome));
        } catch (error) {
          return reject(new Refused("not_stored", true, { detail: `${error}` }));
        }
        this._count();
        this._pump();
      };
      this._outbox ? go() : this._early.push(go);
    });
  }

  /** Returns what ends it. Updates, assignments and outcomes wait for their first listener. */
  on(name: string, listener: (event: any) => void): () => void {
    const all = (this._listeners[name] ??= []);
    all.push(listener);
    const waiting = this._waiting[name] ?? [];
    delete this._waiting[name];
    waiting.forEach((event) => this._emit(name, event));
    if (name === "settled" && this._outbox) this._report();
    return () => void all.splice(all.indexOf(listener), 1);
  }

  /** The node's clock, Unix milliseconds. */
  now(): number {
    return Math.round(this.clock.now());
  }

  end(): void {
    this._closed = true;
    clearTimeout(this._timer);
    this._asked.forEach((each) => each.late());
    this._link?.end();
  }

  /** How many events have no receipt. */
  get unsent(): number {
    return this._outbox?.unsent ?? 0;
  }

  // -- inside ----------------------------------------------------------------------------------------------------------

  private _start(): void {
    if (this._closed) return;
    const key = `doorstep/${this._options.name}/`;
    this._outbox = new Outbox(this._store, `${key}e/`, this._options.eventsMax);
    const clientId = this._store.get(`${key}id`) || `${this._options.name.slice(0, 30)}-${newId()}`;
    const offset = this._store.get(`${key}clock`);
    if (offset) this.clock.offset = +offset;
    try {
      this._store.set(`${key}id`, clientId);
    } catch {
      // Without room it is another client the next time: what waits for this one is lost, orders are not.
    }
    this._report();
    this._early.splice(0).forEach((go) => go());
    this._count();
    const { token, getToken } = this._options;
    this._link = new Link(
      { targets: this._options.targets, name: this._options.name, token, getToken, clientId, keepS: this._persistent ? KEEP_S : 60, timing: this._options.timing },
      {
        open: (target, kept) => this._opened(target, kept),
        closed: (reason) => this._gone(reason),
        message: (kind, payload) => this._received(kind, payload),
        idle: () => {
          const node = this._link?.target?.node; // what belongs to another one waits for that
          return !this._asked.length && ![...this._outbox!.entries.values()].some((each) => !each.outcome && each.node === node);
        },
      },
    );
    this._link.ahead = this.clock.offset ?? 0;
  }

  /** The node that an event belongs to from its begin; undefined where there are several and none is connected. */
  private _only(): string | undefined {
    const [{ node }] = this._options.targets;
    return this._link?.target?.node ?? (this._options.targets.every((each) => each.node === node) ? node : undefined);
  }

  private _emit(name: string, event: any): void {
    const all = this._listeners[name];
    if (all?.length) {
      for (const listener of [...all])
        try {
          listener(event);
        } catch (error) {
          setTimeout(() => {
            throw error; // the app's own, and nobody else's
          }, 0);
        }
    } else if (this.made[name]) {
      const waiting = (this._waiting[name] ??= []);
      waiting.push(event);
      if (waiting.length > WAITING_MAX) waiting.shift();
    }
  }

  private _turn(state: State, event: any): void {
    const latest = `${state} ${event.reason ?? ""}`;
    this.state = state;
    if (latest === this._said) return;
    this._said = latest;
    this._emit(state, event);
  }

  private _tell(): void {
    const target = this._link?.target;
    if (!target) return;
    const reason = this._busy ? "busy" : target !== this._options.targets[0] ? "fallback" : this._persistent ? "" : "memory";
    this._turn(reason ? "degraded" : "online", reason ? { reason } : { ...target });
  }

  private _count(): void {
    this._emit("unsent", this._outbox!.unsent);
  }

  private _opened(target: Target, kept: boolean): void {
    this._busy = false;
    this._window = 8;
    this._said = "";
    const soon = Date.now() + this._options.timing.resend;
    this._outbox!.entries.forEach((entry) => {
      entry._flying = false;
      entry._due = kept && entry._acked ? soon : 0; // its receipt is on its way
    });
    this._asked.forEach((each) => (each.sentAt = 0));
    this._tell();
    if (this._closed) return; // by a listener
    if (!this.clock.sure) this.ask("orders.list", {}, "orders").catch(() => {});
    this.onOpen();
    this._pump();
  }

  private _gone(reason: string): void {
    clearTimeout(this._timer);
    this._outbox!.entries.forEach((entry) => (entry._flying = false));
    this._turn("offline", { reason });
  }

  /** Sends what is due, and comes back when something will be. */
  private _pump(): void {
    const { _link: link } = this;
    const { timing } = this._options;
    const node = link?.target?.node;
    if (!link || !node) return;
    clearTimeout(this._timer);
    const now = Date.now();
    let next = now + timing.resendMax;
    let flying = 0;
    this._outbox!.entries.forEach((entry) => (flying += +entry._flying));
    for (const entry of [...this._outbox!.entries.values()]) {
      if (entry.outcome || (entry.node && entry.node !== node)) continue;
      if (entry._flying) {
        if (now >= entry._sentAt + timing.answer) return link.renew("no PUBACK");
        next = Math.min(next, entry._sentAt + timing.answer);
      } else if (entry._due > now) {
        next = Math.min(next, entry._due);
      } else if (entry._code && !BUSY.includes(entry._code)) {
        this._settle(entry, { id: entry.id, of: entry.kind, status: "refused", at: 0, reason: `0x${entry._code.toString(16)}` });
      } else if (flying < this._window) {
        flying += +this._fly(entry, node);
      }
    }
    for (const each of this._asked)
      if (now >= each.sentAt + timing.probe) {
        each.sends += 1;
        each.sentAt = now;
        link.publish(each.kind, each.payload, 0);
      }
    if (this._asked.length) next = Math.min(next, now + timing.probe);
    this._timer = setTimeout(() => this._pump(), next - now + 1);
  }

  private _fly(entry: Entry, node: string): boolean {
    if (!entry.node) {
      entry.node = node;
      try {
        this._outbox!.save(entry);
      } catch {
        entry.node = undefined; // no room to say where it went, so it does not go
        entry._due = Date.now() + this._options.timing.resendMax;
        return false;
      }
    }
    entry._flying = true;
    entry._sends += 1;
    entry._sentAt = Date.now();
    return this._link!.publish(entry.kind, JSON.stringify({ id: entry.id, ...entry.body }), 1, (code) => {
      const { resend, resendMax } = this._options.timing;
      entry._flying = false;
      if (this._window < WINDOW) this._window++;
      entry._code = code >= 0x80 ? code : 0;
      entry._acked = !entry._code;
      const wait = Math.min(resendMax, resend * 2 ** Math.min(entry._sends - 1, 10));
      entry._due = Date.now() + wait * (0.5 + Math.random() / 2);
      this._busy = BUSY.includes(entry._code);
      this._tell();
      this._pump();
    });
  }

  /** Once, at most. Returns whether there was a connection. */
  post(kind: string, body: object): boolean {
    return !!this._link?.publish(kind, JSON.stringify(body), 0);
  }

  /** A question that is in memory only: sent until an answer is here that `fits`. */
  ask(kind: string, body: object, answer: string, fits: (body: any) => boolean = () => true): Promise<any> {
    return new Promise((resolve, reject) => {
      const asked: Asked = { kind, payload: JSON.stringify(body), answer, fits, sends: 0, sentAt: 0, done: resolve, late: resolve as () => void };
      const end = () => {
        clearTimeout(late);
        this._asked = this._asked.filter((each) => each !== asked);
      };
      asked.late = () => {
        end();
        reject(new Refused("no_answer", true));
      };
      const late = setTimeout(asked.late, 2 * this._options.timing.answer);
      asked.done = (found) => {
        end();
        resolve(found);
      };
      this._asked.push(asked);
      this._pump();
    });
  }

  private _received(kind: string, payload: string): void {
    let body: any;
    try {
      body = JSON.parse(payload);
    } catch {
      return; // of another program
    }
    if (kind === "receipt") return this._receipt(body);
    const asked = this._asked.find((each) => each.answer === kind && each.fits(body));
    if (asked) {
      if (kind === "orders" && asked.sends === 1) this._learn(body.at, asked.sentAt);
      return asked.done(body);
    }
    const about = `${kind} ${body.order ?? body.label}`;
    if (this._seen.get(about) === payload) return; // delivered once more, after a connection was lost
    this._seen.delete(about);
    this._seen.set(about, payload);
    if (this._seen.size > WAITING_MAX) this._seen.delete(this._seen.keys().next().value!);
    if (this.made[kind]) this._emit(kind, this.made[kind](body));
    else this._emit("message", { kind, body });
  }

  private _receipt(receipt: Outcome): void {
    const entry = this._outbox!.entries.get(receipt.id);
    if (!entry || entry.outcome) return;
    if (entry._done && entry._sends === 1) this._learn(receipt.at, entry._sentAt);
    this._settle(entry, receipt);
    this._pump();
  }

  private _settle(entry: Entry, outcome: Outcome): void {
    if (entry._done) {
      this._outbox!.remove(entry);
      entry._done(outcome);
    } else {
      entry.outcome = outcome;
      try {
        this._outbox!.save(entry); // until somebody has heard of it
      } catch {
        // It is sent again after the next start, and gets the same receipt.
      }
      this._report();
    }
    this._count();
  }

  private _report(): void {
    if (!this._listeners.settled?.length) return;
    for (const entry of [...this._outbox!.entries.values()])
      if (entry.outcome) {
        this._emit("settled", entry.outcome);
        this._outbox!.remove(entry);
      }
  }

  private _learn(at: number, sent: number): void {
    if (!this.clock.learn(at, sent)) return;
    this._link!.ahead = this.clock.offset!;
    try {
      this._store.set(`doorstep/${this._options.name}/clock`, `${this.clock.offset}`);
    } catch {
      // It is learned again.
    }
  }
}
