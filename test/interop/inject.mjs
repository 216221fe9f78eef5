/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node test/interop/inject.mjs CLASSIFY: runs it in this namespace, sends what must never be on the wire beside what may, and sees that each
 * of it is found: a classifier that cannot fail is worth nothing. Run by test/interop/run in a namespace of its own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { networkInterfaces } from 'node:os';
import { equal, results, sleep, test } from './lib.mjs';

const CLASSIFY = process.argv[2];
const address = Object.values(networkInterfaces()).flat().find(a => a.family === 'IPv4' && !a.internal).address;
const join = (...parts) => Buffer.concat(parts.map(p => (typeof p === 'string' ? Buffer.from(p) : Buffer.from(p))));
const u16 = n => [n >> 8, n & 255];

const stun = (method, ...attributes) => join([0, method, ...u16(attributes.length), 0x21, 0x12, 0xa4, 0x42], randomBytes(12), attributes);
const record = (type, epoch, body) => join([type, 0xfe, 0xfd, ...u16(epoch), 0, 0, 0, 0, 0, 1, ...u16(body.length)], body);
const rtp = (ssrc, n, body) => join([0x80, 96, ...u16(n), 0, 0, 0, n >> 2, 0, 0, 0, ssrc], body);
const report = [0x80, 201, 0, 1, 1, 2, 3, 4];
const channel = body => join([0x40, 1, ...u16(body.length)], body);
const many = what => Array.from({ length: 200 }, (_, i) => what(i));

/* What it is, datagrams, and as what they are to be seen. */
const GOOD = [
  ['a request of STUN', [stun(1, 0x80, 0x28, 0, 4, 1, 2, 3, 4)], 'stun'],
  ['hello and data of DTLS', [record(22, 0, randomBytes(180)), record(23, 1, randomBytes(80)), join([0x2e, 0, 1, 0, 40], randomBytes(40))], 'dtls'],
  ['sound and pictures', many(i => rtp(1, i, randomBytes(60))), 'srtp'],
  ['reports', [join(report, randomBytes(20), [0x80, 0, 0, 1], randomBytes(10)), join(report, randomBytes(30), [0x80, 0, 0, 2])], 'srtcp'],
  ['reports whose ciphertext looks like another one', [join(report, [0x80, 201, 0, 4], randomBytes(12), [0x80, 0, 0, 3])], 'srtcp'],
  ['ciphertext that reads like four bytes of a description', [record(23, 1, join(randomBytes(40), 'o=- ', randomBytes(40)))], 'dtls'],
  ['data through TURN', [channel(record(23, 1, randomBytes(80))), channel(stun(1))], 'turn'],
];
const BAD = [
  ['text', [join('GET / HTTP/1.1\r\n')], 'bad-turn'],
  ['other text', [join('hello')], 'unknown'],
  ['STUN that is none', [join([0, 1, 0, 0, 1, 2, 3, 4], randomBytes(12)), stun(1, 0x80, 0x28, 0, 40)], 'bad-stun'],
  ['a description', [join([22], '1o=- 123 1 IN IP4 127.0.0.1\r\n')], 'plaintext'],
  ['data before the handshake', [record(23, 0, randomBytes(80))], 'clear-dtls'],
  ['data without a cipher', [record(23, 1, Buffer.from('short'))], 'clear-dtls'],
  ['SCTP', [join(u16(5000), u16(5000), randomBytes(40))], 'unknown'],
  ['a record that is cut off', [record(22, 0, randomBytes(80)).subarray(0, 60)], 'bad-dtls'],
  ['a message within a record', [record(23, 1, join(randomBytes(9), 'closed by the page', randomBytes(9)))], 'plaintext'],
  ['sound that is not encrypted', many(i => rtp(2, i, join([0xfc], randomBytes(60)))), 'clear-rtp'],
  ['pictures that are not encrypted', many(i => rtp(3, i, join([i % 4 ? 0x80 : 0x90], randomBytes(900)))), 'clear-rtp'],
  ['a key frame', [rtp(4, 1, join([0x90, 0x10, 2, 0], '\x9d\x01\x2a\x80\x02\x68\x01'.split('').map(c => c.charCodeAt(0)), randomBytes(90)))], 'plaintext'],
  ['a report that is not encrypted', [join(report, [0x80, 202, 0, 1, 1, 2, 3, 4, 0x81, 203, 0, 1, 1, 2, 3, 4])], 'clear-rtcp'],
  ['a report without the bit', [join(report, randomBytes(20), [0, 0, 0, 1], [0].concat([...randomBytes(5)]), [0, 1, 2, 3])], 'clear-rtcp'],
  ['text through TURN', [channel(join('hello'))], 'unknown'],
  ['the canary', [join(randomBytes(5), [200], 'sotto: this went out in the clear')], 'canary'],
];

/* What a classifier says of these datagrams: { saw: { KIND: N }, bad: { KIND: N } }. */
async function classified(run) {
  const c = spawn(CLASSIFY, [], { stdio: ['ignore', 'pipe', 'inherit'] }), said = { saw: {}, bad: {} };
  let ready;
  const isReady = new Promise(done => { ready = done; }), over = new Promise(done => c.on('exit', done));
  createInterface({ input: c.stdout }).on('line', line => {
    const [what, kind, n] = line.split('\t');
    if (what === 'ready') ready();
    else if (said[what]) said[what][kind] = +n;
  });
  await Promise.race([isReady, over.then(code => { throw new Error(`the classifier ended with ${code}`); })]);
  await run();
  await sleep(150);
  c.kill('SIGTERM');
  await over;
  return said;
}

async function send(datagrams) {
  const to = createSocket('udp4'), from = createSocket('udp4');
  await new Promise(done => to.bind(0, address, done));
  for (const d of datagrams) await new Promise(done => from.send(d, to.address().port, address, done));
  to.close(); from.close();
}

// proves: S07 S08
async function found([what, datagrams, kind]) {
  const { bad } = await classified(() => send(datagrams));
  if (!bad[kind]) throw new Error(`${what}: not found; bad: ${JSON.stringify(bad)}`);
}

// proves: S08
async function passes([what, datagrams, kind]) {
  const { saw, bad } = await classified(() => send(datagrams));
  equal([saw[kind], bad], [datagrams.length, {}], what);
}

async function overTcp() {
  const { bad } = await classified(async () => {
    const server = createServer(s => s.resume()), port = await new Promise(done => server.listen(0, address, () => done(server.address().port)));
    const s = connect(port, address, () => s.end('POST /offer HTTP/1.1\r\n\r\nv=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n'));
    await new Promise(done => s.on('close', done));
    server.close();
  });
  if (!bad['bad-tcp'] || !bad.plaintext) throw new Error(`not found; bad: ${JSON.stringify(bad)}`);
}

for (const x of GOOD) await test(`classifier: passes ${x[0]}`, 5000, () => passes(x));
for (const x of BAD) await test(`classifier: finds ${x[0]}`, 5000, () => found(x));
await test('classifier: finds signaling over TCP', 5000, overTcp);
process.exit(results.failed ? 1 : 0);
