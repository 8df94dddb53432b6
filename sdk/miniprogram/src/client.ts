// The client: what an app calls, and what it hears of.
import type { Assignment, OrderReceipt, OrdersOpen, Place, PriceEntry, PriceReceipt, Receipts, RiderPlace, RiderProgress, Up, Update } from "../../protocol/doorstep";
import type { Target, Timing } from "./link";
import type { Outcome } from "./outbox";
import { Positions } from "./positions";
import { Session, type State, newId } from "./session";
import type { Store } from "./storage";
import { claims } from "./token";

export interface Options {
  /** `wss://…`: one, or several of which the first one is the best. With `{url, node}` they are several nodes. */
  url: string | Array<string | Target>;
  /** The node's name, where a url does not have it. */
  node?: string;
  /** What `doorstep credential add` printed, or a JWT of your server; or a function that gets one from your server. */
  token?: string;
  getToken?: (node: string) => string | Promise<string>;
  /** The client's name; that of a JWT is in it. */
  name?: string;
  /** Where events wait; without it `wx` storage, localStorage, or memory. */
  storage?: Store;
  /** The coordinate system of your places, where it is not the node's: WeChat has `gcj02`. */
  crs?: "gcj02" | "wgs84";
  /** Events that may wait for their receipts; 500. */
  eventsMax?: number;
  timing?: Partial<Timing>;
}

/** An assignment, with what a rider does about it. */
export type Offer = Assignment & { accept(): Promise<OrderReceipt>; decline(reason?: string): Promise<OrderReceipt> };

export interface Events {
  /** Everything is well. */
  online: { url: string; node: string };
  /** Connected, and not well: `fallback` (not the first node), `busy` (the node takes nothing for now), `memory` (nothing here survives the app). */
  degraded: { reason: string };
  offline: { reason: string };
  /** How many events have no receipt. */
  unsent: number;
  update: Update;
  assignment: Offer;
  /** What became of an event that was stored before the app was started. */
  settled: Outcome;
  /** Every other message, such as a `label.show`. */
  message: { kind: string; body: any };
}

type New<K extends keyof Up> = Omit<Up[K], "id" | "at" | "v" | "kind">;

const TIMING: Timing = {
  backoff: 500, backoffMax: 30_000, resend: 3_000, resendMax: 60_000, answer: 15_000,
  return: 60_000, returnMax: 900_000, probe: 3_000, positions: 5_000, positionsApart: 1_000,
};

export class Doorstep {
  /** The client's name on the node. */
  readonly name: string;
  private readonly _options: Options;
  private readonly _session: Session;
  private readonly _positions: Positions;

  constructor(options: Options) {
    this._options = options;
    const { url, node = "", token = "", getToken, storage, eventsMax = 500 } = options;
    const urls = typeof url === "string" ? [url] : url;
    const targets = urls.map((each) => (typeof each === "string" ? { url: each, node } : each));
    this.name = options.name ?? claims(token).sub ?? "";
    if (!this.name || !targets.length || !targets.every((each) => /^wss?:\/\//.test(each.url) && each.node))
      throw new Error("connect needs url (wss://…), node, name (a JWT has one), and token or getToken");
    const timing = { ...TIMING, ...options.timing };
    this._session = new Session({ name: this.name, targets, token, getToken, storage, eventsMax, timing });
    this._positions = new Positions(
      (points) => this._session.post("rider.position", this._withCrs({ points })),
      timing.positions,
      timing.positionsApart,
    );
    this._session.onOpen = () => this._positions.flush();
    this._session.made = { update: (body) => body, assignment: (body) => this._offer(body) };
  }

  // -- customers and shops ---------------------------------------------------------------------------------------------

  /** Resolves with the receipt, which has the promise; rejects with `Refused`. The order's name is made where it is missing. */
  placeOrder(order: Omit<New<"order.place">, "order"> & { order?: string }): Promise<OrderReceipt> {
    const name = order.order ?? `o-${newId()}`;
    return this.send("order.place", this._withCrs({ ...order, order: name }) as New<"order.place">);
  }

  cancelOrder(order: string, reason?: string): Promise<OrderReceipt> {
    return this.send("order.cancel", { order, reason });
  }

  onUpdate(listener: (update: Update) => void): () => void {
    return this.on("update", listener);
  }

  /** The open orders of this client, from the node: after the app was installed again. `shop`: those of the shop that it acts for. */
  myOrders(shop?: string): Promise<OrdersOpen> {
    const mine = (body: OrdersOpen) => !shop || body.orders.every((order) => order.shop === shop);
    return this.ask("orders.list", shop ? { shop } : {}, "orders", mine);
  }

  /** Where the rider with this order is, if the node shows it: a place, or a reason. */
  trackRider(order: string): Promise<RiderPlace> {
    return this.ask("order.track", { order }, "rider.place", (body: RiderPlace) => body.order === order);
  }

  // -- riders ----------------------------------------------------------------------------------------------------------

  goOnShift(shift: Partial<New<"rider.shift">> = {}): Promise<OrderReceipt> {
    return this.send("rider.shift", this._withCrs({ ...shift, on: true }, !!shift.place) as New<"rider.shift">);
  }

  goOffShift(): Promise<OrderReceipt> {
    this._positions.flush();
    return this.send("rider.shift", { on: false });
  }

  /** As often as you like: they are sent in batches, at most once, and never stored. */
  reportPosition(place: Place): void {
    this._positions.add(this.now(), place.lat, place.lon);
  }

  onAssignment(listener: (assignment: Offer) => void): () => void {
    return this.on("assignment", listener);
  }

  progress(order: string, step: RiderProgress["step"]): Promise<OrderReceipt> {
    return this.send("rider.progress", { order, step });
  }

  /** Nobody takes what was picked up: an assignment with the way back follows. */
  failed(order: string, cause: NonNullable<RiderProgress["cause"]>, reason?: string): Promise<OrderReceipt> {
    return this.send("rider.progress", { order, step: "failed", cause, reason });
  }

  /** It is back at its shop. */
  returned(order: string): Promise<OrderReceipt> {
    return this.progress(order, "returned");
  }

  // -- kitchens and shops ----------------------------------------------------------------------------------------------

  ready(order: string): Promise<OrderReceipt> {
    return this.send("kitchen.ready", { order });
  }

  /** Ready in so many seconds from now. It waits until the node's clock is known, as the phone's may be wrong. */
  async delay(order: string, inS: number): Promise<OrderReceipt> {
    const from = Date.now();
    if (!this._session.clock.sure) await this.myOrders();
    const at = from + this._session.clock.offset! + inS * 1000;
    return this.send("kitchen.delay", { order, ready_at: Math.round(at) });
  }

  setPrice(price: PriceEntry | PriceEntry[]): Promise<PriceReceipt> {
    return this.send("price.set", Array.isArray(price) ? { prices: price } : { ...price });
  }

  setStock(sku: string, count: number): Promise<PriceReceipt> {
    return this.send("stock.set", { sku, count });
  }

  // -- everybody -------------------------------------------------------------------------------------------------------

  /** Any durable event. It is stored, then sent until its receipt is here. */
  send<K extends keyof Receipts & keyof Up>(kind: K, body: New<K>): Promise<Receipts[K]> {
    return this._session.send(kind, body);
  }

  /** A question that is answered from memory, such as `board.list` with a `board`: until an answer is here that `fits`. */
  ask(kind: string, body: object, answer: string, fits?: (body: any) => boolean): Promise<any> {
    return this._session.ask(kind, body, answer, fits);
  }

  /** Returns what ends it. Updates, assignments and outcomes wait for their first listener. */
  on<N extends keyof Events>(name: N, listener: (event: Events[N]) => void): () => void {
    return this._session.on(name, listener);
  }

  /** Once for each event that an earlier run of the app has stored. */
  onSettled(listener: (outcome: Outcome) => void): () => void {
    return this.on("settled", listener);
  }

  /** The node's clock, Unix milliseconds: for `answer_by`, `expected_at` and what else comes from it. */
  now(): number {
    return this._session.now();
  }

  get state(): State {
    return this._session.state;
  }

  /** How many events have no receipt. */
  get unsent(): number {
    return this._session.unsent;
  }

  /** Ends the connection. What has no receipt stays stored, for the next `connect`. */
  close(): void {
    this._positions.flush();
    this._session.end();
  }

  // -- inside ----------------------------------------------------------------------------------------------------------

  private _withCrs(body: object, has = true): object {
    return this._options.crs && has ? { crs: this._options.crs, ...body } : body;
  }

  private _offer(assignment: Assignment): Offer {
    const { order, offer } = assignment;
    let answer: Promise<OrderReceipt> | undefined; // one, however often the button is pressed
    const reply = (accept: boolean, reason?: string) =>
      (answer ??= this.send("rider.reply", { order, offer, accept, reason }));
    return { ...assignment, accept: () => reply(true), decline: (reason) => reply(false, reason) };
  }
}
