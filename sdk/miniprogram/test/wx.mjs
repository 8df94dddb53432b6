// The `wx` of a mini-program, as far as the client uses it, with the limits of a phone: at most five sockets, which are
// cut soon after the app is behind another one; storage of 1 MB for each key and 10 MB in all. There is no window, no
// WebSocket, no process and no URL.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import vm from "node:vm";

const require = createRequire(import.meta.url);
const { WebSocket } = createRequire(require.resolve("mqtt"))("ws"); // Node.js 20 has none of its own
const FILE = new URL("../dist/doorstep.whole.js", import.meta.url);

/** A phone: `storage` outlives the app. */
export function phone({ storage = new Map(), cutMs = 100 } = {}) {
  const it = { sockets: new Set(), opened: 0, most: 0, storage };
  const heard = { appHide: new Set(), appShow: new Set(), networkStatusChange: new Set() };
  let realm;
  const fail = (options, errMsg) => setTimeout(() => options.fail?.({ errMsg }), 0);
  const ok = (options) => setTimeout(() => (options.success?.({ errMsg: "ok" }), options.complete?.({ errMsg: "ok" })), 0);

  /** @type {(options: WechatMiniprogram.ConnectSocketOption) => WechatMiniprogram.SocketTask} */
  function connectSocket(options) {
    if (it.sockets.size >= 5) return void fail(options, "connectSocket:fail exceed max socket limit");
    if (!/^wss?:\/\//.test(options.url)) return void fail(options, "connectSocket:fail invalid url");
    const socket = new WebSocket(options.url, options.protocols);
    socket.binaryType = "arraybuffer";
    it.sockets.add(socket);
    it.opened += 1;
    it.most = Math.max(it.most, it.sockets.size);
    socket.on("close", () => it.sockets.delete(socket));
    socket.on("error", () => it.sockets.delete(socket));
    const inRealm = (data) => {
      const copy = new realm.ArrayBuffer(data.byteLength);
      new Uint8Array(copy).set(new Uint8Array(data));
      return copy;
    };
    ok(options);
    return {
      send: ({ data, ...rest }) => {
        if (socket.readyState !== 1) return fail(rest, "sendSocketMessage:fail socket not connected");
        if (typeof data !== "string" && !(data instanceof realm.ArrayBuffer)) return fail(rest, "sendSocketMessage:fail parameter.data should be String or ArrayBuffer");
        socket.send(data);
        ok(rest);
      },
      close: (rest = {}) => {
        socket.close(rest.code, rest.reason);
        ok(rest);
      },
      onOpen: (call) => socket.on("open", () => call({ header: {} })),
      onMessage: (call) => socket.on("message", (data) => call({ data: inRealm(data) })),
      onClose: (call) => socket.on("close", (code, reason) => call({ code, reason: `${reason}` })),
      onError: (call) => socket.on("error", (error) => call({ errMsg: error.message })),
    };
  }

  const on = (name, off) => ({ [`on${name}`]: (call) => heard[off].add(call), [`off${name}`]: (call) => heard[off].delete(call) });
  const bytes = () => [...storage].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  const wx = {
    connectSocket,
    ...on("AppHide", "appHide"),
    ...on("AppShow", "appShow"),
    ...on("NetworkStatusChange", "networkStatusChange"),
    getStorageSync: (key) => storage.get(key) ?? "",
    setStorageSync(key, value) {
      if (value.length > 1_048_576 || bytes() + value.length > 10 * 1_048_576) throw new Error("setStorageSync:fail exceed storage max size");
      storage.set(key, value);
    },
    removeStorageSync: (key) => void storage.delete(key),
    getStorageInfoSync: () => ({ keys: [...storage.keys()], currentSize: Math.ceil(bytes() / 1024), limitSize: 10_240 }),
  };
  const module = { exports: {} };
  const globals = { wx, module, console, setTimeout, clearTimeout, setInterval, clearInterval };
  const context = vm.createContext(globals);
  for (const name of ["URL", "WebAssembly", "Atomics", "SharedArrayBuffer"]) vm.runInContext(`delete globalThis.${name}`, context);
  realm = vm.runInContext("({ ArrayBuffer })", context);
  vm.runInContext(readFileSync(FILE, "utf8"), context, { filename: "doorstep.whole.js" });
  return Object.assign(it, {
    doorstep: module.exports,
    wx,
    /** The app is behind another one: WeChat cuts its sockets after a while. */
    hide() {
      heard.appHide.forEach((call) => call());
      setTimeout(() => it.sockets.forEach((socket) => socket.terminate()), cutMs).unref();
    },
    show: () => heard.appShow.forEach((call) => call({ path: "", query: {}, scene: 1001 })),
    move: (networkType) => heard.networkStatusChange.forEach((call) => call({ isConnected: networkType !== "none", networkType })),
    /** The app is killed, with everything in it but its storage. */
    kill: () => it.sockets.forEach((socket) => socket.terminate()),
  });
}
