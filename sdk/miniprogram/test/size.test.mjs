// What a mini-program has to download: WeChat counts it unpacked, 2 MB for the main package.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const read = (name) => readFileSync(new URL(`../dist/${name}`, import.meta.url));
const packed = (name) => gzipSync(read(name), { level: 9 }).length;

test("our own part has at most 6.1 kB, all of it with MQTT.js at most 120 kB, gzipped", (t) => {
  for (const name of ["doorstep.js", "doorstep.cjs", "doorstep.whole.js"]) t.diagnostic(`${name}: ${read(name).length} bytes, gzipped ${packed(name)}`);
  assert.ok(packed("doorstep.js") <= 6_100);
  assert.ok(packed("doorstep.whole.js") <= 120_000);
  assert.ok(read("doorstep.whole.js").length <= 500_000);
});
