// Where events wait for their receipts: on the phone, so that an app that is closed sends them the next time.

declare const localStorage: any;
declare const navigator: any;

/** Synchronous, as events are stored before they are sent. */
export interface Store {
  keys(): string[];
  /** Null or "" where there is none. */
  get(key: string): string | null;
  /** Throws where there is no room. */
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** Nothing survives: for a page without storage, and for a second tab of the same client. */
export function memoryStore(): Store {
  const held = new Map<string, string>();
  return {
    keys: () => [...held.keys()],
    get: (key) => held.get(key) ?? null,
    set: (key, value) => void held.set(key, value),
    remove: (key) => void held.delete(key),
  };
}

/** What this machine has: `wx` storage, localStorage, or null. */
export function ownStore(): Store | null {
  if (typeof wx !== "undefined" && wx.setStorageSync)
    return {
      keys: () => wx.getStorageInfoSync().keys,
      get: (key) => wx.getStorageSync(key),
      set: (key, value) => wx.setStorageSync(key, value),
      remove: (key) => wx.removeStorageSync(key),
    };
  try {
    localStorage.setItem("doorstep", "");
    localStorage.removeItem("doorstep");
    return {
      keys: () => Object.keys(localStorage),
      get: (key) => localStorage.getItem(key),
      set: (key, value) => localStorage.setItem(key, value),
      remove: (key) => localStorage.removeItem(key),
    };
  } catch {
    return null; // none, or a private window
  }
}

/** Whether this tab may use what is stored under `name`: the first one of a browser may, until it is closed. */
export function first(name: string): Promise<boolean> {
  const locks = typeof navigator !== "undefined" && typeof localStorage !== "undefined" && navigator.locks;
  if (!locks) return Promise.resolve(true);
  return new Promise((done) =>
    locks
      .request(name, { ifAvailable: true }, (lock: unknown) => {
        done(!!lock);
        return lock && new Promise(() => {});
      })
      .catch(() => done(true)),
  );
}
