const { client } = getApp();
const NEXT = { accepted: ["at_shop", "已到店"], at_shop: ["picked_up", "已取餐"], picked_up: ["delivered", "已送达"] };
const toast = (error) => wx.showToast({ title: error.message || error.errMsg, icon: "none" });

Page({
  data: { offers: [], onShift: false },
  offers: {}, // with their methods, which setData cannot hold
  onLoad() {
    this.end = client.onAssignment((assignment) => this.draw(assignment));
  },
  onUnload() {
    this.end();
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
  step({ currentTarget }) {
    const { order, state } = currentTarget.dataset;
    client.progress(order, NEXT[state][0]).then(() => this.draw(this.offers[order], NEXT[state][0]), toast);
  },
});
