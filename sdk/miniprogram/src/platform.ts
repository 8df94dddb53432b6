// What WeChat and a browser do to an app: sockets, background, networks.

declare const window: any;
declare const document: any;

export const inWeChat = typeof wx !== "undefined" && !!wx.connectSocket;

/** A socket of WeChat with the face of a WebSocket, as MQTT.js wants one. (MQTT.js has `wxs://` of its own, but as one
 * socket for all connections, and it sends whole buffers where a part is meant.) */
export function weChatSocket(url: string, protocols: string[]): any {
  const face: any = { OPEN: 1, readyState: 0, bufferedAmount: 0 };
  const ended = (why: string) => {
    if (face.readyState === 3) return;
    face.readyState = 3;
    face.onclose?.({ reason: why });
  };
  const task = wx.connectSocket({ url, protocols, fail: (error: any) => setTimeout(ended, 0, error.errMsg) });
  face.send = (data: Uint8Array) =>
    task.send({ data: data.slice().buffer, fail: (error: any) => ended(error.errMsg) });
  face.close = () => {
    task?.close({});
    ended("closed");
  };
  task?.onOpen(() => {
    face.readyState = 1;
    face.onopen?.();
  });
  task?.onMessage((message: any) => face.onmessage?.(message));
  task?.onClose((event: any) => ended(event?.reason));
  task?.onError((error: any) => ended(error?.errMsg));
  return face;
}

/** What the link wants to hear of. */
export interface Watcher {
  /** The app is behind another one: sockets are cut within seconds, and timers stop. */
  hide(): void;
  /** It is back. */
  show(): void;
  /** There is another network than before, or one again. */
  moved(): void;
}

/** Returns what ends it. */
export function watch(watcher: Watcher): () => void {
  const { hide, show } = watcher;
  if (inWeChat) {
    const network = (change: { isConnected: boolean }) => change.isConnected && watcher.moved();
    wx.onAppHide(hide);
    wx.onAppShow(show);
    wx.onNetworkStatusChange(network);
    return () => {
      wx.offAppHide(hide);
      wx.offAppShow(show);
      wx.offNetworkStatusChange(network as () => void);
    };
  }
  if (typeof window === "undefined" || !window.addEventListener) return () => {};
  const seen = () => document.visibilityState === "visible" && show();
  window.addEventListener("online", watcher.moved);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", watcher.moved);
    document.removeEventListener("visibilitychange", seen);
  };
}
