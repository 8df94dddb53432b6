// What MQTT.js looks for when it is loaded, and has no use for: a mini-program has neither `self` nor a navigator.
const here = typeof globalThis === "object" ? globalThis : {};
const found = here["self"] || { AbortController() {}, AbortSignal() {} };
const browser = here["navigator"] || { userAgent: "" };
export { found as self, browser as navigator };
