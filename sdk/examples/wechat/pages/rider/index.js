const { client } = getApp();
const NEXT = {
  accepted: ["at_shop", "已到店"], at_shop: ["picked_up", "已取餐"], picked_up: ["at_customer", "已到门口"],
  at_customer: ["delivered", "已送达"], returning: ["returned", "已送回商家"],
};
const CAUSES = { customer_absent: "联系不上收餐人", wrong_address: "地址有误", refused: "拒收", damaged: "餐品损坏" };
const toast = (error) => wx.showToast({ title: error.message || error.errMsg, icon: "none" });

Page({
  data: { offers: [], onShift: false },
  offers: {}, // with their methods, which setData cannot hold
  onLoad() {
    // The way back, or out again to the door, comes as an assignment whose last stop is that.
    this.end = client.onAssignment((assignment) => {
      const { at } = (assignment.stops || []).slice(-1)[0] || {};
      const again = at === "dropoff" && this.state(assignment.order) === "returning";
      this.draw(assignment, at === "return" ? "returning" : again ? "picked_up" : assignment.state);
    });
  },
  onUnload() {
    this.end();
  },
  state(order) {
    return (this.data.offers.find((each) => each.order === order) || {}).state;
  },
  draw(assignment, state = assignment.state) {
    const { order, stops = [] } = assignment;
    this.offers[order] = assignment;
    const door = stops.filter((stop) => stop.order === order).pop();
    const shown = { order, state, door: door && `${door.lat}, ${door.lon}`, next: (NEXT[state] || [])[1] };
    this.setData({ offers: [shown, ...this.data.offers.filter((each) => each.order !== order)].slice(0, 20) });
  },
  /** Ask for the permission first, and say in the privacy notice what it is for. */
  begin() {
    wx.startLocationUpdateBackground({
      success: () => wx.onLocationChange(({ latitude, longitude }) => client.reportPosition({ lat: latitude, lon: longitude })),
      fail: toast,
    });
    client.goOnShift({ capacity: 2 }).then(() => this.setData({ onShift: true }), toast);
  },
  accept({ currentTarget }) {
    this.offers[currentTarget.dataset.order].accept().catch(toast);
  },
  decline({ currentTarget }) {
    this.offers[currentTarget.dataset.order].decline("太远").catch(toast);
  },
  failed({ currentTarget }) {
    const causes = Object.keys(CAUSES);
    wx.showActionSheet({
      itemList: Object.values(CAUSES),
      success: ({ tapIndex }) => client.failed(currentTarget.dataset.order, causes[tapIndex]).catch(toast),
    });
  },
  step({ currentTarget }) {
    const { order, state } = currentTarget.dataset;
    client.progress(order, NEXT[state][0]).then(() => this.draw(this.offers[order], NEXT[state][0]), toast);
  },
});
