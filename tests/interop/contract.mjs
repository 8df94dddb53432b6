// Reads the contract in the folder of the argument with tools that others wrote, and prints what they find as JSON.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import ts from "typescript";

const folder = process.argv[2];
const read = (...path) => JSON.parse(readFileSync(join(folder, ...path), "utf8"));
const inPackage = createRequire(import.meta.url);

function asyncapi() {
  const check = new Ajv({ strict: false, validateFormats: false }).compile(
    inPackage("@asyncapi/specs/schemas/3.0.0-without-$id.json"),
  );
  check(read("doorstep.asyncapi.json"));
  return check.errors ?? [];
}

// The steps of the vectors whose payload a schema takes although the node calls it malformed, and the other way round.
function vectors() {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  const schema = read("doorstep.schema.json");
  ajv.addSchema(schema);
  const wrong = [];
  let compared = 0;
  for (const file of readdirSync(join(folder, "vectors"))) {
    for (const step of read("vectors", file).steps) {
      const check = ajv.getSchema(`${schema.$id}#${step.kind}`);
      if (step.payload === undefined || check === undefined) continue;
      compared += 1;
      const malformed = step.receipt?.reason === "malformed";
      if (check(step.payload) === malformed) wrong.push(step.about);
    }
  }
  return { wrong, compared };
}

// Compiled with a program that uses the types as they are meant, and with one that does not.
function types(program) {
  const source = join(folder, "program.ts");
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022 };
  const host = ts.createCompilerHost(options);
  const [readFile, fileExists] = [host.readFile, host.fileExists];
  host.readFile = (name) => (name === source ? program : readFile(name));
  host.fileExists = (name) => name === source || fileExists(name);
  const { getSourceFile } = host;
  host.getSourceFile = (name, version) =>
    name === source ? ts.createSourceFile(name, program, version) : getSourceFile(name, version);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([source], options, host));
  return found.map((each) => ts.flattenDiagnosticMessageText(each.messageText, " "));
}

const USE = `
import type { Down, MendableReason, Reason, Receipts, Up } from "./doorstep";
const order: Up["order.place"] = {
  id: "e-1", at: Date.now(), order: "o-1", shop: "noodle-bar", prep_s: 60,
  pickup: { lat: 31.2, lon: 121.4 }, dropoff: { lat: 31.3, lon: 121.5 },
};
function taken(receipt: Receipts["order.place"], again: ReadonlySet<Reason>): boolean | number {
  return receipt.status === "accepted" ? receipt.promise?.dropoff_at ?? true : again.has(receipt.reason!);
}
const mendable: MendableReason = "over_capacity";
const seen = (update: Down["update"]) => update.state === "delivered";
export { order, taken, mendable, seen };
`;

console.log(
  JSON.stringify({
    asyncapi: asyncapi(),
    ...vectors(),
    types: types(USE),
    misuse: types(USE.replace("prep_s: 60", 'prep_s: "60"').replace('"delivered"', '"eaten"')),
  }),
);
