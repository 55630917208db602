// SPDX-License-Identifier: MIT
// The reference server of the benchmark: the original's protocol on Node.js and ws, written the
// straightforward way, one JSON.parse in and one JSON.stringify out per message.
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values } = parseArgs({
    options: { 'port-file': { type: 'string' }, port: { type: 'string', default: '0' } },
});

const clients = new Map();
const sessions = new Map();

function stamp() {
    return new Date().toISOString();
}

function send(ws, message) {
    ws.send(JSON.stringify(message));
}

function fail(ws, message, details) {
    send(ws, { type: 'error', message, details });
}

function register(ws, data) {
    if (typeof data.id !== 'string' || data.id === '') {
        return fail(ws, 'Invalid id', 'register needs an id');
    }
    ws.id = data.id;
    clients.set(data.id, ws);
    send(ws, { type: 'registered', id: data.id, timestamp: stamp() });
}

function pair(a, b) {
    return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function relay(ws, data) {
    if (!ws.id) {
        return fail(ws, 'Client not registered', 'register first');
    }
    const target = clients.get(data.target);
    if (!target) {
        return fail(ws, 'Target client not found', `${data.target} is not registered`);
    }
    const message = { type: data.type, from: ws.id };
    const key = pair(ws.id, data.target);
    let sessionId = data.sessionId ?? sessions.get(key);
    if (data.type === 'ice') {
        message.candidate = data.candidate;
    } else {
        message.sdp = data.sdp;
        sessionId ??= `session-${randomBytes(12).toString('base64url')}`;
        sessions.set(key, sessionId);
    }
    if (sessionId) {
        message.sessionId = sessionId;
    }
    message.timestamp = stamp();
    send(target, message);
}

const handlers = {
    register,
    offer: relay,
    answer: relay,
    ice: relay,
    list: (ws) => send(ws, { type: 'clients', clients: [...clients.keys()], count: clients.size }),
    ping: (ws) => send(ws, { type: 'pong', timestamp: stamp() }),
};

function onMessage(ws, text) {
    let data;
    try {
        data = JSON.parse(text);
    } catch (e) {
        return fail(ws, 'Invalid JSON', e.message);
    }
    const handler = Object.hasOwn(handlers, data?.type) ? handlers[data.type] : null;
    if (!handler) {
        return fail(ws, 'Unknown message type', String(data?.type));
    }
    handler(ws, data);
}

const server = new WebSocketServer({
    host: '127.0.0.1',
    port: Number(values.port),
    backlog: 4096,
    perMessageDeflate: false,
});

server.on('connection', (ws) => {
    ws.on('message', (text) => onMessage(ws, text));
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
        if (clients.get(ws.id) === ws) {
            clients.delete(ws.id);
        }
    });
});

server.on('listening', () => {
    const { port } = server.address();
    if (values['port-file']) {
        writeFileSync(`${values['port-file']}.tmp`, `${port}\n`);
        renameSync(`${values['port-file']}.tmp`, values['port-file']);
    }
    console.log(`listening on 127.0.0.1:${port}`);
});

process.on('SIGTERM', () => process.exit(0));
