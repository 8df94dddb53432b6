// A rider's positions: batched to save the radio, thinned to what a message holds, never stored.

const POINTS_MAX = 120;

export class Positions {
  private _points: Array<[number, number, number]> = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` returns whether it could. */
  constructor(
    private readonly _send: (points: Array<[number, number, number]>) => boolean,
    private readonly _everyMs: number,
    private readonly _apartMs: number,
  ) {}

  add(at: number, lat: number, lon: number): void {
    const [before, last] = [this._points[this._points.length - 2], this._points[this._points.length - 1]];
    if (before && last[0] - before[0] < this._apartMs) this._points.pop(); // too close: the newer one says as much
    this._points.push([last && at < last[0] ? last[0] : at, round(lat), round(lon)]);
    if (this._points.length > POINTS_MAX) this._points = this._points.filter((_, n) => n % 2 === 0);
    this._timer ??= setTimeout(() => this.flush(), this._everyMs);
  }

  /** Sends what there is, or keeps it for later. */
  flush(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this._points.length && this._send(this._points)) this._points = [];
  }
}

const round = (degrees: number) => Math.round(degrees * 1e6) / 1e6; // 0.1 m
