const { client } = getApp();
const DONE = ["picked_up", "at_customer", "delivered", "returned", "cancelled", "undeliverable"];
const toast = (error) => wx.showToast({ title: error.message, icon: "none" });

Page({
  data: { orders: [] },
  onLoad() {
    this.end = client.onUpdate((update) => this.draw(update));
    client.myOrders().then(({ orders }) => orders.reverse().forEach((each) => this.draw(each)), toast);
  },
  onUnload() {
    this.end();
  },
  draw({ order, state }) {
    const others = this.data.orders.filter((each) => each.order !== order);
    this.setData({ orders: DONE.includes(state) ? others : [{ order, state }, ...others] });
  },
  again({ currentTarget }) {
    client.send("order.redeliver", { order: currentTarget.dataset.order }).catch(toast);
  },
  ready({ currentTarget }) {
    client.ready(currentTarget.dataset.order).catch(toast);
  },
  delay({ currentTarget }) {
    client.delay(currentTarget.dataset.order, 300).catch(toast);
  },
});
