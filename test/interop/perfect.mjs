/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Perfect negotiation with a real browser: both sides change things at once, by chance, and must always come to the same state,
 * while numbered messages flow both ways without a gap. And ICE restarts under the same traffic.
 * SOTTO_SEED=N plays another seed than 1; SOTTO_LONG=1 plays 500 rounds instead of 60, of a seed by chance.
 */
import { CONNECTED, Peer, equal, newPage, sleep, test } from './lib.mjs';
import { settled, transportOf, ufrag } from './check.mjs';

const ROUNDS = process.env.SOTTO_LONG ? 500 : 60;
const RESTARTS = 100;
const MOST = 6; /* transceivers: above it nothing is added */

/* A small generator (mulberry32): the same seed, the same choices. */
function generator(seed) {
  let state = seed >>> 0;
  return n => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
/* A long run has another one each time. */
const seedOf = () => Number(process.env.SOTTO_SEED ?? (process.env.SOTTO_LONG ? Math.floor(Math.random() * 1e9) : 1));

/* --- a call whose sides signal by themselves ----------------------------------------------------------------------------- */

/* Messages between the two, in order, each as late as the generator says; trace: the last of them. */
function signaling(page, p, peer, random, trace) {
  let over = false;
  const start = Date.now();
  const note = (to, type, text) => {
    trace.push(`${Date.now() - start} ms to the ${to}: ${type} ${type === 'candidate' ? text : 'version ' + / (\d+) IN/.exec(text)?.[1] + ', ufrag ' + ufrag(text)}`);
    if (trace.length > 60) trace.shift();
    if (type !== 'candidate') (trace.last ??= {})[to] = `--- last ${type} to the ${to}\n${text.replace(/\\n/g, '\n')}`;
  };
  const late = () => (random ? sleep(random(8)) : undefined);
  const unfold = text => text.replace(/\\n/g, '\r\n');
  (async () => {
    while (!over) {
      for (const m of await page.messages(p)) {
        await late();
        note('library', m.type ?? 'candidate', m.sdp ?? m.line);
        if (m.type) peer.tell('D', 0, m.type, m.sdp); else peer.tell('C', 0, m.mid, m.line, m.ufrag);
      }
    }
  })().catch(() => {});
  (async () => {
    for (;;) {
      const r = await peer.waitAny([['D', 0], ['C', 0]], 3600e3);
      await late();
      note('page', r[0] === 'D' ? r[2] : 'candidate', r[3]);
      await page.receive(p, r[0] === 'D' ? { type: r[2], sdp: unfold(r[3]) } : { mid: r[2], line: r[3], ufrag: r[4] });
    }
  })().catch(() => {});
  return () => { over = true; };
}

/* The page with a new process, connected, with one channel on which both send a numbered message every few milliseconds. */
async function flowing(page, { polite, random }, run) {
  const peer = new Peer();
  const p = await page.makePerfect(!polite);
  let stop = () => {};
  try {
    peer.tell('new', 0, 'trickle');
    peer.tell('perfect', 0, polite ? 'polite' : 'impolite');
    peer.tell('mode', 0, 'numbered');
    const trace = [];
    stop = signaling(page, p, peer, random, trace);
    const mine = await page.open(p, 'flow');
    await page.opened(mine);
    const theirs = await peer.channel(0, 'flow');
    await page.numbered(mine);
    await page.watchDtls(p);
    await page.flow(mine, 10);
    peer.tell('flow', theirs, 10);
    const c = { page, p, peer, mine, theirs, trace };
    const note = await run(c);
    const last = await stopFlows(c);
    return `${note}; ${last} messages`;
  } finally {
    stop();
    await page.gone(p).catch(() => {});
    await peer.end();
  }
}

/* All that was sent arrived, in order; DTLS was never anything but connected. */
async function stopFlows({ page, p, peer, mine, theirs }) {
  await page.flow(mine, 0);
  const sent = +(await peer.ask('flow', theirs, 0))[2];
  const up = (await page.flowed(mine)).sent;
  await peer.received(theirs, up);
  for (let i = 0; i < 1200 && (await page.flowed(mine)).received < sent; i++) await sleep(50);
  const end = await page.flowed(mine);
  equal([end.received, end.gaps, end.errors, end.state], [sent, [], [], 'open'], 'the flow as the page saw it');
  equal((await peer.count(theirs)).messages, up, 'messages at the library');
  equal(await page.watchedDtls(p), { states: ['connected'], same: true }, 'the DTLS transport of the page');
  return up + sent;
}

/* A message that was sent after now arrives, both ways. */
async function alive({ page, mine, peer, theirs }) {
  const end = Date.now() + 60000, before = await page.flowed(mine), there = (await peer.count(theirs)).messages;
  for (;;) {
    const now = await page.flowed(mine), messages = (await peer.count(theirs)).messages;
    if (now.gaps.length || now.errors.length || now.state !== 'open') throw new Error(`the flow: ${JSON.stringify(now)}`);
    if (now.received > before.received + 1 && messages > Math.max(there, before.sent)) return;
    if (Date.now() > end) throw new Error(`no message comes through: ${JSON.stringify(now)}, ${messages} at the library`);
    await sleep(10);
  }
}

/* --- rounds --------------------------------------------------------------------------------------------------------------- */

const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const OPS = ['add', 'track', 'untrack', 'direction', 'direction', 'stop', 'restart'];

function choose(random, count) {
  let op = OPS[random(OPS.length)];
  if (count >= MOST && (op === 'add' || op === 'track')) op = 'stop';
  return { op, r: random(1000), kind: random(2) ? 'video' : 'audio', direction: DIRECTIONS[random(4)] };
}

function tell(peer, c) {
  if (c.op === 'add') peer.tell('transceiver', 0, c.kind, c.direction);
  else if (c.op === 'track') peer.tell('track', 0, c.kind, 'stream=s');
  else if (c.op === 'restart') peer.tell('restart', 0);
  else if (c.op === 'direction') peer.tell('direction', 0, `?${c.r}`, c.direction);
  else peer.tell(c.op, 0, `?${c.r}`);
}

async function round(c, k, random, before) {
  const count = before.page.transceivers.length;
  const page = Array.from({ length: random(3) }, () => choose(random, count));
  let peer = Array.from({ length: random(3) }, () => choose(random, count));
  if (c.gentle) peer = peer.filter((x, i) => x.op !== 'restart' || (!page.length && peer.findIndex(y => y.op === 'restart') === i));
  const restart = [...page, ...peer].some(x => x.op === 'restart');
  const also = (a, b) => (restart && (ufrag(a.local) === ufrag(before.page.local) || ufrag(b.local) === ufrag(before.peer.local)) ? 'no new ICE generation' : '');
  try {
    const changing = c.page.change(c.p, page);
    for (const x of peer) tell(c.peer, x);
    await changing;
    const after = await settled(`${c.name} round ${k}`, c.page, c.p, c.peer, { also, trace: c.trace });
    await alive(c);
    return after;
  } catch (e) {
    throw new Error(`round ${k} (page ${JSON.stringify(page)}, library ${JSON.stringify(peer)}): ${e.message}`);
  }
}

/* What a polite browser cannot do, with another of its kind neither. Firefox takes no ICE restart that crosses an offer of its own,
 * which may follow its answer to another one: the library restarts once a round, and not when the page changes something. For
 * Chromium the ids of header extensions in an offer that it took back still count: they are agreed on before the first round. */
async function rounds(page, name, polite, browser) {
  const seed = seedOf(), random = generator(seed);
  try {
    return await flowing(page, { polite, random: generator(seed + 1) }, async c => {
      Object.assign(c, { name, gentle: browser === 'firefox' && !polite });
      if (browser === 'chromium' && !polite) await page.shape(c.p, [{ kind: 'audio' }, { kind: 'video' }]);
      let state = await settled(name, page, c.p, c.peer);
      for (let k = 1; k <= ROUNDS; k++) state = await round(c, k, random, state);
      const mine = await page.collisions(c.p), yielded = c.peer.reports.filter(r => r[0] === 'yielded').length;
      return `seed ${seed}, ${ROUNDS} rounds, ${polite ? yielded : mine.yielded} collisions`;
    });
  } catch (e) {
    throw new Error(`seed ${seed}: ${e.message}`);
  }
}

/* --- ICE restarts under traffic ------------------------------------------------------------------------------------------- */

async function restarts(page, name) {
  return flowing(page, { polite: true }, async c => {
    await page.shape(c.p, [{ kind: 'audio' }, { kind: 'video' }]);
    let state = await settled(name, page, c.p, c.peer, { also: a => (a.transceivers.length === 2 ? '' : 'no transceivers yet') });
    const start = Date.now(), certificates = transportOf(await page.stats(c.p));
    for (let k = 1; k <= RESTARTS; k++) {
      const before = state;
      if (k % 2) await page.restart(c.p); else c.peer.tell('restart', 0);
      const also = (a, b) => (ufrag(a.local) === ufrag(before.page.local) || ufrag(b.local) === ufrag(before.peer.local) ? 'no new ICE generation'
        : a.connection !== 'connected' || b.connection !== CONNECTED ? `connection is ${a.connection} and ${b.connection}`
        : b.dtls !== 2 ? `DTLS of the library is ${b.dtls}` : b.ufrag !== ufrag(b.local) ? 'the library is still on the old generation' : '');
      try {
        state = await settled(`${name} restart ${k}`, page, c.p, c.peer, { also, trace: c.trace });
        await alive(c);
      } catch (e) { throw new Error(`restart ${k} by the ${k % 2 ? 'page' : 'library'}: ${e.message}`); }
    }
    const after = transportOf(await page.stats(c.p));
    equal([after.remotePrint, after.dtlsState], [certificates.remotePrint, certificates.dtlsState], 'certificate and DTLS state');
    return `${RESTARTS} restarts, ${Math.round((Date.now() - start) / RESTARTS)} ms each`;
  });
}

/* --- all of it ------------------------------------------------------------------------------------------------------------- */

export async function perfectSeries(name, browser) {
  const page = await newPage(browser, true), long = process.env.SOTTO_LONG ? 1800e3 : 150e3;
  for (const polite of [true, false]) {
    const what = `${name}: perfect negotiation, the library ${polite ? 'polite' : 'impolite'}`;
    await test(what, long, () => rounds(page, what, polite, name));
  }
  await test(`${name}: ICE restarts under traffic`, 200e3, () => restarts(page, `${name} restarts`));
  await page.end();
}
