// SPDX-License-Identifier: MIT
// A call between two pages through sigd, with nothing but what a browser has. In order: Signaling,
// the WebSocket that comes back by itself; Call, an RTCPeerConnection; and the page around them.
// The messages are those of sig-protocol(7).
'use strict';

/* ---------------------------------------------------------------- signaling */

const FIRST_DELAY = 500; // ms until the first attempt to come back; doubles up to LAST_DELAY
const LAST_DELAY = 15000;

// A connection that is registered as id. on.state(word, text) tells how it goes: connecting,
// registered, waiting (to come back) or closed (for good); on.message has every message;
// on.sent what goes out.
class Signaling {
  constructor({ url, id, token }, on) {
    Object.assign(this, { url, id, token, on, attempt: 0, registered: false, ended: false });
    this.open();
  }

  open() {
    this.on.state('connecting');
    this.heard = true;
    this.comeBack = undefined;
    const ws = new WebSocket(this.url); // throws when it is no address
    this.ws = ws;
    ws.onopen = () => this.send({
      type: 'register', id: this.id, token: this.token || undefined,
      resume: this.resume, // takes the id over from a link of ours that the server still holds open
    });
    ws.onmessage = ({ data }) => this.take(JSON.parse(data));
    ws.onclose = ({ code, reason }) => this.lost(code, reason);
  }

  send(message) {
    if (this.ws.readyState !== WebSocket.OPEN) return false;
    this.ws.send(JSON.stringify(message));
    this.on.sent(message);
    return true;
  }

  take(m) {
    this.heard = true;
    if (m.type === 'registered') {
      this.registered = true;
      this.attempt = 0;
      this.resume = m.resume;
      clearInterval(this.heartbeat);
      this.heartbeat = setInterval(() => this.beat(), m.heartbeatInterval ?? 30000);
      this.on.state('registered');
    } else if (m.type === 'goaway') {
      this.comeBack = m.reconnectAfter;
    } else if (m.type === 'error' && !this.registered) {
      // not registered: what may go better later is tried again, the rest is for the user
      this.ended ||= !m.retryable;
      this.ws.close();
    }
    this.on.message(m);
  }

  // The server's pings are answered by the browser, unseen. This one tells us of a dead link.
  beat() {
    if (!this.heard) this.ws.close();
    this.heard = false;
    this.send({ type: 'ping' });
  }

  lost(code, reason) {
    clearInterval(this.heartbeat);
    this.registered = false;
    const text = `${code}${reason ? ` ${reason}` : code === 1006 ? ' (cannot be reached)' : ''}`;
    // 4500 to 4999: do not come back; 1008: not without a token, or with less haste
    if (this.ended || code === 1008 || (code >= 4500 && code <= 4999)) {
      this.ended = true;
      this.on.state('closed', text);
      return;
    }
    const most = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.attempt++);
    const delay = this.comeBack ?? most * (0.5 + Math.random() / 2);
    this.on.state('waiting', text);
    this.timer = setTimeout(() => this.open(), delay);
  }

  close() {
    this.ended = true;
    clearTimeout(this.timer);
    if (this.ws.readyState > WebSocket.OPEN) this.on.state('closed', '');
    else this.ws.close(1000);
  }
}

/* ---------------------------------------------------------------- a call */

let calls = 0;

// A call with one peer, in the pattern of perfect negotiation: either side may offer at any time,
// and when both do, the polite one gives way. Who that is says the server with each offer.
// send(type, members) gives true when it went out. on.change: some state is another; on.text: a
// line of the chat; on.stream: the other side's media, or null; on.end(why): it is over.
class Call {
  constructor(peer, iceServers, send, on) {
    Object.assign(this, { peer, iceServers, send, on });
    this.rid = `call-${++calls}`; // the ack of the first offer tells the session
    this.sessionId = undefined;
    this.signaled = true; // until the server says that the session is over
    this.restarted = false;
    this.queue = Promise.resolve();
    this.begin();
  }

  begin() {
    const pc = new RTCPeerConnection({ iceServers: this.iceServers });
    Object.assign(this, { pc, makingOffer: false, ignoreOffer: false });
    pc.onnegotiationneeded = () => this.negotiate(pc);
    // candidate is null at the end of them, which the other side and sigmon want to know too
    pc.onicecandidate = ({ candidate }) => this.tell('ice', { candidate });
    pc.ondatachannel = ({ channel }) => this.adopt(channel);
    pc.ontrack = ({ streams: [stream] }) => {
      stream.onremovetrack = () => this.on.stream(stream.getTracks().length ? stream : null);
      this.on.stream(stream);
    };
    pc.onsignalingstatechange = pc.oniceconnectionstatechange = () => this.on.change();
    pc.onconnectionstatechange = () => this.connectionChanged();
  }

  // The caller makes the channel, and that makes the first offer.
  start() {
    this.adopt(this.pc.createDataChannel('chat'));
  }

  tell(type, members) {
    if (this.signaled) this.send(type, { target: this.peer, sessionId: this.sessionId, ...members });
  }

  async negotiate(pc) {
    try {
      this.makingOffer = true;
      await pc.setLocalDescription();
      const { sdp } = pc.localDescription;
      if (pc === this.pc) this.tell('offer', { sdp, rid: this.sessionId ? undefined : this.rid });
    } catch (error) {
      if (pc === this.pc) this.on.end(`no offer: ${error.message}`);
    } finally {
      if (pc === this.pc) this.makingOffer = false;
    }
  }

  // Both have called at once, and we give way: our offer, which nobody will answer, is forgotten.
  // Taking it back (rollback) would be enough, but Chromium (156) then now and then never gathers
  // candidates when it has just begun to.
  startOver() {
    this.close();
    this.channel = undefined;
    this.begin();
    if (this.media) this.setMedia(this.media);
  }

  // Is the message one of this call? Until we know the session, all of this peer's are.
  owns({ from, sessionId }) {
    return this.signaled && from === this.peer &&
      (!this.sessionId || !sessionId || sessionId === this.sessionId);
  }

  // One message after the other: a candidate waits until its description has been set.
  take(message) {
    this.sessionId ??= message.sessionId;
    this.queue = this.queue.then(() => this.handle(message)).catch((error) => {
      if (this.pc.signalingState !== 'closed') this.on.end(`${message.type}: ${error.message}`);
    });
  }

  async handle({ type, sdp, candidate, polite, reason }) {
    if (this.pc.signalingState === 'closed') return;
    const collision = type === 'offer' && (this.makingOffer || this.pc.signalingState !== 'stable');
    if (collision && polite && !this.pc.currentRemoteDescription) this.startOver();
    const pc = this.pc;
    if (type === 'offer') {
      this.ignoreOffer = !polite && collision;
      if (this.ignoreOffer) return;
      await pc.setRemoteDescription({ type, sdp }); // takes our own offer back when there is one
      await pc.setLocalDescription();
      this.tell('answer', { sdp: pc.localDescription.sdp });
    } else if (type === 'answer') {
      await pc.setRemoteDescription({ type, sdp });
    } else if (type === 'ice') {
      await pc.addIceCandidate(candidate).catch((error) => {
        if (!this.ignoreOffer) throw error; // else it belongs to the offer that we ignored
      });
    } else if (type === 'bye' && reason === 'peer-left' && pc.connectionState === 'connected') {
      // only the other side's link to the server is gone; the call itself lives
      this.signaled = false;
      this.on.text('note', `${this.peer} has lost the server; the call goes on`);
    } else if (type === 'bye') {
      this.signaled = false;
      this.on.end(reason);
    }
    this.on.change();
  }

  connectionChanged() {
    if (this.pc.connectionState === 'failed') {
      if (this.restarted || !this.signaled) {
        this.hangUp('ice-failed');
      } else {
        this.restarted = true;
        this.pc.restartIce(); // asks for a new offer
      }
    }
    this.on.change();
  }

  adopt(channel) {
    this.channel = channel;
    channel.onmessage = ({ data }) => this.on.text('theirs', String(data));
    channel.onopen = () => this.on.change();
    // a bye says better why it is over, but comes another way and may be a little behind
    channel.onclose = () => setTimeout(() => this.hangUp('channel-closed'), 1000);
    this.on.change();
  }

  say(text) {
    this.channel.send(text);
  }

  // The camera's tracks, or none with null; a new offer follows by itself.
  setMedia(stream) {
    this.media = stream;
    for (const sender of this.pc.getSenders()) if (sender.track) this.pc.removeTrack(sender);
    for (const track of stream?.getTracks() ?? []) this.pc.addTrack(track, stream);
  }

  hangUp(reason) {
    if (this.pc.signalingState === 'closed') return; // it is over already
    this.tell('bye', { reason });
    this.signaled = false;
    this.on.end(reason);
  }

  close() {
    if (this.channel) this.channel.onclose = null;
    this.pc.close();
  }
}

/* ---------------------------------------------------------------- the page */

const $ = (id) => document.getElementById(id);

let signaling; // from Connect until it is closed for good
let link = 'closed'; // its state, and what there is to say about it
let linkText = '';
let iceServers;
let peers = new Map(); // id to role
let call; // the one call of this page
let ring; // {from, messages}: a call that was neither accepted nor declined
let camera; // MediaStream while the box is ticked

function fail(text) {
  $('error-text').textContent = text;
  $('error').hidden = false;
}

function say(kind, text) {
  const line = document.createElement('p');
  line.className = kind;
  line.textContent = text;
  $('chat').append(line);
  $('chat').scrollTop = $('chat').scrollHeight;
}

// The last messages, shortened; a token is nobody's business.
function trace(arrow, { token, resume, ...message }) {
  const line = document.createElement('div');
  const text = JSON.stringify(message);
  line.textContent = `${arrow} ${text.length > 300 ? `${text.slice(0, 300)}…` : text}`;
  $('wire').append(line);
  if ($('wire').childElementCount > 200) $('wire').firstChild.remove();
  $('wire').scrollTop = $('wire').scrollHeight;
}

function send(type, members) {
  if (signaling?.registered && signaling.send({ type, ...members })) return true;
  fail(`no connection to the server: the ${type} was not sent`);
  return false;
}

/* ---- calls ---- */

function newCall(peer) {
  ring = undefined;
  $('chat').replaceChildren();
  const mine = new Call(peer, iceServers, send, {
    change: render,
    text: say,
    stream: (stream) => show('remote', stream),
    end: (why) => mine === call && endCall(why),
  });
  call = mine;
  if (camera) call.setMedia(camera);
  return call;
}

function startCall(peer) {
  if (ring?.from === peer) return accept();
  if (call) call.hangUp('hangup');
  newCall(peer).start();
  say('note', `calling ${peer}`);
  render();
  return undefined;
}

function endCall(why) {
  call.close();
  say('note', `the call with ${call.peer} is over: ${why}`);
  call = undefined;
  show('remote', null);
  render();
}

function accept() {
  const { from, messages } = ring;
  if (call) call.hangUp('hangup');
  newCall(from);
  for (const message of messages) call.take(message);
  render();
}

function decline() {
  const { from, messages } = ring;
  send('bye', { target: from, sessionId: messages[0].sessionId, reason: 'rejected' });
  ring = undefined;
  render();
}

// A message of another client: of the call, of the one that rings, or the first of a new one.
function relayed(m) {
  if (call?.owns(m)) {
    call.take(m);
  } else if (ring && m.from === ring.from && m.sessionId === ring.messages[0].sessionId) {
    if (m.type === 'bye') {
      say('note', `missed a call of ${m.from}: ${m.reason}`);
      ring = undefined;
    } else {
      ring.messages.push(m);
    }
  } else if (m.type === 'offer') {
    const busy = (call && call.peer !== m.from) || (ring && ring.from !== m.from);
    if (busy) send('bye', { target: m.from, sessionId: m.sessionId, reason: 'busy' });
    else ring = { from: m.from, messages: [m] };
  } // anything else is of a call that is over
}

/* ---- the server ---- */

function onMessage(m) {
  trace('←', m);
  const ours = call && m.rid === call.rid;
  switch (m.type) {
    case 'registered':
      iceServers = m.iceServers; // TURN, when the server has it
      peers = new Map();
      send('watch', {});
      send('list', { detail: true });
      break;
    case 'clients':
      for (const peer of m.peers ?? m.clients.map((id) => ({ id }))) peers.set(peer.id, peer.role);
      if (m.next) send('list', { detail: true, after: m.next });
      break;
    case 'presence':
      if (m.event === 'leave') peers.delete(m.id);
      else peers.set(m.id, m.role);
      break;
    case 'offer': case 'answer': case 'ice': case 'bye':
      relayed(m);
      break;
    case 'ack':
      if (ours) call.sessionId = m.sessionId;
      break;
    case 'error':
      fail(m.details ? `${m.message}: ${m.details}` : m.message);
      if (ours && call.signaled && m.target === call.peer) endCall(m.message);
      break;
    default: // an old page passes over what a new server says
  }
  render();
}

function onState(state, text) {
  link = state;
  linkText = text ?? '';
  if (state === 'closed') {
    signaling = undefined;
    if (text && !text.startsWith('1000')) fail(`the server closed the connection: ${text}`);
  }
  if (state === 'closed' || state === 'waiting') {
    // sessions end with the connection; what is connected already lives on without the server
    peers = new Map();
    ring = undefined;
    if (call && call.pc.connectionState === 'connected') call.signaled = false;
    else if (call) endCall('the connection to the server was lost');
  }
  render();
}

function connect() {
  const [url, id, token] = ['url', 'id', 'token'].map((name) => $(name).value.trim());
  $('error').hidden = true;
  try {
    signaling = new Signaling({ url, id, token }, {
      state: onState, message: onMessage, sent: (m) => trace('→', m),
    });
    sessionStorage.setItem('me', JSON.stringify({ url, id }));
  } catch (error) {
    link = 'closed';
    fail(error.message);
  }
  render();
}

async function toggleCamera() {
  const box = $('camera');
  for (const track of camera?.getTracks() ?? []) track.stop();
  camera = undefined;
  if (box.checked) {
    box.disabled = true;
    try {
      camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    } catch (error) {
      box.checked = false;
      fail(`no camera or microphone: ${error.message}`);
    }
    box.disabled = false;
  }
  show('local', camera ?? null);
  if (call && !call.signaled) fail('without the server this call cannot change; call again');
  else if (call) call.setMedia(camera);
}

/* ---- what is seen ---- */

function show(name, stream) {
  $(name).srcObject = stream;
  $(name).hidden = !stream;
}

const LINKS = {
  connecting: ['wait', 'connecting…'],
  registered: ['good', 'connected'],
  waiting: ['wait', 'trying again'],
  closed: ['', 'not connected'],
};

function renderPeers() {
  const others = [...peers].filter(([id]) => id !== signaling?.id)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const focused = document.activeElement?.dataset?.peer;
  $('peers').replaceChildren(...others.map(([id, role]) => {
    const item = document.createElement('li');
    const name = document.createElement('span');
    const button = document.createElement('button');
    name.textContent = role ? `${id} (${role})` : id;
    button.textContent = 'Call';
    button.ariaLabel = `Call ${id}`;
    button.dataset.peer = id;
    button.disabled = call?.peer === id;
    button.onclick = () => startCall(id);
    item.append(name, button);
    return item;
  }));
  if (focused) $('peers').querySelector(`[data-peer="${CSS.escape(focused)}"]`)?.focus();
  $('alone').hidden = others.length > 0;
  $('alone').textContent = link === 'registered'
    ? 'Nobody else is here. Open this page in another tab, too.' : 'Connect to see who is there.';
}

function render() {
  const [colour, text] = LINKS[link];
  $('link').className = `state ${colour}`;
  $('link').textContent = link === 'registered' ? `${text} as ${signaling.id}`
    : link === 'waiting' ? `${text}: ${linkText}` : text;
  $('connect-button').textContent = signaling ? 'Disconnect' : 'Connect';
  $('fields').hidden = Boolean(signaling);
  $('where').hidden = !signaling;
  if (signaling) $('where').textContent = `${signaling.id} at ${signaling.url}`;
  $('call-id').hidden = link !== 'registered';
  renderPeers();

  $('ring').hidden = !ring;
  if (ring) $('ring-title').textContent = `${ring.from} is calling`;

  const { pc, channel } = call ?? {};
  const open = channel?.readyState === 'open';
  $('call-title').textContent = call ? `${open ? 'Call with' : 'Calling'} ${call.peer}` : 'No call';
  $('hangup').hidden = !call;
  $('s-connection').textContent = pc?.connectionState ?? '–';
  $('s-ice').textContent = pc?.iceConnectionState ?? '–';
  $('s-signaling').textContent = pc?.signalingState ?? '–';
  $('s-channel').textContent = channel?.readyState ?? '–';
  $('s-session').textContent = call?.sessionId ?? '–';
  const typing = open && $('text').disabled;
  $('text').disabled = $('send').disabled = !open;
  if (typing && document.activeElement === document.body) $('text').focus();
}

/* ---- what is pressed ---- */

function onSubmit(form, action) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}

onSubmit('connect', () => (signaling ? signaling.close() : connect()));
onSubmit('call-id', () => startCall($('target').value.trim()));
onSubmit('say', () => {
  const text = $('text').value;
  if (!text || call?.channel?.readyState !== 'open') return;
  call.say(text);
  say('mine', text);
  $('text').value = '';
});
$('accept').onclick = accept;
$('decline').onclick = decline;
$('hangup').onclick = () => call.hangUp('hangup');
$('camera').onchange = toggleCamera;
$('error-close').onclick = () => { $('error').hidden = true; };
addEventListener('pagehide', () => {
  if (call) call.hangUp('hangup');
});

// ?url= and ?id= fill the form; a tab that is loaded again keeps what it had.
const asked = new URLSearchParams(location.search);
const me = JSON.parse(sessionStorage.getItem('me') ?? '{}');
const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
$('url').value = asked.get('url') ?? me.url ?? `${scheme}://${location.hostname || 'localhost'}:8081`;
$('id').value = asked.get('id') ?? me.id ?? `web-${Math.random().toString(36).slice(2, 8)}`;
render();
