// What the board asks the node; the answers come from its memory.

export class Questions {
  constructor(client) {
    this.client = client;
  }

  /** Open orders, the latest first, at most 100: those after so many as `offset`, or a single one. */
  orders({ order, offset = 0 }) {
    const fits = (body) => (body.offset ?? 0) === offset && (!order || body.orders.every((row) => row.order === order));
    return this.client.ask("board.list", order ? { order } : { offset }, "board", fits);
  }

  /** Riders, at most 100: those after so many as `offset`. */
  riders(offset) {
    return this.client.ask("riders.list", { offset }, "riders", (body) => (body.offset ?? 0) === offset);
  }

  /** What it would cost to give the order to the rider, or to the best ones where none is named. */
  cost(order, rider, first) {
    const fits = (body) => body.order === order && (!rider || !body.choices || (body.choices.length === 1 && body.choices[0].rider === rider));
    return this.client.ask("order.preview", { order, ...(rider && { rider }), ...(first && { position: 0 }) }, "preview", fits);
  }
}
