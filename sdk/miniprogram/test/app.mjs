// An app that places orders and is killed: between store and send, or between send and receipt; then started again.
import { connect } from "../dist/doorstep.js";
import { fileStore } from "../dist/file.js";
import { ORDER, TIMING } from "./lab.mjs";

const { url, token, folder, order, dies } = JSON.parse(process.argv[2]);
const files = fileStore(folder);
const storage = {
  ...files,
  set(key, value) {
    files.set(key, value);
    if (dies === "stored" && key.includes("/e/")) process.kill(process.pid, "SIGKILL");
  },
};
const client = connect({ url, node: "shop-1", name: "phone-7", token, storage, timing: TIMING });
const outcomes = [];
client.onSettled((outcome) => outcomes.push(["settled", outcome.status, outcome.order]));
client.on("online", () => !order && client.unsent === 0 && end());
client.on("unsent", (n) => n === 0 && !order && end());
function end() {
  console.log(JSON.stringify(outcomes));
  client.close();
}
if (order) {
  client.on("online", async () => {
    const receipt = await client.placeOrder({ ...ORDER, order });
    outcomes.push(["called", receipt.status, receipt.order]);
    end();
  });
}
