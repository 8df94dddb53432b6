/** The client of a Doorstep node for mini-programs, web pages and Node.js. */
import { Doorstep, type Options } from "./client";

export { Doorstep } from "./client";
export type { Events, Offer, Options } from "./client";
export { Refused, type State } from "./session";
export type { Target, Timing } from "./link";
export type { Outcome } from "./outbox";
export { memoryStore, type Store } from "./storage";

/** Begins to connect, and stays connected until `close`. */
export const connect = (options: Options): Doorstep => new Doorstep(options);
