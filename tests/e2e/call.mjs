// SPDX-License-Identifier: MIT
// Calls of Chromium through sigd: the original service's client code and the page of examples/.
// Each case prints the ids of the sessions that it had, one a line.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Chromium } from './chromium.mjs';

const { E2E_PORT, E2E_WEB, E2E_COUNT = '100' } = process.env;
const url = `ws://127.0.0.1:${E2E_PORT}`;
const count = Number(E2E_COUNT);

/* ---------------------------------------------------------------- the original's code */

async function original(browser, id) {
  const page = await browser.open(`${E2E_WEB}/call.html?${new URLSearchParams({ url, id, count })}`);
  await page.until(() => heard.some((m) => m.type === 'registered'));
  return { page, id };
}

// All of the other side's messages have come, in order, over a connection.
async function heardAll({ page }, from) {
  await page.until((n) => got.length >= n, count);
  const want = Array.from({ length: count }, (_, i) => `${from} ${i}`);
  assert.deepEqual((await page.run(() => got)).slice(0, count), want);
  await page.until(() => pc.connectionState === 'connected');
}

// And all of ours have come there, so that it does no harm to hang up.
async function heardDone({ page }, from) {
  await page.until((text) => got.includes(text), `${from} done`);
}

// The other side's candidates have been told to the end, which explain looks for.
async function heardEnd({ page }) {
  await page.until(() => heard.some((m) => m.type === 'ice' && m.candidate === null));
}

// The original knows no bye, but passes over it, and its page can send one.
async function sayBye({ page }, target) {
  await page.run((to) => ws.send(JSON.stringify({ type: 'bye', target: to })), target);
}

async function heardBye({ page }, from) {
  const bye = await page.until(() => heard.find((m) => m.type === 'bye'));
  assert.equal(bye.from, from);
  assert.equal(bye.reason, 'hangup');
}

async function session({ page }) {
  return page.run(() => heard.find((m) => m.sessionId).sessionId);
}

/* ---------------------------------------------------------------- the page of examples/ */

async function example(browser, id, look) {
  const page = await browser.open(`${E2E_WEB}/?${new URLSearchParams({ url, id })}`, look);
  await page.click('#connect-button');
  await page.until((text) => document.getElementById('link').textContent === text, `connected as ${id}`);
  return { page, id };
}

const clickCall = ({ page }, id) => page.click(`#peers [data-peer="${id}"]`);

async function isOpen({ page }) {
  await page.until(() => document.getElementById('s-channel').textContent === 'open'
    && document.getElementById('s-connection').textContent === 'connected');
  return page.run(() => document.getElementById('s-session').textContent);
}

async function type({ page }, text) {
  await page.type(text);
  await page.key('Enter');
  await page.until((t) => [...document.querySelectorAll('#chat .mine')].at(-1)?.textContent === t, text);
}

async function reads({ page }, text) {
  await page.until((t) => [...document.querySelectorAll('#chat .theirs')].at(-1)?.textContent === t, text);
}

async function chat(from, to, text) {
  await from.page.click('#text');
  await type(from, text);
  await reads(to, text);
}

async function isOver({ page }, why) {
  await page.until((t) => document.getElementById('call-title').textContent === 'No call'
    && document.getElementById('chat').lastChild.textContent.endsWith(t), why);
}

const noError = async ({ page }) => assert.equal(
  await page.run(() => (document.getElementById('error').hidden ? '' : document.getElementById('error-text').textContent)), '');

/* ---------------------------------------------------------------- cases */

const cases = {
  // Two pages of the original's code.
  async pages(browser) {
    const [a, b] = await Promise.all([original(browser, 'drone-alpha-001'), original(browser, 'camera-2')]);
    await a.page.run(() => call('camera-2'));
    await Promise.all([heardAll(a, b.id), heardAll(b, a.id), heardDone(a, b.id), heardEnd(a), heardEnd(b)]);
    await sayBye(a, b.id);
    await heardBye(b, a.id);
    return [await session(a)];
  },

  // The page calls a peer that is there, which hangs up when it has heard all.
  async calls(browser, other) {
    const a = await original(browser, 'page');
    await a.page.run((id) => call(id), other);
    await Promise.all([heardAll(a, other), heardBye(a, other)]);
    return [await session(a)];
  },

  // A peer calls the page, which hangs up.
  async called(browser, other) {
    const a = await original(browser, 'page');
    await heardAll(a, other);
    await heardDone(a, other);
    await a.page.until(() => pc.iceGatheringState === 'complete');
    await sayBye(a, other);
    await a.page.run(() => new Promise((done) => { // what was sent has been dealt with
      ws.addEventListener('message', ({ data }) => JSON.parse(data).type === 'pong' && done());
      ws.send('{"type":"ping"}');
    }));
    return [await session(a)];
  },

  // Two tabs of the example find each other, call, chat, add a camera and hang up.
  async tabs(browser) {
    const [a, b] = await Promise.all([example(browser, 'alice'), example(browser, 'bob')]);
    await clickCall(a, 'bob');
    await b.page.until(() => document.getElementById('ring-title').textContent === 'alice is calling');
    await b.page.click('#accept');
    const first = await isOpen(a);
    assert.equal(await isOpen(b), first);
    await chat(a, b, 'hello, <b>bob</b>');
    await chat(b, a, 'hello, alice');
    await a.page.click('#camera'); // renegotiates the session
    await b.page.until(() => document.getElementById('remote').videoWidth > 0);
    await b.page.click('#camera'); // as does the other side, the polite one
    await a.page.until(() => document.getElementById('remote').videoWidth > 0);
    await a.page.click('#camera');
    await b.page.until(() => document.getElementById('remote').hidden);
    await chat(b, a, 'goodbye');
    assert.equal(await isOpen(b), first);
    await a.page.click('#hangup');
    await Promise.all([isOver(a, 'hangup'), isOver(b, 'hangup')]);

    // the other way round, declined
    await clickCall(b, 'alice');
    await a.page.click('#decline');
    await isOver(b, 'rejected');

    // nobody of that id: told at once
    await b.page.click('#target');
    await b.page.type('ghost');
    await b.page.key('Enter');
    await isOver(b, 'Target client not found');
    await b.page.click('#error-close');
    await Promise.all([noError(a), noError(b)]);

    // a tab that goes is seen to go
    await a.page.click('#connect-button');
    await b.page.until(() => !document.getElementById('alone').hidden);
    return [first];
  },

  // A tab calls the Python example.
  async echo(browser, other) {
    const a = await example(browser, 'alice');
    await clickCall(a, other);
    const session = await isOpen(a);
    await a.page.click('#text');
    for (const text of ['hello, python', 'and again']) {
      await type(a, text);
      await reads(a, text);
    }
    await a.page.click('#hangup');
    await isOver(a, 'hangup');
    await noError(a);
    return [session];
  },

  // The Python example calls a tab.
  async answer(browser) {
    const a = await example(browser, 'alice');
    await a.page.click('#accept');
    const session = await isOpen(a);
    await reads(a, 'typed');
    await a.page.click('#text');
    await type(a, 'read');
    await isOver(a, 'hangup');
    await noError(a);
    return [session];
  },

  // The server is started anew during a call: the call goes on, the tabs come back, and call again.
  async restart(browser) {
    const [a, b] = await Promise.all([example(browser, 'alice'), example(browser, 'bob')]);
    await clickCall(a, 'bob');
    await b.page.click('#accept');
    await Promise.all([isOpen(a), isOpen(b)]);
    await Promise.all([a, b].map(({ page }) => page.run(() => {
      window.lost = false;
      new MutationObserver(() => {
        lost ||= document.getElementById('link').textContent.startsWith('trying again');
      }).observe(document.getElementById('link'), { childList: true });
    })));
    writeFileSync('restart', '');
    for (const { page, id } of [a, b]) {
      await page.until((text) => lost && document.getElementById('link').textContent === text, `connected as ${id}`);
    }
    await chat(a, b, 'still there?');
    await chat(b, a, 'still here');
    await a.page.click('#hangup');
    await Promise.all([isOver(a, 'hangup'), isOver(b, 'channel-closed')]);
    await clickCall(b, 'alice');
    await a.page.click('#accept');
    const session = await isOpen(b);
    await b.page.click('#hangup');
    await isOver(a, 'hangup');
    await Promise.all([noError(a), noError(b)]);
    return [session];
  },

  // Both press at once: whoever is first, there is one call.
  async glare(browser) {
    const [a, b] = await Promise.all([example(browser, 'alice'), example(browser, 'bob')]);
    const press = ({ page }, id) => page.run((peer) => document.querySelector(`[data-peer="${peer}"]`).click(), id);
    await Promise.all([
      a.page.until(() => document.querySelector('[data-peer="bob"]')),
      b.page.until(() => document.querySelector('[data-peer="alice"]')),
    ]);
    const sessions = [];
    for (let round = 0; round < 5; round++) {
      await Promise.all([press(a, 'bob'), press(b, 'alice')]);
      const session = await isOpen(a);
      assert.equal(await isOpen(b), session);
      await chat(a, b, `a ${round}`);
      await chat(b, a, `b ${round}`);
      await a.page.click('#hangup');
      await Promise.all([isOver(a, 'hangup'), isOver(b, 'hangup')]);
      sessions.push(session);
    }
    await Promise.all([noError(a), noError(b)]);
    return sessions;
  },
};

const [name, ...args] = process.argv.slice(2);
const browser = new Chromium();
console.log((await cases[name](browser, ...args)).join('\n'));
await browser.close();
