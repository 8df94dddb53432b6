// Copy dist/doorstep.whole.js here as doorstep.js.
const doorstep = require("./doorstep.js");

/** wx.login gives a code; your server makes a token of it (code2session), signed for this user. */
function getToken() {
  return new Promise((done, failed) =>
    wx.login({
      success: ({ code }) =>
        wx.request({
          url: "https://api.example.com/token",
          method: "POST",
          data: { code },
          success: ({ statusCode, data }) => (statusCode === 200 ? done(data.token) : failed(new Error(`token: ${statusCode}`))),
          fail: ({ errMsg }) => failed(new Error(errMsg)),
        }),
      fail: ({ errMsg }) => failed(new Error(errMsg)),
    }),
  );
}

/** One connection for all pages. */
const client = doorstep.connect({
  url: "wss://shop-1.example.com/mqtt",
  node: "shop-1",
  name: wx.getStorageSync("name") || "phone-7", // what your server puts into the token as `sub`
  getToken,
  crs: "gcj02", // what wx.getLocation gives
});
client.onSettled((outcome) => wx.showToast({ title: outcome.reason || outcome.status, icon: "none" }));

App({ client });
