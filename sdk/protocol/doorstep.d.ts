// Messages of a Doorstep node: dispatch, labels. Written by `doorstep scenario protocol`; do not edit.

/**
 * A customer places an order. Give `ready_at`, or the preparation time as `prep_s`, where either is known; else the
 * node expects what it has learned of the shop.
 */
export interface OrderPlace {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.place";
  /** The order's own name, which nobody has used on this node before. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The client name of the shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop: string;
  /** Where the shop is. */
  pickup: Place;
  /** Where the door is. */
  dropoff: Place;
  /** When the food is ready, by the sender's clock. Unix milliseconds. */
  ready_at?: number | null;
  /** How long the kitchen needs, from the moment at which the node decides. It needs no clock that is right. Seconds. 0 to 86400. */
  prep_s?: number | null;
  /** It is to be fetched by then, by the sender's clock: a wish, as `dropoff_by`. */
  pickup_by?: number | null;
  /** It is to be at the door from then on, by the sender's clock. */
  dropoff_from?: number | null;
  /** It is to be at the door by then: a wish that the plan weighs, not a promise. */
  dropoff_by?: number | null;
  /** How long it may be under way with other orders, from the pickup to the door; 0: as its shop has it. Seconds. 0 to 14400. */
  max_bag_s?: number;
  /** How heavy and how large it is. No rider is planned for it whom it, and what it is fetched with, is too much. */
  load?: Load;
  /** What its recipient gives the rider at the door; without it nobody is asked. The node keeps a hash of it alone. `^[0-9A-Za-z]{4,32}$` */
  handover_code?: string | null;
  /** How much it goes before others where riders are scarce: 0 as all, 100 first of all. 0 to 100. */
  priority?: number;
  /** Whether the receipt promises a drop-off time. */
  promise?: boolean;
  /** The coordinate system of the places in this message, where it is not the node's. */
  crs?: "gcj02" | "wgs84" | null;
  /** What the guest pays, in whole cents: for the comparison with the shop's ledgers. Hundredths of the shop's currency. */
  amount_cents?: number | null;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A point on the ground. */
export interface Place {
  /** Degrees, north positive. -90 to 90. */
  lat: number;
  /** Degrees, east positive. -180 to 180. */
  lon: number;
}

/** How heavy and how large something is. In a limit, 0 is none. */
export interface Load {
  /** Grams. 0 to 1000000. */
  weight_g?: number;
  /** Millilitres, which are cubic centimetres. 0 to 10000000. */
  volume_ml?: number;
}

/** The customer who placed the order, its shop, or a dispatcher takes it back. */
export interface OrderCancel {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.cancel";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** Why, for the shop and the rider. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * The shop, or a dispatcher, sends an order out again that could not be handed over and is on its way back. The
 * rider who has it turns round.
 */
export interface OrderRedeliver {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.redeliver";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** Where the door is, if it is not where it was. */
  dropoff?: Place | null;
  /** The coordinate system of `dropoff`, where it is not the node's. */
  crs?: "gcj02" | "wgs84" | null;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A rider begins or ends a shift. `until` is its planned end; `place` is where the rider is now (never stored). */
export interface RiderShift {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.shift";
  /** True begins it, false ends it. */
  on: boolean;
  /** Orders that fit at once. 1 to 8. */
  capacity?: number;
  /** How much the rider carries at once. Without it only `capacity` counts. */
  load_limit?: Load;
  /** What it rides: each ride takes as long as the option `vehicle_pace` has for it. */
  vehicle?: "bike" | "car" | "ebike" | "foot" | null;
  /** The shops that the rider serves; without it all. (Riders of the option `own_riders` serve their employers.) */
  shops?: Array<string>;
  /** Where the rider serves: cells of H3 of resolution 0 to 9. Shop and door lie in them; without it anywhere. */
  zone?: Array<string>;
  /** The planned end. Unix milliseconds. */
  until?: number | null;
  /** Where the rider is. */
  place?: Place | null;
  /** The coordinate system of `place`, where it is not the node's. */
  crs?: "gcj02" | "wgs84" | null;
  /** With `on` false: the shift ends once the rider has brought what it has accepted, and it gets nothing new. */
  after_orders?: boolean;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A rider accepts or declines the assignment numbered `offer`. */
export interface RiderReply {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.reply";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The number of the assignment. */
  offer: number;
  /** True takes the order, false declines it. */
  accept: boolean;
  /** Why it is declined. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A rider is at the shop, has picked up, is at the door, has delivered; or cannot hand it over, and has brought it
 * back.
 */
export interface RiderProgress {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.progress";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** What is done. A step can be left out, but `failed` needs a pickup and `returned` a failure. */
  step: "at_customer" | "at_shop" | "delivered" | "failed" | "picked_up" | "returned";
  /** Why it has `failed`. */
  cause?: "customer_absent" | "damaged" | "other" | "refused" | "wrong_address" | null;
  /** With `delivered`, where the order has a `handover_code`: what its recipient has given. `^[0-9A-Za-z]{4,32}$` */
  code?: string | null;
  /** The same in words. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** The order is ready for pickup now. */
export interface KitchenReady {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "kitchen.ready";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** The order will be ready at another time. */
export interface KitchenDelay {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "kitchen.delay";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The new time. Unix milliseconds. */
  ready_at: number;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * Forget what was learned about a shop: its preparation, its handover, how well its promises were kept. Where its
 * kitchen has changed, the old times would stand in the way of the new ones for some days.
 */
export interface TimesReset {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "times.reset";
  /** The client name of the shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A dispatcher gives an order to a rider, until the pickup. The rider has it at once, without an offer; it can
 * still decline. What it was offered, or held, by another one is withdrawn there.
 */
export interface OrderAssign {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.assign";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The rider's client name. It is on shift. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  rider: string;
  /** How many of the rider's orders come before it; without it the order comes last. What is in the bag, or waited for at a shop, comes first in any case. */
  position?: number | null;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A dispatcher ties an order to a rider: the node plans it, and makes the offer in time, for that one only. */
export interface OrderPin {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.pin";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The rider's client name. Without it the one who has the order, or for whom it is planned. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  rider?: string | null;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A dispatcher keeps an order from being offered, until it is released. A rider who has not picked it up loses
 * it.
 */
export interface OrderHold {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.hold";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A dispatcher undoes an `order.assign`, `order.pin` or `order.hold`: the node decides about the order again. What
 * was assigned and is not picked up is taken from its rider.
 */
export interface OrderRelease {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.release";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * The shop, or a dispatcher, moves an order to other times, or gives it another priority, until the pickup. What is
 * left out stays as it is.
 */
export interface OrderReschedule {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.reschedule";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** When the food is ready, by the sender's clock. Unix milliseconds. */
  ready_at?: number | null;
  /** It is to be fetched by then. */
  pickup_by?: number | null;
  /** It is to be at the door from then on. */
  dropoff_from?: number | null;
  /** It is to be at the door by then. */
  dropoff_by?: number | null;
  /** How much it goes before others where riders are scarce, 0 to 100. 0 to 100. */
  priority?: number | null;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A rider gets nothing new, and keeps what it has accepted: until `rider.resume`, or the end of its shift; with
 * times it is a break. A rider may pause itself, a dispatcher everybody.
 */
export interface RiderPause {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.pause";
  /** The rider's client name. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  rider: string;
  /** When it begins, by the sender's clock; until then the rider gets nothing that is to be fetched later. Without it, now. Unix milliseconds. */
  starts_at?: number | null;
  /** When it ends by itself. Unix milliseconds. */
  until?: number | null;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A rider gets offers again. Who was paused by a dispatcher is resumed by one. */
export interface RiderResume {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.resume";
  /** The rider's client name. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  rider: string;
  /** Why, for the record. At most 256 characters. */
  reason?: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A dispatcher asks what an `order.assign` would cost. QoS 0, never stored, decides nothing; the answer is a
 * `preview`.
 */
export interface OrderPreview {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.preview";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** The rider's client name. Without it the riders who could have the order soonest are shown. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  rider?: string | null;
  /** As in `order.assign`. */
  position?: number | null;
  /** The shop that the sender acts for; the node knows it of a dispatcher of one shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop?: string | null;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * A dispatcher asks for the open orders of every shop, the latest first. QoS 0, never stored; the answer is a
 * `board`.
 */
export interface BoardList {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "board.list";
  /** Of this shop alone. A dispatcher of one shop gets those of that one in any case. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop?: string | null;
  /** This order alone, where it is open. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order?: string | null;
  /** How many of the latest to pass over: the `next` of the answer before. 0 to 100000. */
  offset?: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A dispatcher asks which riders there are. QoS 0, never stored; the answer is a `riders`. */
export interface RidersList {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "riders.list";
  /** How many to pass over: the `next` of the answer before. 0 to 100000. */
  offset?: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** Where a rider was: `[at, lat, lon]` for each point, oldest first. QoS 0, never stored, no receipt. */
export interface RiderPosition {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "rider.position";
  /** `[at, lat, lon]`: Unix milliseconds, degrees, degrees. 1 to 120 items. */
  points: Array<[number, number, number]>;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
  /** The coordinate system of the points, where it is not the node's. */
  crs?: "gcj02" | "wgs84" | null;
}

/** A customer asks where the rider with its order is. QoS 0, never stored; the answer is a `rider.place`. */
export interface OrderTrack {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "order.track";
  /** The order. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  order: string;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** Anybody asks for its open orders. QoS 0, never stored; the answer is an `orders`. */
export interface OrdersList {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "orders.list";
  /** A shop that the sender acts for: its orders. Without it those that it has placed, carries, or has as a shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop?: string | null;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * To a rider: what to pick up and where. `offered` asks for an answer until `answer_by`; `accepted` confirms it and
 * has the exact door; `withdrawn` takes an offer or an order back.
 *
 * `stops` are the whole trip in the sequence to visit, as it would be with this order: the pickups of all that is
 * fetched at the shop at once, then the doors. Those of this order alone are the ones that name it in `order`. Of an
 * order that comes back: the doors before that, then the shop.
 */
export interface Assignment {
  /** Its number, for `rider.reply`. */
  offer: number;
  /** The order. */
  order: string;
  /** What becomes of the order for this rider. */
  state: "accepted" | "offered" | "withdrawn";
  /** When the node decided it. Unix milliseconds. */
  at: number;
  /** The whole trip, in the sequence to visit. None where it is withdrawn. */
  stops?: Array<Stop>;
  /** When the food is ready. Unix milliseconds. */
  ready_at?: number;
  /** Until when an offer waits for an answer. Unix milliseconds. */
  answer_by?: number;
  /** Why it is withdrawn. */
  reason?: string;
}

/**
 * One place of an assignment, in the sequence to visit. The door of an order that is only offered is rounded to
 * 0.01 degrees; that of an accepted one is exact.
 */
export interface Stop {
  /** What is to be done there. */
  at: "dropoff" | "pickup" | "return";
  /** The order. */
  order: string;
  /** Degrees, north positive. */
  lat: number;
  /** Degrees, east positive. */
  lon: number;
  /** When the rider is expected there. Unix milliseconds. */
  expected_at: number;
  /** The shop, where it is a pickup or a return. */
  shop?: string;
}

/**
 * To the customer and the shop: the order's state and the drop-off time expected now (0 where there is none). If an
 * order passes through several states in one round of the node, only the last is sent.
 */
export interface Update {
  /** The order. */
  order: string;
  /** The order's state. */
  state: "placed" | "offered" | "accepted" | "at_shop" | "picked_up" | "at_customer" | "returning" | "delivered" | "returned" | "cancelled" | "undeliverable";
  /** When the node decided it. Unix milliseconds. */
  at: number;
  /** The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can be expected, or nothing any more. Unix milliseconds. */
  expected_at?: number;
  /** When the food is ready. Unix milliseconds. */
  ready_at?: number;
  /** The cause, as a word or a few. */
  reason?: string;
  /** Who ended it, where it is `cancelled` or `undeliverable`. */
  cancelled_by?: "customer" | "shop" | "dispatcher" | "node";
  /** Why it could not be handed over, where it is `returning` or `returned`. */
  cause?: "customer_absent" | "wrong_address" | "refused" | "damaged" | "other";
  /** The drop-off time promised anew, once, of an order that is late but coming. Unix milliseconds. */
  promised_at?: number;
  /** The state as WeChat's instant delivery numbers it. */
  wx_status?: number;
}

/**
 * To a rider with nothing to do: where it is most likely to be needed next. Advice, never an order: whoever stays
 * is offered orders as before.
 */
export interface Advice {
  /** When the node decided it. Unix milliseconds. */
  at: number;
  /** The shop to wait near. */
  shop: string;
  /** Degrees, north positive. */
  lat: number;
  /** Degrees, east positive. */
  lon: number;
  /** Until when it holds. It ends with the next offer, too. Unix milliseconds. */
  until: number;
  /** Why, in a few words. */
  reason?: string;
}

/** The answer to an `order.track`, once, at QoS 0: where the rider was at `at`; or a `reason`, and no place. */
export interface RiderPlace {
  /** The order. */
  order: string;
  /** When the rider was there; without a place, when the node answered. Unix milliseconds. */
  at: number;
  /** Degrees, north positive. */
  lat?: number;
  /** Degrees, east positive. */
  lon?: number;
  /** Why there is no place. */
  reason?: string;
}

/** The answer to an `orders.list`, once, at QoS 0: the newest open orders. */
export interface OrdersOpen {
  /** The node's clock when it answered. Unix milliseconds. */
  at: number;
  /** Newest first, at most 100. */
  orders: Array<OpenOrder>;
  /** How many older ones are open. */
  more?: number;
}

/** An open order, as whoever asks may know it. */
export interface OpenOrder {
  /** The order. */
  order: string;
  /** The shop. */
  shop: string;
  /** The order's state. */
  state: "placed" | "offered" | "accepted" | "at_shop" | "picked_up" | "at_customer" | "returning" | "delivered" | "returned" | "cancelled" | "undeliverable";
  /** When it was placed. Unix milliseconds. */
  placed_at: number;
  /** When the food is ready. Unix milliseconds. */
  ready_at: number;
  /** The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can be expected. Unix milliseconds. */
  expected_at?: number;
  /** Why it could not be handed over, while it is returning. */
  cause?: "customer_absent" | "wrong_address" | "refused" | "damaged" | "other";
  /** For its rider: as in the message of this kind. */
  assignment?: Assignment;
}

/**
 * The answer to an `order.preview`, once, at QoS 0: the riders who could have the order, the soonest first; or why
 * there is none.
 */
export interface Preview {
  /** The order. */
  order: string;
  /** The node's clock when it answered. Unix milliseconds. */
  at: number;
  /** The drop-off time expected now, without an override. Absent where nobody is planned. Unix milliseconds. */
  expected_at?: number;
  /** Riders, the soonest drop-off first: the one that was asked about, or at most six. */
  choices?: Array<Choice>;
  /** Why there is none, as in the receipt of an `order.assign`. */
  reason?: string;
  /** The same in words. */
  detail?: string;
}

/** One rider who could have the order, and what that costs. */
export interface Choice {
  /** The rider's client name. */
  rider: string;
  /** The drop-off time of the order, if this rider had it. Unix milliseconds. */
  expected_at: number;
  /** The other orders that would come later, or earlier. */
  delays?: Array<Delay>;
}

/** An order that comes at another time because of an override. */
export interface Delay {
  /** The order. */
  order: string;
  /** By how many seconds it comes later; below zero: earlier. Seconds. */
  later_s: number;
}

/** The answer to a `board.list`, once, at QoS 0: open orders, the latest first. */
export interface Board {
  /** The node's clock when it answered. Unix milliseconds. */
  at: number;
  /** The latest first, at most 100. Those that wait for a rider count by how long they have waited. */
  orders: Array<BoardOrder>;
  /** How many are open. */
  open: number;
  /** As it was asked for. */
  offset?: number;
  /** The `offset` of those after these. Absent where there are none. */
  next?: number;
}

/** An open order, as a dispatcher sees it. */
export interface BoardOrder {
  /** The order. */
  order: string;
  /** The shop. */
  shop: string;
  /** The order's state. */
  state: "placed" | "offered" | "accepted" | "at_shop" | "picked_up" | "at_customer" | "returning" | "delivered" | "returned" | "cancelled" | "undeliverable";
  /** When it was placed. Unix milliseconds. */
  placed_at: number;
  /** When the food is ready. Unix milliseconds. */
  ready_at: number;
  /** The drop-off time promised. Absent where none was. Unix milliseconds. */
  promised_at?: number;
  /** The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can be expected. Unix milliseconds. */
  expected_at?: number;
  /** By how many seconds it comes later than promised, below zero: earlier; of one that nobody has and nobody is planned for, since when it could go. Absent where neither is known. Seconds. */
  late_s?: number;
  /** Who has it, or was offered it. */
  rider?: string;
  /** How many of its rider's orders come before it. */
  position?: number;
  /** For whom it is planned, where nobody has it. */
  planned?: string;
  /** What a dispatcher has decided. */
  override?: BoardOverride;
  /** How much it goes before others. */
  priority?: number;
  /** It is to be at the door from then on. */
  dropoff_from?: number;
  /** It is to be at the door by then. */
  dropoff_by?: number;
  /** Why it could not be handed over, while it is returning. */
  cause?: "customer_absent" | "wrong_address" | "refused" | "damaged" | "other";
}

/** What a dispatcher has decided about an order. */
export interface BoardOverride {
  /** As after `order.assign`, `order.pin` and `order.hold`. */
  kind: "assigned" | "held" | "pinned";
  /** The dispatcher. */
  by: string;
  /** The rider to whom it is assigned or pinned. */
  rider?: string;
}

/** The answer to a `riders.list`, once, at QoS 0: riders in the sequence in which their shifts began. */
export interface RidersKnown {
  /** The node's clock when it answered. Unix milliseconds. */
  at: number;
  /** At most 100. */
  riders: Array<BoardRider>;
  /** How many there are. */
  known: number;
  /** As it was asked for. */
  offset?: number;
  /** The `offset` of those after these. Absent where there are none. */
  next?: number;
}

/** A rider on shift, or one who still holds an order. Never where it is. */
export interface BoardRider {
  /** Its client name. */
  rider: string;
  /** What it does: `offered` has to answer, `silent` has been without contact for too long. */
  state: "busy" | "idle" | "offered" | "paused" | "silent";
  /** How many orders fit at once. */
  capacity: number;
  /** How many it has. */
  orders?: number;
  /** When it is expected to have delivered all of them. Unix milliseconds. */
  free_at?: number;
  /** The planned end of its shift. Absent where none was given, or where it has gone home with food in its bag. Unix milliseconds. */
  until?: number;
  /** Who has paused it. */
  paused_by?: string;
  /** How many seconds ago something last came from it. Seconds. */
  contact_s?: number;
}

/** A shop sets one price, or several as `prices`: then all of them or, where one is refused, none. */
export interface PriceSet {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "price.set";
  /** The article, with `price_cents`. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku?: string | null;
  /** Hundredths of the shop's currency. 0 to 1000000000. */
  price_cents?: number | null;
  /** When the price comes into force; 0 is at once. Unix milliseconds. */
  from_at?: number;
  /** When it ends, just before this; absent is for good. Unix milliseconds. */
  until_at?: number | null;
  /** Several prices, in place of the fields of one. 1 to 256 items. */
  prices?: Array<PriceEntry> | null;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** One price of one article, from `from_at` (0: at once) until just before `until_at` (none: for good). */
export interface PriceEntry {
  /** The article. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku: string;
  /** Hundredths of the shop's currency. 0 to 1000000000. */
  price_cents: number;
  /** When the price comes into force; 0 is at once. Unix milliseconds. */
  from_at?: number;
  /** When it ends, just before this; absent is for good. Unix milliseconds. */
  until_at?: number | null;
}

/** A shop has so many pieces of an article. */
export interface StockSet {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "stock.set";
  /** The article. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku: string;
  /** Pieces. 0 to 1000000000. */
  count: number;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A shop no longer has an article: its prices and its stock are forgotten. No label may show it. */
export interface SkuRemove {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "sku.remove";
  /** The article. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A label shows an article from now on, and `gateway` (a client) serves it. A label that was bound before moves. */
export interface LabelBind {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "label.bind";
  /** The label. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  label: string;
  /** The article that it shows. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku: string;
  /** The client name of the gateway that serves it. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  gateway: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A label shows nothing of this shop any more. */
export interface LabelUnbind {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "label.unbind";
  /** The label. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  label: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** A gateway's label shows a version. All fields are those of the `label.show` that it confirms. */
export interface LabelShown {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "label.shown";
  /** The client name of the shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop: string;
  /** The label. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  label: string;
  /** Which binding it shows. */
  binding: number;
  /** Which version of the article. */
  version: number;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/** Anybody asks for the price in force. The receipt has it. */
export interface PriceGet {
  /** The kind, which the topic has, too. It can be left out. */
  kind?: "price.get";
  /** The client name of the shop. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  shop: string;
  /** The article. `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$` */
  sku: string;
  /** The sender's own name for the event: a new one for each event, the same one when it is sent again. `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$` */
  id: string;
  /** The sender's clock when it happened: a label for figures. The node decides by its own clock. Unix milliseconds. */
  at: number;
  /** Version of the message. 0 to 2147483647. */
  v?: number;
}

/**
 * To a gateway: what a label has to show. `stock` is missing until the shop has set one.
 *
 * `version` counts the changes of an article, `binding` every `label.bind` that changed something. So of two messages
 * for one label the one with the greater (binding, version) is the newer one, in whatever sequence they arrive.
 */
export interface LabelShow {
  /** The client name of the shop. */
  shop: string;
  /** The label. */
  label: string;
  /** The article that it shows. */
  sku: string;
  /** Counts what the label was bound to. */
  binding: number;
  /** Counts what changed about the article. */
  version: number;
  /** The price in force. Hundredths of the shop's currency. */
  price_cents: number;
  /** Pieces in stock. */
  stock?: number;
}

/** The receipt of an event of dispatch: which order it is about, and what the customer was promised. */
export interface OrderReceipt {
  /** That of the event. */
  id: string;
  /** The kind of the event; `?` where its topic has none. */
  of: string;
  /** What became of it. Accepted is for good. */
  status: "accepted" | "refused";
  /** The node's clock when it decided. Unix milliseconds. */
  at: number;
  /** Why it is refused. */
  reason?: Reason;
  /** The field that is wrong, as a path such as `pickup.lon` or `prices[2].until_at`. */
  field?: string;
  /** What is wrong, or what else there is to know, in words for the developer. */
  detail?: string;
  /** Refused for a reason that time can mend: the same event, sent again with the same `id`, is decided anew. */
  again?: boolean;
  /** The order that the event is about. */
  order?: string;
  /** Of an accepted `order.place`, where one was asked for and there are figures to promise from. */
  promise?: DropoffPromise;
  /** Of an accepted `order.place`: nobody on shift could ever reach the shop. It waits for somebody who can. */
  unreachable?: boolean;
  /** Of an accepted `order.assign`: the other orders that come later, or earlier, because of it. */
  delays?: Array<Delay>;
}

/** When the node expects the drop-off, and how often such a promise should be kept. */
export interface DropoffPromise {
  /** The time promised: orders come by more than five minutes later only rarely. Unix milliseconds. */
  dropoff_at: number;
  /** The share of such promises that were kept within five minutes, 0 to 1. */
  confidence: number;
  /** From here to `latest_at` are 8 of 10 drop-offs, by what the node has learned. Absent where it learns nothing. Unix milliseconds. */
  earliest_at?: number;
  /** The end of this interval. Unix milliseconds. */
  latest_at?: number;
}

/** The receipt of an event of labels. That of a `price.get` has the price in force. */
export interface PriceReceipt {
  /** That of the event. */
  id: string;
  /** The kind of the event; `?` where its topic has none. */
  of: string;
  /** What became of it. Accepted is for good. */
  status: "accepted" | "refused";
  /** The node's clock when it decided. Unix milliseconds. */
  at: number;
  /** Why it is refused. */
  reason?: Reason;
  /** The field that is wrong, as a path such as `pickup.lon` or `prices[2].until_at`. */
  field?: string;
  /** What is wrong, or what else there is to know, in words for the developer. */
  detail?: string;
  /** Refused for a reason that time can mend: the same event, sent again with the same `id`, is decided anew. */
  again?: boolean;
  /** The client name of the shop. */
  shop?: string;
  /** The article. */
  sku?: string;
  /** The price in force. Hundredths of the shop's currency. */
  price_cents?: number;
  /** Pieces in stock. */
  stock?: number;
  /** Counts what changed about the article. */
  version?: number;
}

/** The answer to one event id, the same bytes at every repeat. A scenario may add fields (`Scenario.receipt`). */
export interface Receipt {
  /** That of the event. */
  id: string;
  /** The kind of the event; `?` where its topic has none. */
  of: string;
  /** What became of it. Accepted is for good. */
  status: "accepted" | "refused";
  /** The node's clock when it decided. Unix milliseconds. */
  at: number;
  /** Why it is refused. */
  reason?: Reason;
  /** The field that is wrong, as a path such as `pickup.lon` or `prices[2].until_at`. */
  field?: string;
  /** What is wrong, or what else there is to know, in words for the developer. */
  detail?: string;
  /** Refused for a reason that time can mend: the same event, sent again with the same `id`, is decided anew. */
  again?: boolean;
}

/** What is still known of an order that is over. */
export interface ClosedOrder {
  /** The order. */
  order: string;
  /** The shop. */
  shop: string;
  /** How it ended. */
  state: "delivered" | "returned" | "cancelled" | "undeliverable";
}

/** Why an event is refused. */
export type Reason = "malformed" | "unknown_kind" | "oversized" | "forbidden_topic" | "id_reused" | "not_allowed" | "not_yours" | "over_quota" | "unknown_shop" | "unknown_order" | "duplicate_order" | "unknown_rider" | "unknown_sku" | "unknown_label" | "not_offered" | "too_late" | "out_of_sequence" | "wrong_code" | "out_of_area" | "unreachable" | "over_capacity" | "disk_full" | "overloaded";

/** Refusals that time can mend: the same event with the same id can be sent again. Every other refusal is final. */
export type MendableReason = "forbidden_topic" | "not_allowed" | "over_quota" | "unknown_shop" | "unknown_order" | "not_offered" | "unreachable" | "over_capacity" | "disk_full" | "overloaded";

/** What a client is, by its credential or its token. */
export type Role = "customer" | "rider" | "shop" | "gateway" | "dispatcher";

/** Events by kind: a client publishes them to `ds/<node>/up/<client>/<kind>`. */
export interface Up {
  "order.place": OrderPlace;
  "order.cancel": OrderCancel;
  "order.redeliver": OrderRedeliver;
  "rider.shift": RiderShift;
  "rider.reply": RiderReply;
  "rider.progress": RiderProgress;
  "kitchen.ready": KitchenReady;
  "kitchen.delay": KitchenDelay;
  "times.reset": TimesReset;
  "order.assign": OrderAssign;
  "order.pin": OrderPin;
  "order.hold": OrderHold;
  "order.release": OrderRelease;
  "order.reschedule": OrderReschedule;
  "rider.pause": RiderPause;
  "rider.resume": RiderResume;
  "order.preview": OrderPreview;
  "board.list": BoardList;
  "riders.list": RidersList;
  "rider.position": RiderPosition;
  "order.track": OrderTrack;
  "orders.list": OrdersList;
  "price.set": PriceSet;
  "stock.set": StockSet;
  "sku.remove": SkuRemove;
  "label.bind": LabelBind;
  "label.unbind": LabelUnbind;
  "label.shown": LabelShown;
  "price.get": PriceGet;
}

/** Answers by kind: a client receives them at `ds/<node>/down/<client>/<kind>`. */
export interface Down {
  "assignment": Assignment;
  "update": Update;
  "advice": Advice;
  "rider.place": RiderPlace;
  "orders": OrdersOpen;
  "preview": Preview;
  "board": Board;
  "riders": RidersKnown;
  "label.show": LabelShow;
  "receipt": OrderReceipt | PriceReceipt | Receipt;
}

/** Who may send each kind. */
export interface Senders {
  "order.place": "customer" | "shop";
  "order.cancel": "customer" | "shop" | "dispatcher";
  "order.redeliver": "shop" | "dispatcher";
  "rider.shift": "rider";
  "rider.reply": "rider";
  "rider.progress": "rider";
  "kitchen.ready": "shop";
  "kitchen.delay": "shop";
  "times.reset": "shop" | "dispatcher";
  "order.assign": "dispatcher";
  "order.pin": "dispatcher";
  "order.hold": "dispatcher";
  "order.release": "dispatcher";
  "order.reschedule": "shop" | "dispatcher";
  "rider.pause": "dispatcher" | "rider";
  "rider.resume": "dispatcher" | "rider";
  "order.preview": "dispatcher";
  "board.list": "dispatcher";
  "riders.list": "dispatcher";
  "rider.position": "rider";
  "order.track": "customer";
  "orders.list": "customer" | "rider" | "shop" | "dispatcher";
  "price.set": "shop";
  "stock.set": "shop";
  "sku.remove": "shop";
  "label.bind": "shop";
  "label.unbind": "shop";
  "label.shown": "gateway";
  "price.get": "customer" | "rider" | "shop" | "gateway" | "dispatcher";
}

/** The receipt of each kind. A kind that is not here is sent at QoS 0 and has none. */
export interface Receipts {
  "order.place": OrderReceipt;
  "order.cancel": OrderReceipt;
  "order.redeliver": OrderReceipt;
  "rider.shift": OrderReceipt;
  "rider.reply": OrderReceipt;
  "rider.progress": OrderReceipt;
  "kitchen.ready": OrderReceipt;
  "kitchen.delay": OrderReceipt;
  "times.reset": OrderReceipt;
  "order.assign": OrderReceipt;
  "order.pin": OrderReceipt;
  "order.hold": OrderReceipt;
  "order.release": OrderReceipt;
  "order.reschedule": OrderReceipt;
  "rider.pause": OrderReceipt;
  "rider.resume": OrderReceipt;
  "price.set": PriceReceipt;
  "stock.set": PriceReceipt;
  "sku.remove": PriceReceipt;
  "label.bind": PriceReceipt;
  "label.unbind": PriceReceipt;
  "label.shown": PriceReceipt;
  "price.get": PriceReceipt;
}
