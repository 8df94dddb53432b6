// Events that have no outcome yet, in the sequence in which they were made; each is stored before it can be sent.
import type { Store } from "./storage";

/** What became of an event: the receipt of the node, or, where the node refused it without one, a receipt made of that. */
export interface Outcome {
  id: string;
  of: string;
  status: "accepted" | "refused";
  /** The node's clock, Unix milliseconds; 0 where the node sent no receipt. */
  at: number;
  reason?: string;
  detail?: string;
  field?: string;
  again?: boolean;
  [field: string]: unknown;
}

/** An event that waits. What begins with `_` is in memory only (everywhere it is private, and the build shortens it). */
export interface Entry {
  id: string;
  kind: string;
  body: Record<string, unknown>;
  /** Where it was sent first: it never goes to another node, which would decide it once more. */
  node?: string;
  /** Here but not reported yet. */
  outcome?: Outcome;
  _key: string;
  _due: number;
  _sends: number;
  _sentAt: number;
  _flying: boolean;
  _acked: boolean;
  _code: number;
  _done?: (outcome: Outcome) => void;
}

export class Outbox {
  readonly entries = new Map<string, Entry>();
  private readonly _store: Store;
  private readonly _prefix: string;
  private _last = 0;

  constructor(
    store: Store,
    prefix: string,
    private readonly _max: number,
  ) {
    this._store = store;
    this._prefix = prefix;
    for (const key of store.keys().filter((name) => name.startsWith(prefix)).sort()) {
      try {
        const stored = JSON.parse(store.get(key)!);
        this.entries.set(stored.id, { ...stored, ...fresh(key) });
      } catch {
        store.remove(key); // half written, by a phone that died
      }
      this._last = Math.max(this._last, parseInt(key.slice(prefix.length), 36) || 0);
    }
  }

  /** How many wait for an outcome. */
  get unsent(): number {
    let n = 0;
    this.entries.forEach((entry) => (n += +!entry.outcome));
    return n;
  }

  /** Stored, or thrown: nothing was taken. */
  add(id: string, kind: string, body: Record<string, unknown>, node?: string): Entry {
    if (this.entries.size >= this._max) {
      const old = [...this.entries.values()].find((entry) => entry.outcome);
      if (!old) throw new Error(`${this._max} events wait for their receipts`);
      this.remove(old);
    }
    const key = this._prefix + (++this._last).toString(36).padStart(8, "0");
    const entry: Entry = { id, kind, body, node, ...fresh(key) };
    this.save(entry);
    this.entries.set(id, entry);
    return entry;
  }

  save(entry: Entry): void {
    const { id, kind, body, node, outcome } = entry;
    this._store.set(entry._key, JSON.stringify({ id, kind, body, node, outcome }));
  }

  remove(entry: Entry): void {
    this.entries.delete(entry.id);
    this._store.remove(entry._key);
  }
}

const fresh = (_key: string) => ({ _key, _due: 0, _sends: 0, _sentAt: 0, _flying: false, _acked: false, _code: 0 });
