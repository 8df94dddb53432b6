// Writes the client without MQTT.js, for the board of the node: one file of the repository, since no node needs Node.js.
import { build } from "esbuild";

await build({
  entryPoints: ["src/index.ts"],
  bundle: true,
  charset: "utf8",
  logLevel: "warning",
  alias: { mqtt: "./src/mqtt.ts" },
  platform: "browser",
  target: "es2021",
  format: "esm",
  mangleProps: /^_/,
  banner: { js: "// Made of sdk/miniprogram by `make miniprogram`. Change it there." },
  outfile: process.argv[2] ?? "../../edge/web/static/board/client.js",
});
