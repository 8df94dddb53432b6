// For Node.js: a folder with one file for each event that waits.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "./storage";

/** Each event is on disk before it is sent. One process at a time may use the folder. */
export function fileStore(folder: string): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (key: string) => join(folder, encodeURIComponent(key));
  return {
    keys: () => readdirSync(folder).filter((name) => !name.endsWith("~")).map(decodeURIComponent),
    get(key) {
      try {
        return readFileSync(path(key), "utf8");
      } catch {
        return null;
      }
    },
    set(key, value) {
      const file = openSync(`${path(key)}~`, "w", 0o600);
      writeSync(file, value);
      fsyncSync(file);
      closeSync(file);
      renameSync(`${path(key)}~`, path(key));
    },
    remove: (key) => rmSync(path(key), { force: true }),
  };
}
