/* SPDX-License-Identifier: BSD-2-Clause */
/* What two ends of a connection must have in common after a negotiation: media sections, transceivers, transport. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONNECTED, equal, sleep } from './lib.mjs';

/* The media sections of a description: { kind, mid, rejected, text }. */
export function sections(sdp) {
  return sdp.replace(/\r/g, '').split(/\n(?=m=)/).slice(1).map(text => ({
    kind: /^m=(\w+)/.exec(text)[1], mid: /^a=mid:(.*)$/m.exec(text)?.[1] ?? '',
    rejected: /^m=\w+ 0 /.test(text) && !/^a=bundle-only$/m.test(text), text,
  }));
}
export const lines = (text, start) => text.replace(/\r/g, '').split('\n').filter(l => l.startsWith(start));
export const ufrag = sdp => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];

const can = d => ({ send: d === 'sendrecv' || d === 'sendonly', receive: d === 'sendrecv' || d === 'recvonly' });
const make = (send, receive) => (send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive');
const both = (mine, other) => make(can(mine).send && can(other).receive, can(mine).receive && can(other).send);
const mirror = d => make(can(d).receive, can(d).send);

/* Firefox still shows one that an answer stopped. */
const living = page => page.transceivers.filter(t => t.current !== 'stopped');

function transceiverDifferences(a, b) {
  const found = [], by = new Map(b.transceivers.map(t => [t.mid, t])), mine = living(a);
  if (mine.length !== b.transceivers.length) found.push(`${mine.length} and ${b.transceivers.length} transceivers`);
  for (const t of mine) {
    const u = by.get(t.mid);
    if (!t.mid || !u) found.push(`mid "${t.mid}" of the page is not the library's`);
    else if (t.kind !== u.kind) found.push(`mid ${t.mid} is ${t.kind} and ${u.kind}`);
    else if (t.direction === 'stopped' || u.direction === 'stopped') found.push(`mid ${t.mid} is still being stopped`);
    else if (t.current !== mirror(u.current)) found.push(`mid ${t.mid} is now ${t.current} and ${u.current}`);
    else if (t.current !== both(t.direction, u.direction)) found.push(`mid ${t.mid} is ${t.current} of ${t.direction} and ${u.direction}`);
  }
  return found;
}

/* Kinds, mids and order; what either side rejected is rejected, whatever the offer said. */
function shapeOf(sdp, other) {
  const there = sections(other);
  return sections(sdp).map((s, i) => `${s.kind}${s.rejected || there[i]?.rejected ? ' rejected' : ' ' + s.mid}`).join(', ');
}

function sectionDifferences(a, b) {
  const found = [], first = shapeOf(a.local, a.remote);
  const all = { 'page remote': shapeOf(a.remote, a.local), 'library local': shapeOf(b.local, b.remote), 'library remote': shapeOf(b.remote, b.local) };
  for (const [name, text] of Object.entries(all)) if (text !== first) found.push(`sections: page local ${first}; ${name} ${text}`);
  if (ufrag(a.local) !== ufrag(b.remote) || ufrag(b.local) !== ufrag(a.remote)) found.push('ICE generations differ');
  const live = first.split(', ').filter(t => t && !/rejected|application/.test(t)).length;
  if (live !== living(a).length) found.push(`${live} live sections, ${living(a).length} transceivers`);
  return found;
}

/* What is not as it should be between the page and the library, as they look now. */
export function differences(a, b) {
  if (a.signaling !== 'stable' || b.signaling !== 'stable') return [`signaling is ${a.signaling} and ${b.signaling}`];
  if (a.busy) return ['the page is busy'];
  return [...transceiverDifferences(a, b), ...sectionDifferences(a, b)];
}

/* What both sides look like goes into files for whoever has to find out. */
export function dump(name, a, b, trace = []) {
  const dir = process.env.SOTTO_INTEROP_LOGS;
  if (!dir) return '';
  mkdirSync(dir, { recursive: true });
  const path = join(dir, name.replace(/[^\w.-]+/g, '-') + '.txt');
  const show = (who, l) => `=== ${who} ${JSON.stringify({ ...l, local: undefined, remote: undefined }, null, 1)}\n--- local\n${l.local}\n--- remote\n${l.remote}\n`;
  writeFileSync(path, [...trace, ...Object.values(trace.last ?? {})].join('\n') + '\n' + show('page', a) + show('library', b));
  return `; see ${path}`;
}

/* Waits until page and library agree about everything; also(a, b): what else must be, as a text if it is not. */
export async function settled(name, page, p, peer, { n = 0, ms = 60000, also, trace } = {}) {
  const end = Date.now() + ms;
  for (;;) {
    const [a, b] = await Promise.all([page.look(p), peer.look(n)]);
    const errors = [...a.errors.map(e => 'page: ' + e), ...b.errors.map(e => 'library: ' + e)];
    const found = errors.length ? errors : differences(a, b);
    if (found.length === 0 && also) found.push(...[also(a, b)].filter(t => t));
    if (found.length === 0) return { page: a, peer: b };
    if (errors.length || Date.now() > end) throw new Error(found.slice(0, 3).join('; ') + dump(name, a, b, trace) + ' ' + peer.stderr.trim().split('\n').pop());
    await sleep(20);
  }
}

/* --- transport ------------------------------------------------------------------------------------------------------------ */

/* The one transport in a list of statistics objects, with the ports of its path and of all candidates, and the certificates' fingerprints. */
export function transportOf(stats) {
  const byId = new Map(stats.map(s => [s.id, s])), transport = stats.find(s => s.type === 'transport') ?? {};
  const selected = byId.get(transport.selectedCandidatePairId) ??
    stats.find(s => s.type === 'candidate-pair' && s.state === 'succeeded' && (s.selected ?? s.nominated)) ?? {};
  const ports = kind => stats.filter(s => s.type === kind).map(s => s.port);
  return {
    ...transport, selected: [byId.get(selected.localCandidateId)?.port, byId.get(selected.remoteCandidateId)?.port],
    locals: ports('local-candidate'), remotes: ports('remote-candidate'),
    localPrint: byId.get(transport.localCertificateId)?.fingerprint?.toUpperCase(), remotePrint: byId.get(transport.remoteCertificateId)?.fingerprint?.toUpperCase(),
  };
}

const OPPOSITE = { client: 'server', server: 'client', controlling: 'controlled', controlled: 'controlling' };

/* Statistics of both sides speak of the same DTLS connection and certificates, and of paths between candidates that both know. They need
 * not send on the same one: several pairs are nominated, and controlled browsers keep the first, while the library takes the best. */
export async function sameTransport(page, p, peer, n = 0) {
  let a, b;
  const path = (of, other) => other.locals.includes(of.selected[1]) && other.remotes.includes(of.selected[0]);
  for (let i = 0; i < 1200; i++) { /* pairs may still be being tried */
    a = transportOf(await page.stats(p));
    b = transportOf(await peer.stats(n));
    if (path(a, b) && path(b, a)) break;
    await sleep(50);
  }
  if (!path(a, b) || !path(b, a)) {
    throw new Error(`ports: the library sends from, to ${b.selected} and knows ${b.locals}, ${b.remotes}; the page ${a.selected}, ${a.locals}, ${a.remotes}`);
  }
  equal(b.dtlsState, 'connected', 'dtlsState of the library');
  equal(await page.dtls(p), 'connected', 'state of the DTLS transport of the page');
  equal(b.localPrint, await page.fingerprint(p), 'the certificate of the library');
  for (const name of ['dtlsState', 'tlsVersion', 'dtlsCipher', 'srtpCipher'])
    if (a[name] !== undefined && b[name] !== undefined) equal(b[name], a[name], name);
  for (const name of ['dtlsRole', 'iceRole'])
    if (a[name] !== undefined && b[name] !== undefined) equal(b[name], OPPOSITE[a[name]], name);
  if (a.localPrint) equal([a.localPrint, a.remotePrint], [b.remotePrint, b.localPrint], 'certificates');
}

export async function connected(page, p, peer, n = 0) {
  await page.connected(p);
  await peer.state(n, CONNECTED);
}
