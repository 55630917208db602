// SPDX-License-Identifier: MIT
// Drives a headless Chromium by the DevTools protocol over a pipe (--remote-debugging-pipe): no
// port, no package, and a Chromium whose driver has ended ends by itself. CHROMIUM names the binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const WAIT = 20000; // ms until a condition that does not become true is a failure

const flags = [
  '--headless', '--disable-gpu', '--no-first-run', '--remote-debugging-pipe',
  // nothing of its own on the network
  '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-default-apps', '--disable-extensions', '--disable-breakpad', '--no-pings',
  // tabs in the background are as quick as the one in front
  '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Chromium hides its addresses behind mDNS names, which nobody resolves here; and it offers those
  // of loopback, so that calls need no other network
  '--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection',
  // a moving picture and a beep in place of a camera, without a question
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  // its sandbox does not work for root
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
];

function late(ms, what) {
  let timer;
  const promise = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never happened: ${what()}`)), ms);
  });
  return { promise, stop: () => clearTimeout(timer) };
}

async function within(promise, what) {
  const end = late(WAIT, what);
  try {
    return await Promise.race([promise, end.promise]);
  } finally {
    end.stop();
  }
}

export class Chromium {
  // The profile and all else that it writes is below dir.
  constructor(dir = '.') {
    this.home = mkdtempSync(resolve(dir, 'chromium-'));
    this.child = spawn(process.env.CHROMIUM ?? 'chromium', [...flags, `--user-data-dir=${this.home}`], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: this.home, TMPDIR: this.home, LANG: 'C.UTF-8', TZ: 'UTC' },
    });
    this.asked = new Map();
    this.pages = new Map();
    this.last = 0;
    this.log = '';
    this.child.stderr.on('data', (text) => { this.log = (this.log + text).slice(-4000); });
    this.gone = new Promise((done) => this.child.on('close', done).on('error', done));
    this.gone.then(() => this.asked.forEach(({ no }) => no(new Error(`chromium is gone: ${this.log}`))));
    process.on('exit', () => this.child.kill('SIGKILL')); // ours alone, when a test fails
    let rest = '';
    this.child.stdio[4].setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\0');
      rest = parts.pop();
      for (const part of parts) this.take(JSON.parse(part));
    });
    this.child.stdio[3].on('error', () => {});
  }

  take({ id, result, error, method, params, sessionId }) {
    const waiting = this.asked.get(id);
    this.asked.delete(id);
    if (waiting && error) waiting.no(new Error(`${waiting.method}: ${error.message}`));
    else if (waiting) waiting.yes(result);
    else if (sessionId) this.pages.get(sessionId)?.take(method, params);
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.last;
    const answer = new Promise((yes, no) => this.asked.set(id, { yes, no, method }));
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return within(answer, () => method);
  }

  async open(url, { width = 1000, height = 800, dark = false } = {}) {
    const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank', newWindow: true, width, height });
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    this.pages.set(sessionId, page);
    await Promise.all([
      page.ask('Page.enable'), page.ask('Runtime.enable'),
      // a page that is not in front has the focus all the same
      page.ask('Emulation.setFocusEmulationEnabled', { enabled: true }),
      page.ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }),
      page.ask('Emulation.setScrollbarsHidden', { hidden: true }),
      page.ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] }),
    ]);
    await page.ask('Page.navigate', { url });
    await within(page.loaded, () => `${url} is loaded`);
    return page;
  }

  // In good order, and nothing remains.
  async close() {
    await this.ask('Browser.close');
    await within(this.gone, () => 'chromium ends');
    rmSync(this.home, { recursive: true, force: true });
  }
}

class Page {
  constructor(browser, sessionId) {
    Object.assign(this, { browser, sessionId, faults: [] });
    this.loaded = new Promise((done) => { this.onload = done; });
  }

  ask(method, params) {
    return this.browser.ask(method, params, this.sessionId);
  }

  take(method, params) {
    if (method === 'Page.loadEventFired') this.onload();
    if (method === 'Runtime.exceptionThrown') {
      const { text, exception } = params.exceptionDetails;
      this.faults.push(exception?.description ?? text);
    }
  }

  // What fn(...args) gives in the page; both ways as JSON. An error of the page's own is one here.
  async run(fn, ...args) {
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', {
      expression: `(${fn})(...${JSON.stringify(args)})`, awaitPromise: true, returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description);
    assert.deepEqual(this.faults, []);
    return result.value;
  }

  // Until fn(...args) is true in the page; gives what it gave. state() tells what was instead.
  async until(fn, ...args) {
    const end = Date.now() + WAIT;
    for (;;) {
      const got = await this.run(fn, ...args);
      if (got) return got;
      if (Date.now() > end) {
        const text = await this.run(() => document.body.innerText);
        throw new Error(`never true: ${fn} ${JSON.stringify(args)}; the page has:\n${text}`);
      }
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  // As a person would: scrolled into view, pressed in the middle; waits until that is possible.
  async click(selector) {
    const { x, y } = await this.until((s) => {
      const element = document.querySelector(s);
      if (!element || element.disabled || !element.checkVisibility()) return null;
      element.scrollIntoView({ block: 'center' });
      const box = element.getBoundingClientRect();
      const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      return element.contains(document.elementFromPoint(at.x, at.y)) ? at : null;
    }, selector);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.ask('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  async key(key) {
    const code = { Enter: 13, Tab: 9 }[key];
    const more = { key, code: key, windowsVirtualKeyCode: code, text: key === 'Enter' ? '\r' : undefined };
    await this.ask('Input.dispatchKeyEvent', { type: 'keyDown', ...more });
    await this.ask('Input.dispatchKeyEvent', { type: 'keyUp', ...more, text: undefined });
  }

  type(text) {
    return this.ask('Input.insertText', { text });
  }

  async shot(file) {
    const { data } = await this.ask('Page.captureScreenshot', { captureBeyondViewport: true });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }
}
