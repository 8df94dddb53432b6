const { client } = getApp();
const SAYS = {
  placed: "正在寻找骑手", offered: "正在询问骑手", accepted: "骑手正赶往商家", at_shop: "骑手已到店",
  picked_up: "骑手正在送货", delivered: "已送达", at_customer: "骑手已到门口", returning: "没能送到，正在送回商家", returned: "已送回商家", cancelled: "已取消", undeliverable: "无法送达",
};

Page({
  data: { orders: [], state: client.state },
  onLoad() {
    this.ends = ["online", "degraded", "offline"].map((name) => client.on(name, () => this.setData({ state: client.state })));
    this.ends.push(client.onUpdate((update) => this.draw(update)));
    client.myOrders().then(({ orders }) => orders.reverse().forEach((each) => this.draw(each)), () => {});
  },
  onUnload() {
    this.ends.forEach((end) => end());
  },
  draw({ order, state }) {
    const others = this.data.orders.filter((each) => each.order !== order);
    this.setData({ orders: [{ order, state, says: SAYS[state] }, ...others].slice(0, 20) });
  },
  async order() {
    try {
      const receipt = await client.placeOrder({
        shop: "noodle-bar", prep_s: 600, pickup: { lat: 31.2304, lon: 121.4737 }, dropoff: { lat: 31.2251, lon: 121.48 },
      });
      this.draw({ order: receipt.order, state: "placed" });
    } catch (error) {
      wx.showToast({ title: error.message, icon: "none" });
    }
  },
  cancel({ currentTarget }) {
    client.cancelOrder(currentTarget.dataset.order).catch((error) => wx.showToast({ title: error.message, icon: "none" }));
  },
});
