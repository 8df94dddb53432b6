// One connection at a time to one of the nodes: tokens, back-off, failover and return.
import mqtt from "mqtt";
import type { MqttClient } from "mqtt";
import { inWeChat, watch, weChatSocket } from "./platform";
import { claims } from "./token";

export interface Target {
  url: string;
  node: string;
}

export interface LinkOptions {
  targets: Target[];
  name: string;
  token: string;
  getToken?: (node: string) => string | Promise<string>;
  clientId: string;
  /** Seconds that the node keeps answers for this client while it is away. */
  keepS: number;
  timing: Timing;
}

/** Milliseconds. */
export interface Timing {
  /** A connection is tried again after up to `backoff`, doubling, to `backoffMax`. */
  backoff: number;
  backoffMax: number;
  /** An event without a receipt is sent again after `resend`, doubling, to `resendMax`. */
  resend: number;
  resendMax: number;
  /** From the first packet to the node's welcome, and from a publish to its PUBACK. */
  answer: number;
  /** On another node than the first one: so long until the first one is tried again, doubling, to `returnMax`. */
  return: number;
  returnMax: number;
  /** A question about the connection, after the app was away. */
  probe: number;
  /** Positions: from the first one to its message, and between two. */
  positions: number;
  positionsApart: number;
}

export interface LinkEvents {
  /** Connected; `kept`: the node had kept the session. */
  open(target: Target, kept: boolean): void;
  closed(reason: string): void;
  message(kind: string, payload: string): void;
  /** Whether nothing is on its way, so that the link may move to another node. */
  idle(): boolean;
}

const NOT_AUTHORIZED = [0x86, 0x87, 4, 5];

export class Link {
  /** Where it is connected; undefined while it is not. */
  target: Target | undefined;
  /** How far the node's clock is ahead, milliseconds. */
  ahead = 0;
  private _client: MqttClient | undefined;
  private readonly _options: LinkOptions;
  private readonly _tokens: { [node: string]: string } = {}; // from getToken
  private _at = 0; // which target
  private _tries = 0; // since the last connection
  private _turn = 0; // what an earlier attempt still has to say is void
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _back: ReturnType<typeof setTimeout> | undefined;
  private _backMs: number;
  private _heardAt = 0;
  private _hidden = false;
  private _returning = false;
  private _ended = false;
  private readonly _unwatch: () => void;

  constructor(
    options: LinkOptions,
    private readonly _events: LinkEvents,
  ) {
    this._options = options;
    this._backMs = options.timing.return;
    this._unwatch = watch({
      hide: () => void (this._hidden = true),
      show: () => {
        this._hidden = false;
        this.probe();
      },
      moved: () => this.renew("another network"),
    });
    this._attempt();
  }

  /** Once, at most, where `qos` is 0; else `done` has the reason code of the PUBACK. */
  publish(kind: string, payload: string, qos: 0 | 1, done?: (code: number) => void): boolean {
    const { _client: client, target } = this;
    if (!client?.connected || !target) return false;
    const turn = this._turn;
    client.publish(`ds/${target.node}/up/${this._options.name}/${kind}`, payload, { qos }, (error: any, packet: any) => {
      if (turn === this._turn && (!error || error.code)) done?.(error?.code ?? packet?.reasonCode ?? 0);
    });
    return true;
  }

  /** Leaves this connection for a new one, at once. */
  renew(why: string): void {
    this._drop(why);
    this._tries = 0;
    this._again(0);
  }

  /** Is anybody there? After a while in the background a socket may look alive and be none. */
  probe(): void {
    const { _client: client } = this;
    if (!client?.connected) {
      if (!this._client) this.renew("");
      return;
    }
    const asked = Date.now();
    client.sendPing();
    setTimeout(() => {
      if (client === this._client && this._heardAt < asked) this.renew("no answer");
    }, this._options.timing.probe);
  }

  end(): void {
    this._ended = true;
    this._unwatch();
    this._drop("closed by the app", false);
  }

  private _again(ms: number): void {
    clearTimeout(this._timer);
    if (!this._ended) this._timer = setTimeout(() => this._attempt(), ms);
  }

  private _drop(why: string, force = true): void {
    this._turn += 1;
    clearTimeout(this._timer);
    clearTimeout(this._back);
    const { _client: client, target } = this;
    this._client = this.target = undefined;
    client?.end(force);
    if (target) this._events.closed(why);
  }

  /** This attempt, or this connection, is over: another node at once, all of them once more after a while. */
  private _failed(why: string): void {
    const { targets, timing } = this._options;
    if (this.target) {
      this._tries = 0; // the same one again first
    } else {
      this._tries += 1;
      this._at = (this._at + 1) % targets.length;
    }
    const wasOpen = !!this.target;
    this._drop(why);
    if (!wasOpen) this._events.closed(why);
    if (this._hidden && inWeChat) return; // until it is shown
    const rounds = Math.floor(this._tries / targets.length);
    const all = this._tries % targets.length === 0;
    const most = Math.min(timing.backoffMax, timing.backoff * 2 ** Math.max(0, rounds - 1));
    this._again(Math.random() * (all ? most : Math.min(most, timing.backoff)));
  }

  private async _attempt(): Promise<void> {
    const turn = ++this._turn;
    const { _options: options } = this;
    const { getToken } = options;
    const target = options.targets[this._at];
    let token = this._tokens[target.node];
    const deadline = setTimeout(() => turn === this._turn && this._failed("getToken"), options.timing.answer);
    try {
      if (getToken && (!token || (claims(token).exp ?? Infinity) * 1000 < Date.now() + this.ahead + 5_000))
        token = this._tokens[target.node] = await getToken(target.node);
    } catch (error) {
      if (turn === this._turn) this._failed(`getToken: ${error}`);
      return;
    } finally {
      clearTimeout(deadline);
    }
    if (turn === this._turn) this._connect(target, token || options.token);
  }

  private _connect(target: Target, password: string): void {
    const { _options: options } = this;
    const turn = this._turn;
    const live = () => turn === this._turn;
    let client: MqttClient;
    try {
      client = mqtt.connect(target.url, {
        protocolVersion: 5,
        clientId: options.clientId,
        clean: false,
        username: options.name,
        password,
        keepalive: 30,
        reconnectPeriod: 0,
        connectTimeout: this._returning ? options.timing.probe : options.timing.answer,
        resubscribe: false,
        properties: { sessionExpiryInterval: options.keepS, userProperties: { encoding: "json" } },
        ...(inWeChat && { forceNativeWebSocket: true, createWebsocket: weChatSocket }),
      } as any);
    } catch (error) {
      return this._failed(`${error}`);
    }
    this._client = client;
    this._returning = false;
    let reason = "";
    client.on("connect", (welcome) => {
      if (!live()) return;
      this.target = target;
      client.subscribe(`ds/${target.node}/down/${options.name}/#`, { qos: 1 }, (error) => {
        if (error && live()) this._failed(`no subscription: ${error.message}`);
      });
      this._tries = 0;
      if (this._at) {
        this._back = setTimeout(() => this._goBack(), this._backMs);
        this._backMs = Math.min(this._backMs * 2, options.timing.returnMax);
      } else {
        this._backMs = options.timing.return;
      }
      this._events.open(target, welcome.sessionPresent);
    });
    client.on("packetreceive", () => (this._heardAt = Date.now()));
    client.on("message", (topic, payload) => live() && this._events.message(topic.slice(topic.lastIndexOf("/") + 1), `${payload}`));
    client.on("disconnect", (packet) => (reason = packet?.properties?.reasonString || `code ${packet?.reasonCode}`));
    client.on("error", (error: any) => {
      reason = error.message;
      if (NOT_AUTHORIZED.includes(error.code)) delete this._tokens[target.node];
    });
    client.on("close", () => live() && this._failed(reason || "the connection was lost"));
  }

  /** Back to the first node, when nothing is on its way. */
  private _goBack(): void {
    if (!this._events.idle()) {
      this._back = setTimeout(() => this._goBack(), this._options.timing.backoff);
      return;
    }
    this._at = 0;
    this._returning = true;
    this.renew("return");
  }
}
