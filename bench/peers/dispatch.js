// The function node of the flow: one message in; the answer out, and for the centre the order that has a rider now.
// Nobody's state but the flow's. Nothing is validated, nothing is kept.
const [, , , sender, kind] = msg.topic.split("/");
const body = msg.payload;
const riders = flow.get("riders") || {};
const waiting = flow.get("waiting") || [];

function nearest(place) {
    let best = null;
    let least = Infinity;
    for (const [name, rider] of Object.entries(riders)) {
        if (rider.busy) continue;
        const distance = (rider.lat - place.lat) ** 2 + (rider.lon - place.lon) ** 2;
        if (distance < least) {
            least = distance;
            best = name;
        }
    }
    return best;
}

let answer = null;
if (kind === "rider.shift") {
    riders[sender] = { lat: body.place.lat, lon: body.place.lon, busy: false };
    answer = {
        topic: `ds/bench/down/${sender}/receipt`,
        payload: { id: body.id, of: kind, status: "accepted", at: body.at },
    };
} else {
    if (kind === "order.place") waiting.push(body);
    if (kind === "rider.progress" && body.step === "delivered" && riders[sender]) riders[sender].busy = false;
    const rider = waiting.length ? nearest(waiting[0].pickup) : null;
    if (rider !== null) {
        const order = waiting.shift();
        riders[rider].busy = true;
        const stops = ["pickup", "dropoff"].map((at) => ({ at, order: order.order, ...order[at] }));
        answer = {
            topic: `ds/bench/down/${rider}/assignment`,
            payload: { offer: 1, order: order.order, state: "offered", at: order.at, stops },
        };
    }
}
flow.set("riders", riders);
flow.set("waiting", waiting);
return [answer, answer && answer.payload.order ? { payload: answer.payload.order } : null];
