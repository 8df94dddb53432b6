// One scenario with MQTT.js, told as JSON in the first argument; prints one JSON object with what happened.
const told = JSON.parse(process.argv[2]);
const { default: mqtt } = await import(told.library ?? "mqtt");
const result = { messages: [], acks: [] };
let over = false;

const client = mqtt.connect(told.url, {
  clientId: told.clientId,
  username: told.username,
  password: told.password,
  protocolVersion: told.version,
  clean: told.clean ?? true,
  properties: told.version === 5 && !told.clean ? { sessionExpiryInterval: 3600 } : undefined,
  reconnectPeriod: told.reconnectMs ?? 0,
  connectTimeout: 20_000,
});

function finish() {
  if (!over) {
    over = true;
    console.log(JSON.stringify(result));
    client.end(true, () => process.exit(0));
  }
}

client.on("connect", async (connack) => {
  if (result.closed) return; // it sends again by itself what is not acknowledged
  result.sessionPresent = connack.sessionPresent;
  for (const topic of told.subscribe ?? []) {
    const granted = await new Promise((done) => client.subscribe(topic, { qos: 1 }, (_, grants) => done(grants)));
    result.granted = granted.map((one) => one.qos);
  }
  for (const { topic, payload, size, qos, retain } of told.publish ?? []) {
    client.publish(topic, payload ?? "x".repeat(size), { qos, retain }, (error, packet) => {
      result.acks.push({ error: error?.message, code: error?.code ?? packet?.reasonCode ?? 0 });
      if (result.acks.length === told.publish.length && !told.expect && !told.expectClose) finish();
    });
  }
  if (!told.expect && !told.expectClose && !told.publish) client.end(false, {}, finish);
});
client.on("message", (topic, payload) => {
  result.messages.push({ topic, payload: payload.toString() });
  // PUBACK goes out after this handler: leave room for it.
  if (result.messages.length === told.expect) setTimeout(() => client.end(false, {}, finish), 50);
});
client.on("disconnect", (packet) => {
  result.disconnected = packet.reasonCode;
});
client.on("error", (error) => {
  result.error = { code: error.code, message: error.message };
});
client.on("close", () => {
  result.closed = true;
  if (!over && !told.reconnectMs) finish();
});
