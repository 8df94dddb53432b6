// The node's clock, as far as a phone can know it: a phone's own may be hours off.

export class Clock {
  /** Milliseconds that the node's clock is ahead of the phone's; undefined until something came from the node. */
  offset: number | undefined;
  private _error = Infinity;

  /** Whether that is of this run of the app. */
  get sure(): boolean {
    return this._error < Infinity;
  }

  /** A message with the time of the node, to something that was sent once at `sent` and is answered now. */
  learn(at: number, sent: number, received = Date.now()): boolean {
    const offset = Math.round(at - (sent + received) / 2);
    const error = (received - sent) / 2;
    const wrong = this.offset === undefined || Math.abs(offset - this.offset) > error + this._error;
    if (!at || error < 0 || !(wrong || error <= this._error)) return false;
    this.offset = offset;
    this._error = error;
    return true;
  }

  /** Unix milliseconds. */
  now(): number {
    return Date.now() + (this.offset ?? 0);
  }
}
