// Reports to the frame every MQTT PUBLISH that goes through a WebSocket of this page. The page notices nothing of it.
(() => {
  const text = new TextDecoder();
  const name = new URLSearchParams(location.hash.slice(1)).get("name") ?? "?";

  /** Reads the packets of one direction of one connection, whatever the borders of its frames. */
  function reader(connection, up) {
    let rest = new Uint8Array(0);
    return (bytes) => {
      const all = new Uint8Array(rest.length + bytes.length);
      all.set(rest);
      all.set(bytes, rest.length);
      let at = 0;
      for (;;) {
        let size = 0, shift = 0, head = at + 1;
        while (head < all.length && all[head] & 0x80) { size |= (all[head++] & 0x7f) << shift; shift += 7; }
        if (head >= all.length) break;
        size |= (all[head++] & 0x7f) << shift;
        if (head + size > all.length) break;
        packet(connection, up, all[at], all.subarray(head, head + size));
        at = head + size;
      }
      rest = all.slice(at);
    };
  }

  function packet(connection, up, first, body) {
    const kind = first >> 4;
    if (kind === 1) connection.version = body[2 + ((body[0] << 8) | body[1])];
    if (kind !== 3) return;
    const qos = (first >> 1) & 3;
    let at = 2 + ((body[0] << 8) | body[1]);
    const topic = text.decode(body.subarray(2, at));
    if (qos) at += 2;
    if (connection.version === 5) {
      let size = 0, shift = 0;
      while (body[at] & 0x80) { size |= (body[at++] & 0x7f) << shift; shift += 7; }
      at += 1 + (size | ((body[at] & 0x7f) << shift));
    }
    let content = text.decode(body.subarray(at));
    try {
      content = JSON.parse(content);
    } catch {
      // MessagePack, or broken: shown as it is
    }
    parent.postMessage({ doorstep: { client: name, up, kind: topic.split("/").pop(), qos, body: content } }, location.origin);
  }

  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      const connection = { version: 4 };
      const down = reader(connection, false);
      this._up = reader(connection, true);
      let order = Promise.resolve();
      this.addEventListener("message", ({ data }) => {
        order = order.then(async () => down(new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data)));
      });
    }
    send(data) {
      if (typeof data !== "string") this._up(new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength));
      super.send(data);
    }
  };
})();
