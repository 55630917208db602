// SPDX-License-Identifier: MIT
// The original service's own client code, fixtures/original.js, runs as it stands. Only what a page
// would give it is given: WebSocket (which dials the port under test) and the three handlers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

const url = process.env.E2E_URL ?? `ws://127.0.0.1:${process.env.E2E_PORT}`;
const code = readFileSync(new URL('fixtures/original.js', import.meta.url), 'utf8');
const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TIMEOUT = 20000;

// A queue that is awaited: put(x) from callbacks, await take() in the test.
class Queue {
  constructor() {
    this.items = [];
    this.waiting = [];
  }
  put(item) {
    const next = this.waiting.shift();
    if (next) next(item);
    else this.items.push(item);
  }
  take() {
    if (this.items.length) return Promise.resolve(this.items.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing came')), TIMEOUT);
      this.waiting.push((item) => {
        clearTimeout(late);
        resolve(item);
      });
    });
  }
}

// The page's code, with the id that it registers replaced on the wire when another is wanted.
function original(id) {
  const calls = new Queue();
  const logs = new Queue();
  class Dialed extends WebSocket {
    constructor(asked) {
      assert.equal(asked, 'ws://localhost:8081');
      super(url);
    }
    send(text) {
      const register = '{"type":"register","id":"drone-alpha-001"}';
      super.send(id && text === register ? text.replace('drone-alpha-001', id) : text);
    }
  }
  const handler = (name) => (what, from) => calls.put([name, what, from]);
  const page = new Function('WebSocket', 'console', 'handleOffer', 'handleAnswer', 'handleICE',
    `${code}\nreturn { ws, sendOffer, sendAnswer, sendICE };`);
  const client = page(Dialed, { log: (...words) => logs.put(words) },
    handler('offer'), handler('answer'), handler('ice'));
  return { ...client, calls, logs };
}

// A client of a few lines that shows every message.
async function plain(id) {
  const ws = new WebSocket(url);
  const got = new Queue();
  ws.on('message', (data, binary) => {
    assert.equal(binary, false);
    got.put(JSON.parse(data.toString()));
  });
  await new Promise((resolve, reject) => ws.on('open', resolve).on('error', reject));
  const send = (m) => ws.send(JSON.stringify(m));
  if (id) {
    send({ type: 'register', id });
    const answer = await got.take();
    assert.equal(answer.type, 'registered');
    assert.equal(answer.id, id);
    assert.match(answer.timestamp, stamp);
  }
  return { ws, send, take: () => got.take() };
}

async function closed(ws) {
  const done = new Promise((resolve) => ws.on('close', resolve));
  ws.close(1000);
  assert.equal(await done, 1000);
}

const cases = {
  // Both ends are the original's code; it sends no sessionId, ever.
  async call() {
    const drone = original();
    assert.deepEqual(await drone.logs.take(), ['Registered with ID:', 'drone-alpha-001']);
    const camera = original('camera-2');
    assert.deepEqual(await camera.logs.take(), ['Registered with ID:', 'camera-2']);
    const sdp = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n';
    const candidate = { candidate: 'candidate:1 1 udp 2 192.0.2.1 9 typ host', sdpMLineIndex: 0, sdpMid: '0' };
    for (let round = 0; round < 3; round++) {
      drone.sendOffer('camera-2', sdp + round);
      assert.deepEqual(await camera.calls.take(), ['offer', sdp + round, 'drone-alpha-001']);
      drone.sendICE('camera-2', candidate);
      assert.deepEqual(await camera.calls.take(), ['ice', candidate, 'drone-alpha-001']);
      camera.sendAnswer('drone-alpha-001', `answer ${round}`);
      assert.deepEqual(await drone.calls.take(), ['answer', `answer ${round}`, 'camera-2']);
      camera.sendICE('drone-alpha-001', candidate);
      assert.deepEqual(await drone.calls.take(), ['ice', candidate, 'camera-2']);
    }
    // what the page has no case for does not stop it
    drone.sendOffer('nobody', sdp);
    camera.sendOffer('drone-alpha-001', 'after');
    assert.deepEqual(await drone.calls.take(), ['offer', 'after', 'camera-2']);
    await closed(drone.ws);
    await closed(camera.ws);
  },

  // The messages of the page, member by member.
  async messages() {
    const a = await plain('drone-1');
    const b = await plain('operator-3');
    a.send({ type: 'list' });
    const list = await a.take();
    assert.equal(list.type, 'clients');
    assert.deepEqual(list.clients, ['drone-1', 'operator-3']);
    assert.equal(list.count, 2);
    a.send({ type: 'ping' });
    const pong = await a.take();
    assert.equal(pong.type, 'pong');
    assert.match(pong.timestamp, stamp);

    a.send({ type: 'offer', target: 'operator-3', sdp: 'v=0\r\no=...' });
    const offer = await b.take();
    assert.equal(offer.type, 'offer');
    assert.equal(offer.from, 'drone-1');
    assert.equal(offer.sdp, 'v=0\r\no=...');
    assert.match(offer.sessionId, /^session-[0-9A-Za-z]{22}$/);
    assert.match(offer.timestamp, stamp);
    b.send({ type: 'answer', target: 'drone-1', sdp: 'v=0\r\na=...', sessionId: offer.sessionId });
    const answer = await a.take();
    assert.equal(answer.type, 'answer');
    assert.equal(answer.from, 'operator-3');
    assert.equal(answer.sdp, 'v=0\r\na=...');
    assert.equal(answer.sessionId, offer.sessionId);
    assert.match(answer.timestamp, stamp);
    a.send({ type: 'ice', target: 'operator-3', candidate: { candidate: 'candidate:...', sdpMLineIndex: 0, sdpMid: '0' } });
    const ice = await b.take();
    assert.equal(ice.type, 'ice');
    assert.equal(ice.from, 'drone-1');
    assert.deepEqual(ice.candidate, { candidate: 'candidate:...', sdpMLineIndex: 0, sdpMid: '0' });
    assert.equal(ice.sessionId, offer.sessionId);
    assert.match(ice.timestamp, stamp);

    a.send({ type: 'offer', target: 'operator-3', sdp: 'x', sessionId: 'session-mine' });
    assert.equal((await b.take()).sessionId, 'session-mine');

    a.send({ type: 'offer', target: 'ghost', sdp: 'x' });
    const error = await a.take();
    assert.equal(error.type, 'error');
    assert.equal(error.message, 'Target client not found');
    assert.equal(error.details, 'ghost is not registered');

    await closed(a.ws);
    assert.equal((await b.take()).type, 'bye');
    assert.equal((await b.take()).type, 'bye');
    b.send({ type: 'list' });
    assert.deepEqual((await b.take()).clients, ['operator-3']);
    await closed(b.ws);
  },

  // The query string of the original's JWT example, compression offered as browsers do.
  async browserlike() {
    const ws = new WebSocket(`${url}/?x=1`, { perMessageDeflate: true, origin: 'http://localhost' });
    await new Promise((resolve, reject) => ws.on('open', resolve).on('error', reject));
    assert.equal(ws.extensions, '');
    ws.send('{"type":"ping"}');
    const text = await new Promise((resolve) => ws.on('message', (d) => resolve(d.toString())));
    assert.equal(JSON.parse(text).type, 'pong');
    await closed(ws);
  },
};

await cases[process.argv[2]]();
